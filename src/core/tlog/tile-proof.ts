/**
 * Proofs read off tiles: which ranges of leaves a proof consists of (RFC 6962 section 2.1), which tiles hold their hashes,
 * and what those hashes are. Whoever has the tiles, in files or behind HTTP, fetches what is named here and hands it in.
 */
import { invariant } from '../errors.ts';
import { nodeHash } from './merkle-hash.ts';
import { computeRoot } from './merkle-tree.ts';
import { powerOfTwoAtLeast } from './subtree.ts';
import { TILE_WIDTH, type TileCoordinate } from './tile.ts';

/** The leaves from start up to, not including, end: a full subtree, or one that reaches to the right edge of the tree. */
export interface LeafRange {
  readonly start: bigint;
  readonly end: bigint;
}

export type HashTileCoordinate = TileCoordinate & { readonly level: number };

/** The hashes of a tile, of its width at least. */
export type TileHashes = (tile: HashTileCoordinate) => readonly Uint8Array[];

const split = (count: bigint): bigint => powerOfTwoAtLeast(count) >> 1n;

/** PATH: the siblings of a leaf, from the leaf upwards. */
export function inclusionRanges(index: bigint, size: bigint): LeafRange[] {
  invariant(index >= 0n && index < size, `there is no leaf ${index} among ${size}`);
  const ranges: LeafRange[] = [];
  for (let start = 0n, end = size; end - start > 1n; ) {
    const middle = start + split(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** PROOF: what shows that the tree of size2 begins with the one of size1; size1 is at least 1. */
export function consistencyRanges(size1: bigint, size2: bigint): LeafRange[] {
  invariant(size1 > 0n && size1 <= size2, `no proof leads from ${size1} to ${size2} leaves`);
  const ranges: LeafRange[] = [];
  let [start, end] = [0n, size2];
  while (end !== size1) {
    const middle = start + split(end - start);
    if (size1 <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // A left part that is the whole first tree is known to the verifier.
  if (start > 0n) ranges.push({ start, end });
  return ranges.reverse();
}

/** The tiles of the tree of that size that hold the ranges, each once. */
export function tilesOfRanges(ranges: readonly LeafRange[], size: bigint): HashTileCoordinate[] {
  const tiles = new Map<string, HashTileCoordinate>();
  for (const range of ranges) {
    for (const { tile } of subtreesOf(range, size)) tiles.set(`${tile.level}/${tile.index}`, tile);
  }
  return [...tiles.values()];
}

/** The hash of a range. */
export function rangeHash(range: LeafRange, size: bigint, read: TileHashes): Uint8Array {
  const hashes = subtreesOf(range, size).map(({ tile, from, count }) => {
    const row = read(tile).slice(from, from + count);
    invariant(row.length === count, `a tile at level ${tile.level} is narrower than asked for`);
    return computeRoot(row);
  });
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

interface Subtree {
  readonly tile: HashTileCoordinate;
  /** Where its hashes stand in the tile, and how many they are: a power of two. */
  readonly from: number;
  readonly count: number;
}

function subtreesOf({ start, end }: LeafRange, size: bigint): Subtree[] {
  invariant(start >= 0n && start < end && end <= size, `no tree of ${size} leaves has the range [${start}, ${end})`);
  const subtrees: Subtree[] = [];
  for (let at = start; at < end; ) {
    const rest = end - at;
    const leaves = powerOfTwoAtLeast(rest) === rest ? rest : split(rest);
    const height = BigInt(leaves.toString(2).length - 1);
    const level = height / 8n;
    const first = at >> (8n * level);
    const index = first >> 8n;
    const there = (size >> (8n * level)) - (index << 8n);
    subtrees.push({
      tile: { level: Number(level), index, width: there < BigInt(TILE_WIDTH) ? Number(there) : TILE_WIDTH },
      from: Number(first & 0xffn),
      count: 1 << Number(height % 8n),
    });
    at += leaves;
  }
  return subtrees;
}
