/** Tiles (C2SP tlog-tiles): the tree and the entries of a log as files that never change. */
import { equalBytes } from '../encoding/index.ts';
import { invariant } from '../errors.ts';
import { logFormatError, MAX_INT64, shown } from './log-format.ts';
import { emptyRoot, NODE_BYTES, nodeHash } from './merkle-hash.ts';
import { computeRoot } from './merkle-tree.ts';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8n;
const MAX_LEVEL = 63;

/** Where a tile stands: its level, or `entries`; its index there; and how many hashes or entries it holds (1 to 256). */
export interface TileCoordinate {
  readonly level: number | 'entries';
  readonly index: bigint;
  readonly width: number;
}

/** `tile/0/x001/x234/067`, with `.p/17` behind it when only 17 of 256 are there. */
export function tilePath({ level, index, width }: TileCoordinate): string {
  invariant(
    isLevel(level) && index >= 0n && index <= MAX_INT64 && width >= 1 && width <= TILE_WIDTH,
    `there is no tile ${index} of width ${width} at level ${level}`,
  );
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) as string[];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,6}\d{3})(?:\.p\/(\d{1,3}))?$/;

/** The inverse; throws ERR_LOG_FORMAT for every spelling but the one that tilePath gives. */
export function parseTilePath(path: string): TileCoordinate {
  const [, level, index, width] = PATH.exec(path) ?? [];
  if (level === undefined || index === undefined) throw logFormatError(`${shown(path)} is not the path of a tile`);
  const tile: TileCoordinate = {
    level: level === 'entries' ? level : Number(level),
    index: BigInt(index.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const known = isLevel(tile.level) && tile.index <= MAX_INT64 && tile.width >= 1 && tile.width <= TILE_WIDTH;
  if (!known || tilePath(tile) !== path) throw logFormatError(`${shown(path)} is not the path of a tile`);
  return tile;
}

function isLevel(level: number | 'entries'): boolean {
  return level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= MAX_LEVEL);
}

/** The hashes of a tile that was asked for with this width. Throws ERR_LOG_FORMAT. */
export function parseHashTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * NODE_BYTES) throw logFormatError(`the tile has ${bytes.length} bytes where ${width} hashes have ${width * NODE_BYTES}`);
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * NODE_BYTES, (i + 1) * NODE_BYTES));
}

/** The node one level of tiles up; partial tiles have none ("MUST NOT be hashed into a tile at the level above"). */
export function tileHash(hashes: readonly Uint8Array[]): Uint8Array {
  invariant(hashes.length === TILE_WIDTH, 'only a full tile has a hash');
  return computeRoot(hashes);
}

/** Whether a full tile is the one that the tile above it names; without this check a log could serve any hashes (CVE-2026-56865). */
export function verifyTile(hashes: readonly Uint8Array[], parent: Uint8Array): boolean {
  return hashes.length === TILE_WIDTH && equalBytes(tileHash(hashes), parent);
}

/** The entries of a bundle: each behind its length in two bytes, big-endian. Throws ERR_LOG_FORMAT. */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    const end = at + 2 + (high ?? 0) * 256 + (low ?? 0);
    if (low === undefined || end > bytes.length) throw logFormatError('the entry bundle is truncated');
    entries.push(bytes.subarray(at + 2, end));
    at = end;
    if (entries.length > width) break;
  }
  if (entries.length !== width) throw logFormatError(`the entry bundle does not hold the ${width} entries that it should`);
  return entries;
}

export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    invariant(entry.length <= 0xffff, `an entry of ${entry.length} bytes does not fit into a bundle`);
    out[at] = entry.length >> 8;
    out[at + 1] = entry.length & 0xff;
    out.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return out;
}

/** The partial tiles on the right edge of a tree: with their hashes the root can be computed. Lowest level first; none for an empty tree. */
export function edgeTiles(size: bigint): (TileCoordinate & { readonly level: number })[] {
  const tiles: (TileCoordinate & { readonly level: number })[] = [];
  for (let level = 0, count = size; count > 0n; level++, count >>= TILE_HEIGHT) {
    const width = Number(count & 0xffn);
    // A level that ends with a full tile is covered by its hash on the level above.
    if (width > 0) tiles.push({ level, index: count >> TILE_HEIGHT, width });
  }
  return tiles;
}

/** The root of a tree from the hashes of its edge tiles, in the order in which edgeTiles names them. */
export function rootFromEdge(tiles: readonly (readonly Uint8Array[])[]): Uint8Array {
  let root: Uint8Array | undefined;
  for (const hashes of tiles) {
    // Hashes of one tile root full subtrees of one size, so they hash like leaves; from the right, the smaller ones first.
    for (const peak of peaks(hashes).reverse()) root = root === undefined ? peak : nodeHash(peak, root);
  }
  return root ?? emptyRoot();
}

/** The full subtrees of which a row of nodes consists, from the largest to the smallest. */
function peaks(nodes: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0, size = TILE_WIDTH; size >= 1; size /= 2) {
    if ((nodes.length & size) === 0) continue;
    out.push(computeRoot(nodes.slice(at, at + size)));
    at += size;
  }
  return out;
}
