/** What a journal is after a start: its tree, taken up from full tiles and the write-ahead file, each step of it checked. */
import { concatBytes, equalBytes } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { edgeTiles, GrowingTree, type HashTile, type Peak, parseEntryBundle, parseTilePath, TILE_WIDTH, tileHash, tilePath } from '../../core/tlog/index.ts';
import type { JournalFiles } from './files.ts';
import type { Frame } from './segment.ts';
import type { SignedTree } from './sign-record.ts';
import { readHashTile } from './tiles.ts';
import type { Place, WriteAhead } from './write-ahead.ts';

export interface Recovered {
  readonly tree: GrowingTree;
  readonly places: readonly Place[];
  readonly tiles: readonly HashTile[];
  /** Entries since the last multiple of 256, in the form of a bundle. */
  readonly carry: Uint8Array;
  readonly signedPeaks: readonly Peak[];
  readonly signedTail: Uint8Array;
  /** Full tiles and bundles of entries that the write-ahead file still holds: in place, perhaps not on the disk. */
  readonly unsettled: readonly string[];
}

const WIDTH = BigInt(TILE_WIDTH);

/** @param kept index of the first entry that was not pruned. Throws ERR_JOURNAL_DAMAGED, or ERR_LOG_ROLLED_BACK when there is less than was signed. */
export async function recoverTree(files: JournalFiles, log: WriteAhead, signed: SignedTree | undefined, kept: bigint): Promise<Recovered> {
  let tree: GrowingTree | undefined;
  let carry: Uint8Array = new Uint8Array();
  let places: Place[] = [];
  let tiles: HashTile[] = [];
  let covered: Pick<Recovered, 'signedPeaks' | 'signedTail'> | undefined;
  const signedSize = signed?.size ?? 0n;
  const rebuilt = new Map<string, Uint8Array>();
  await log.recover(async (frame, place) => {
    tree ??= await restoreAt(files, frame.first);
    if (frame.first + BigInt(frame.count) < tree.size || (frame.first !== tree.size && frame.first + BigInt(frame.count) !== tree.size)) {
      throw new SealwardError('ERR_JOURNAL_DAMAGED', `${place.path} has entries from ${frame.first} where ${tree.size} should follow`);
    }
    // The first frame of a later segment repeats the entries after the last full bundle.
    if (frame.first === tree.size && frame.count > 0) {
      carry = replay(tree, frame, carry, rebuilt);
      places.push(place);
    }
    if (!equalBytes(tree.root(), frame.root)) throw new SealwardError('ERR_JOURNAL_DAMAGED', `the entries in ${place.path} are not those that were written`);
    const full = tree.takeFullTiles();
    tiles.push(...full);
    for (const tile of full) rebuilt.set(tilePath(tile), tile.bytes);
    if (tree.size !== signedSize || covered) return;
    covered = { signedPeaks: tree.peaks(), signedTail: carry };
    places = [];
    tiles = [];
    for (const tile of tree.edge()) rebuilt.set(tilePath(tile), tile.bytes);
    if (carry.length > 0) rebuilt.set(tilePath({ level: 'entries', index: tree.size / WIDTH, width: Number(tree.size % WIDTH) }), carry);
  });
  tree ??= new GrowingTree();
  if (tree.size < signedSize) throw rolledBack(`the log signed ${signedSize} entries, and ${tree.size} are here`);
  if (signedSize > 0n && !covered)
    throw new SealwardError('ERR_LOG_INCONSISTENT', `no commit of this journal ended at the ${signedSize} entries that were signed`);
  // Tiles were put without waiting for the disk; after a loss of power some may be missing, or cut off.
  for (const path of rebuilt.keys()) {
    const { level, index } = parseTilePath(path);
    if (level === 'entries' && index * WIDTH < kept) rebuilt.delete(path);
  }
  for (const [path, bytes] of rebuilt) {
    const there = await files.read(path);
    if (!there || !equalBytes(there, bytes)) await files.put(path, bytes, false);
  }
  const unsettled = [...rebuilt.keys()].filter((path) => !path.includes('.p/'));
  return { tree, places, tiles, carry, unsettled, ...(covered ?? { signedPeaks: [], signedTail: new Uint8Array() }) };
}

/** Adds the entries of a frame; answers what follows the last full bundle then. */
function replay(tree: GrowingTree, frame: Frame, carry: Uint8Array, rebuilt: Map<string, Uint8Array>): Uint8Array {
  let tail = carry;
  let from = 0;
  let at = 0;
  for (const entry of parseEntryBundle(frame.body, frame.count)) {
    tree.append(entry);
    at += 2 + entry.length;
    if (tree.size % WIDTH !== 0n) continue;
    rebuilt.set(tilePath({ level: 'entries', index: tree.size / WIDTH - 1n, width: TILE_WIDTH }), concatBytes(tail, frame.body.subarray(from, at)));
    tail = new Uint8Array();
    from = at;
  }
  return concatBytes(tail, frame.body.subarray(from));
}

/** The tree of the first `size` entries, a multiple of 256, from its full tiles. */
async function restoreAt(files: JournalFiles, size: bigint): Promise<GrowingTree> {
  const edge: HashTile[] = [];
  for (const { level, index, width } of edgeTiles(size)) {
    const bytes = new Uint8Array(width * 32);
    for (let i = 0; i < width; i++) {
      const below = await readHashTile(files, { level: level - 1, index: index * WIDTH + BigInt(i), width: TILE_WIDTH });
      bytes.set(tileHash(below), i * 32);
    }
    edge.push({ level, index, width, bytes });
  }
  return GrowingTree.restore(size, edge);
}

export function rolledBack(message: string): SealwardError {
  return new SealwardError('ERR_LOG_ROLLED_BACK', message);
}
