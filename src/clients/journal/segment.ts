/**
 * The write-ahead file of a journal: one frame per commit, one fdatasync per frame. What stands here whole is what the
 * journal holds; tiles and bundles are made of it and can be made again.
 *
 * Frame: "SWJ1", index of its first entry (8 bytes, big-endian), number of entries (4), length of the body (4), root of the
 * tree after it (32), CRC-32 of all of that and the body (4), body. The body has the form of an entry bundle.
 */
import { crc32 } from 'node:zlib';
import { equalBytes, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface Frame {
  readonly first: bigint;
  readonly count: number;
  /** Of the tree when the entries of this frame have been added to it. */
  readonly root: Uint8Array;
  /** Each entry behind its length in two bytes, big-endian. */
  readonly body: Uint8Array;
}

const MAGIC = utf8('SWJ1');
const AT = { first: 4, count: 12, length: 16, root: 20, check: 52 } as const;
export const FRAME_HEAD_BYTES = 56;
/** A disk writes sectors of at least this size, whole or not at all. */
const SECTOR_BYTES = 512;
const UNWRITTEN_BYTES = 32;

/** @param frame bytes with room for the head before the body; the head is filled in. */
export function sealFrame(frame: Uint8Array, { first, count, root }: Omit<Frame, 'body'>): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  frame.set(MAGIC);
  view.setBigUint64(AT.first, first);
  view.setUint32(AT.count, count);
  view.setUint32(AT.length, frame.length - FRAME_HEAD_BYTES);
  frame.set(root, AT.root);
  view.setUint32(AT.check, checkOf(frame));
}

function checkOf(frame: Uint8Array): number {
  return crc32(frame.subarray(FRAME_HEAD_BYTES), crc32(frame.subarray(0, AT.check)));
}

export interface SegmentContent {
  readonly frames: readonly Frame[];
  /** Bytes of whole frames; what follows was being written when the machine stopped, and nobody was told that it is there. */
  readonly length: number;
}

/**
 * Reads a segment. @param last whether it is the one that was written last: only there may the end be missing.
 * Throws ERR_JOURNAL_DAMAGED when bytes that were acknowledged are not what was written.
 */
export function readSegment(bytes: Uint8Array, name: string, last: boolean): SegmentContent {
  const frames: Frame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const frame = readFrame(bytes.subarray(at));
    if (frame === undefined) {
      if (last && isTorn(bytes, at)) break;
      throw new SealwardError('ERR_JOURNAL_DAMAGED', `${name} is damaged at byte ${at}`);
    }
    frames.push(frame);
    at += FRAME_HEAD_BYTES + frame.body.length;
  }
  return { frames, length: at };
}

function readFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < FRAME_HEAD_BYTES || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = FRAME_HEAD_BYTES + view.getUint32(AT.length);
  if (end > bytes.length || view.getUint32(AT.check) !== checkOf(bytes.subarray(0, end))) return undefined;
  return {
    first: view.getBigUint64(AT.first),
    count: view.getUint32(AT.count),
    root: bytes.subarray(AT.root, AT.root + 32),
    body: bytes.subarray(FRAME_HEAD_BYTES, end),
  };
}

/**
 * A write that was cut off leaves a file that is too short, or sectors that were never written. A frame that is all there
 * and does not match its check was changed: it may have been acknowledged, so it is not dropped.
 */
function isTorn(bytes: Uint8Array, from: number): boolean {
  const rest = bytes.subarray(from);
  if (rest.length < FRAME_HEAD_BYTES) return true;
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  if (equalBytes(rest.subarray(0, MAGIC.length), MAGIC) && FRAME_HEAD_BYTES + view.getUint32(AT.length) > rest.length) return true;
  for (let at = from; at < bytes.length; ) {
    const end = Math.min(bytes.length, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    // A few zeros may stand in any entry.
    if (end - at >= UNWRITTEN_BYTES && bytes.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}
