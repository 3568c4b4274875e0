/**
 * From committed entries to a signed checkpoint, in the order that survives a crash at any step: read back, check by a second
 * way, tiles, proof, signature, record, publication. Nothing here may be left out or swapped.
 */
import { concatBytes, equalBytes, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import {
  type CompactRange,
  consistencyRanges,
  edgeTiles,
  encodeCheckpoint,
  type HashTile,
  leafHash,
  type NoteKey,
  parseCheckpoint,
  parseNote,
  rangeHash,
  signNote,
  TILE_WIDTH,
  type TileCoordinate,
  tilePath,
  tilesOfRanges,
  verifyConsistency,
  verifyNote,
} from '../../core/tlog/index.ts';
import type { TreeState } from './batch.ts';
import type { JournalFiles } from './files.ts';
import { rolledBack, type Recovered } from './recovery.ts';
import { readSegment } from './segment.ts';
import type { SignedTree, SignRecord } from './sign-record.ts';
import { readHashes } from './tiles.ts';
import type { Place, WriteAhead } from './write-ahead.ts';

export interface PublisherOptions {
  readonly origin: string;
  readonly keys: readonly NoteKey[];
  readonly files: JournalFiles;
  readonly record: SignRecord;
  /** Checkpoints of this log that others hold (witnesses, mirrors, an anchor): what is larger or contradicts ours stops us. */
  readonly elsewhere?: () => Promise<readonly string[]>;
  /**
   * Adds the cosignatures of witnesses to a checkpoint that is signed and recorded, before anybody is shown it. What it
   * throws, when that may pass, keeps the checkpoint back: the next round asks again.
   */
  readonly cosign?: (envelope: string, prove: (old: bigint) => Promise<readonly Uint8Array[]>) => Promise<string>;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #log: WriteAhead;
  /** Fed with what was read back from the disk, and with nothing else. */
  readonly #second: CompactRange;
  /** Entries since the last full bundle, in the form of a bundle. */
  #tail: Uint8Array;
  #signed: SignedTree | undefined;
  #heldBack: SealwardError | undefined;
  /** Put since a segment was dropped last; they have to be on the disk before the next one is. */
  #unsettled: string[];
  /** Folders of partial tiles, at the edge of what was shown. */
  readonly #partial = new Set<string>();

  /** @param second of the signed tree, or empty. */
  constructor(options: PublisherOptions, log: WriteAhead, signed: SignedTree | undefined, second: CompactRange, { signedTail, unsettled }: Recovered) {
    this.#options = options;
    this.#log = log;
    this.#signed = signed;
    this.#second = second;
    this.#tail = signedTail;
    this.#unsettled = [...unsettled];
    for (const tile of edgeTiles(second.size)) this.#partial.add(partialsOf(tile));
    this.#partial.add(partialsOf({ level: 'entries', index: second.size / BigInt(TILE_WIDTH) }));
  }

  get signed(): SignedTree | undefined {
    return this.#signed;
  }

  /** @param places the frames since the last round; `tiles` those that became full in them. */
  async round(state: TreeState, places: readonly Place[], tiles: readonly HashTile[]): Promise<SignedTree> {
    const bundles: { readonly index: bigint; readonly bytes: Uint8Array }[] = [];
    for (const place of places) this.#readBack(await this.#log.read(place), place, bundles);
    if (this.#second.size !== state.size || !equalBytes(this.#second.root(), state.root)) {
      throw new SealwardError('ERR_LOG_INCONSISTENT', `the entries on the disk do not hash to the root of the tree of ${state.size} entries`);
    }
    await this.#putTiles(state, tiles, bundles);
    const previous = this.#signed;
    if (previous) await this.#prove(previous, state);
    await this.#askElsewhere(state);
    const note = await signNote(encodeCheckpoint({ origin: this.#options.origin, ...state }), this.#options.keys);
    const next: SignedTree = { size: state.size, root: state.root, note };
    readOwnNote(next, this.#options);
    // The signature stays in here until the record of it is on the disk.
    if (!(await this.#options.record.add(previous?.size ?? 0n, next))) {
      throw new SealwardError('ERR_LOG_INCONSISTENT', 'the record of signed checkpoints was moved on by somebody else');
    }
    this.#signed = next;
    await this.publish();
    return next;
  }

  /** Whether the newest that was signed still waits for its witnesses. */
  get heldBack(): SealwardError | undefined {
    return this.#heldBack;
  }

  /** Shows the newest that was signed; also after a start, because a signature that was recorded counts as given. */
  async publish(): Promise<void> {
    const { cosign, files } = this.#options;
    const signed = this.#signed;
    if (!signed) return;
    this.#heldBack = undefined;
    let shown = signed.note;
    try {
      if (cosign) shown = await cosign(signed.note, (old) => this.consistency(old, signed.size));
    } catch (error) {
      if (!(error instanceof SealwardError) || !error.retryable) throw error;
      this.#heldBack = error;
      return;
    }
    await files.put('checkpoint', utf8(shown), true);
  }

  /** Proves that the tree of `size` entries begins with the one of `old`, by the tiles that others read. */
  async consistency(old: bigint, size: bigint): Promise<readonly Uint8Array[]> {
    if (old === 0n || old === size) return [];
    const ranges = consistencyRanges(old, size);
    const read = await readHashes(this.#options.files, tilesOfRanges(ranges, size));
    return ranges.map((range) => rangeHash(range, size, read));
  }

  #readBack(bytes: Uint8Array, place: Place, bundles: { index: bigint; bytes: Uint8Array }[]): void {
    const [frame] = readSegment(bytes, place.path, false).frames;
    invariant(frame && frame.first === this.#second.size, 'the frames are read back in their order');
    let from = 0;
    for (let at = 0; at < frame.body.length; ) {
      const end = at + 2 + (frame.body[at] as number) * 256 + (frame.body[at + 1] as number);
      this.#second.push(leafHash(frame.body.subarray(at + 2, end)));
      at = end;
      if (this.#second.size % BigInt(TILE_WIDTH) !== 0n) continue;
      bundles.push({ index: this.#second.size / BigInt(TILE_WIDTH) - 1n, bytes: concatBytes(this.#tail, frame.body.subarray(from, end)) });
      this.#tail = new Uint8Array();
      from = end;
    }
    this.#tail = concatBytes(this.#tail, frame.body.subarray(from));
  }

  /** Without waiting for the disk: all of them can be made again from the write-ahead file. */
  async #putTiles(state: TreeState, tiles: readonly HashTile[], bundles: readonly { index: bigint; bytes: Uint8Array }[]): Promise<void> {
    const { files } = this.#options;
    for (const tile of tiles) await this.#put(tilePath(tile), tile.bytes);
    for (const { index, bytes } of bundles) await this.#put(tilePath({ level: 'entries', index, width: TILE_WIDTH }), bytes);
    for (const tile of state.edge) await this.#putPartial(tile, tile.bytes);
    const width = Number(state.size % BigInt(TILE_WIDTH));
    if (width > 0) await this.#putPartial({ level: 'entries', index: state.size / BigInt(TILE_WIDTH), width }, this.#tail);
    // What is full now may have been partial before.
    for (const tile of [...tiles, ...bundles.map(({ index }) => ({ level: 'entries' as const, index }))]) {
      const folder = partialsOf(tile);
      if (this.#partial.delete(folder)) await files.remove(folder);
    }
  }

  async #putPartial(tile: TileCoordinate, bytes: Uint8Array): Promise<void> {
    this.#partial.add(partialsOf(tile));
    await this.#options.files.put(tilePath(tile), bytes, false);
  }

  async #put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#options.files.put(path, bytes, false);
    this.#unsettled.push(path);
  }

  /** The public verifier says that the new tree contains the old one, by the tiles that others will read, or nothing is signed. */
  async #prove(previous: SignedTree, next: TreeState): Promise<void> {
    const proof = await this.consistency(previous.size, next.size);
    if (!verifyConsistency({ size1: previous.size, size2: next.size, root1: previous.root, root2: next.root, proof })) {
      throw new SealwardError('ERR_LOG_INCONSISTENT', `the tree of ${next.size} entries does not contain the one of ${previous.size} that was signed`);
    }
  }

  async #askElsewhere(state: TreeState): Promise<void> {
    for (const text of (await this.#options.elsewhere?.()) ?? []) {
      const seen = readOwnCheckpoint(text, this.#options);
      if (seen.size > state.size) throw rolledBack(`others have seen ${seen.size} entries of this log, and it holds ${state.size}`);
      const [size, root] = [this.#signed?.size ?? 0n, this.#signed?.root];
      if (seen.size > size || (seen.size === size && root && !equalBytes(root, seen.root))) {
        throw rolledBack(`others hold a checkpoint of ${seen.size} entries that the record of this log does not know`);
      }
    }
  }

  /**
   * Lets go of write-ahead files whose entries are in tiles that are signed for, when these are on the disk. Beside the
   * rounds, because bringing some thousand files to the disk takes longer than anybody should wait for a checkpoint.
   */
  async dropOld(): Promise<void> {
    const old = this.#log.obsolete(this.#signed?.size ?? 0n);
    if (old.length === 0) return;
    const paths = this.#unsettled;
    this.#unsettled = [];
    await this.#options.files.settle(paths);
    await this.#log.drop(old);
  }
}

function partialsOf({ level, index }: Pick<TileCoordinate, 'level' | 'index'>): string {
  return `${tilePath({ level, index, width: TILE_WIDTH })}.p`;
}

type Own = Pick<PublisherOptions, 'origin' | 'keys'>;

/** A checkpoint that says of itself that it is ours must be signed by our first key. */
export function readOwnCheckpoint(text: string, { origin, keys }: Own): { readonly size: bigint; readonly root: Uint8Array } {
  const note = parseNote(text);
  const { size, root, origin: stated } = parseCheckpoint(note);
  const first = keys[0]?.verifier;
  invariant(first, 'a log has a key');
  if (stated !== origin || !verifyNote(note, [first]).ok) {
    throw new SealwardError('ERR_LOG_INCONSISTENT', `a checkpoint that was kept is not signed by the log ${origin}`);
  }
  return { size, root };
}

export function readOwnNote(signed: SignedTree, own: Own): void {
  const read = readOwnCheckpoint(signed.note, own);
  if (read.size !== signed.size || !equalBytes(read.root, signed.root)) {
    throw new SealwardError('ERR_LOG_INCONSISTENT', 'a checkpoint says something else than the record of it');
  }
}
