/** The segments of a journal's write-ahead file: which there are, where each frame lies, and when an old one may go. */
import { SealwardError } from '../../core/errors.ts';
import type { JournalFiles } from './files.ts';
import { type Frame, FRAME_HEAD_BYTES, readSegment, sealFrame, type SegmentContent } from './segment.ts';

export interface Place {
  readonly path: string;
  readonly at: number;
  readonly length: number;
}

interface Segment {
  readonly path: string;
  /** Index of its first entry: a multiple of 256, so that a tree can be taken up from full tiles alone. */
  readonly base: bigint;
  /** Size of the journal when it was begun. */
  readonly from: bigint;
  length: number;
}

const FOLDER = 'journal';
const NAME = /^(\d{19})\.wal$/;

export class WriteAhead {
  readonly #files: JournalFiles;
  readonly #segmentBytes: number;
  readonly #segments: Segment[] = [];

  constructor(files: JournalFiles, segmentBytes: number) {
    this.#files = files;
    this.#segmentBytes = segmentBytes;
  }

  static async exists(files: JournalFiles): Promise<boolean> {
    return (await files.list(FOLDER)).some((name) => NAME.test(name));
  }

  /** Index of the first entry that stands in a segment. */
  get base(): bigint {
    return this.#segments[0]?.base ?? 0n;
  }

  /**
   * Reads all frames, oldest first, and cuts off what was being written when the machine stopped.
   * @param each called with every frame; one that begins a later segment repeats entries that were there before.
   */
  async recover(each: (frame: Frame, place: Place) => void | Promise<void>): Promise<void> {
    this.#segments.length = 0;
    for (const { path, base, bytes, frames, length } of await this.#readAll()) {
      if (length < bytes.length) await this.#files.truncate(path, length);
      // A process that was killed may have left in the cache what is not on the disk, and soon it is signed for.
      await this.#files.sync(path);
      this.#segments.push({ path, base, from: base === 0n ? 0n : base + BigInt(frames[0]?.count ?? 0), length });
      let at = 0;
      for (const frame of frames) {
        const size = FRAME_HEAD_BYTES + frame.body.length;
        await each(frame, { path, at, length: size });
        at += size;
      }
    }
    if (this.#segments.length === 0) throw new SealwardError('ERR_JOURNAL_DAMAGED', 'the journal has no write-ahead file');
  }

  /** Segments that follow each other without a gap, up to the newest. */
  async #readAll(): Promise<readonly (SegmentContent & { readonly path: string; readonly base: bigint; readonly bytes: Uint8Array })[]> {
    const names = (await this.#files.list(FOLDER)).filter((name) => NAME.test(name)).sort();
    const found = [];
    let end = 0n;
    for (const [i, name] of names.entries()) {
      const path = `${FOLDER}/${name}`;
      const base = BigInt(NAME.exec(name)?.[1] ?? '0');
      const bytes = (await this.#files.read(path)) ?? new Uint8Array();
      const content = readSegment(bytes, path, i === names.length - 1);
      // A segment whose first frame never came whole holds nothing that was acknowledged.
      if (content.frames.length === 0 && i > 0) {
        await this.#files.remove(path);
        continue;
      }
      // What was dropped may be there again after a loss of power, without what followed it.
      if (base > end) for (const { path: old } of found.splice(0)) await this.#files.remove(old);
      const last = content.frames.at(-1);
      end = last ? last.first + BigInt(last.count) : base;
      found.push({ ...content, path, base, bytes });
    }
    return found;
  }

  /** Begins the first segment of a new journal. */
  async create(): Promise<void> {
    await this.#begin(0n, 0n);
  }

  async #begin(base: bigint, from: bigint): Promise<Segment> {
    const segment = { path: `${FOLDER}/${base.toString().padStart(19, '0')}.wal`, base, from, length: 0 };
    await this.#files.append(segment.path, new Uint8Array());
    this.#segments.push(segment);
    return segment;
  }

  /**
   * Adds a frame and returns when it is on the disk.
   * @param carry the entries since the last multiple of 256 before the frame, in the form of a bundle, and the tree there.
   */
  async write(
    frame: Uint8Array,
    carry: { readonly size: bigint; readonly root: Uint8Array; readonly count: number; readonly body: Uint8Array },
  ): Promise<Place> {
    let segment = this.#segments.at(-1) as Segment;
    if (segment.length >= this.#segmentBytes) segment = await this.#roll(carry);
    const place = { path: segment.path, at: segment.length, length: frame.length };
    await this.#files.append(segment.path, frame);
    await this.#files.sync(segment.path);
    segment.length += frame.length;
    return place;
  }

  async #roll({ size, root, count, body }: Parameters<WriteAhead['write']>[1]): Promise<Segment> {
    const base = size - BigInt(count);
    if (this.#segments.some((segment) => segment.base === base)) return this.#segments.at(-1) as Segment;
    const segment = await this.#begin(base, size);
    const frame = new Uint8Array(FRAME_HEAD_BYTES + body.length);
    frame.set(body, FRAME_HEAD_BYTES);
    sealFrame(frame, { first: base, count, root });
    await this.#files.append(segment.path, frame);
    segment.length = frame.length;
    return segment;
  }

  read({ path, at, length }: Place): Promise<Uint8Array> {
    return this.#files.readAt(path, at, length);
  }

  /** The segments all of whose entries are in tiles that a signed tree of this size covers. */
  obsolete(signed: bigint): readonly string[] {
    const kept = this.#segments.findLastIndex(({ from }) => from <= signed);
    return this.#segments.slice(0, Math.max(kept, 0)).map(({ path }) => path);
  }

  async drop(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await this.#files.remove(path);
      this.#segments.splice(
        this.#segments.findIndex((segment) => segment.path === path),
        1,
      );
    }
  }
}
