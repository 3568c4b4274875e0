/**
 * The tree of a log that grows: its right edge in memory, its full tiles wherever they are kept. Proofs between any two
 * sizes up to the newest are read off the nodes; nothing is hashed twice that was hashed once and still is at hand.
 */
import { LRUCache } from 'lru-cache';
import { invariant } from '../../core/errors.ts';
import { emptyRoot, nodeHash, type Peak, TILE_WIDTH } from '../../core/tlog/index.ts';

import { HEIGHT, TilePyramid } from './tile-pyramid.ts';

export interface FullTile {
  readonly level: number;
  readonly index: bigint;
  readonly hashes: readonly Uint8Array[];
}

/** Reads the 256 hashes of a full tile. */
export type LoadTile = (level: number, index: bigint) => Promise<readonly Uint8Array[]>;

const WIDTH = BigInt(TILE_WIDTH);
/** About 60 KiB each. */
const TILES_KEPT = 128;

export class LogTree {
  readonly #load: LoadTile;
  readonly #edge: TilePyramid[] = [];
  readonly #full = new LRUCache<string, TilePyramid>({ max: TILES_KEPT });
  #size = 0n;

  constructor(load: LoadTile) {
    this.#load = load;
  }

  get size(): bigint {
    return this.#size;
  }

  /** Takes up a tree from its kept tiles and the leaves that fill none. */
  static async restore(size: bigint, load: LoadTile, leaves: (from: bigint, to: bigint) => Promise<readonly Uint8Array[]>): Promise<LogTree> {
    const tree = new LogTree(load);
    const edges = [new TilePyramid(await leaves((size / WIDTH) * WIDTH, size))];
    for (let level = 1, count = size / WIDTH; count > 0n; level++, count /= WIDTH) {
      const edge = new TilePyramid();
      for (let index = (count / WIDTH) * WIDTH; index < count; index++) edge.push((await tree.#tile(level - 1, index)).node(HEIGHT, 0));
      edges[level] = edge;
    }
    tree.#edge.push(...edges);
    tree.#size = size;
    return tree;
  }

  /** Answers the tiles that became full, the lower ones first: they must be kept before anybody learns of the new size. */
  append(leaves: readonly Uint8Array[]): FullTile[] {
    const full: FullTile[] = [];
    for (const leaf of leaves) {
      let node = leaf;
      for (let level = 0, count = this.#size; ; level++, count /= WIDTH) {
        const edge = (this.#edge[level] ??= new TilePyramid());
        edge.push(node);
        if (edge.width < TILE_WIDTH) break;
        const index = count / WIDTH;
        full.push({ level, index, hashes: edge.hashes });
        this.#full.set(`${level}/${index}`, edge);
        this.#edge[level] = new TilePyramid();
        node = edge.node(HEIGHT, 0);
      }
      this.#size++;
    }
    return full;
  }

  /** The root of the first `size` leaves. */
  async root(size: bigint = this.#size): Promise<Uint8Array> {
    return size === 0n ? emptyRoot() : this.#range(0n, size);
  }

  /** The full subtrees of the whole tree, the largest first: what a CompactRange goes on from. */
  async peaks(): Promise<Peak[]> {
    const peaks: Peak[] = [];
    for (let rest = this.#size, start = 0n; rest > 0n; ) {
      const leaves = 1n << BigInt(rest.toString(2).length - 1);
      peaks.push({ leaves, hash: await this.#range(start, start + leaves) });
      start += leaves;
      rest -= leaves;
    }
    return peaks;
  }

  /** RFC 6962 section 2.1.1, from the leaf upwards. */
  async inclusionProof(index: bigint, size: bigint): Promise<Uint8Array[]> {
    invariant(index >= 0n && index < size && size <= this.#size, `there is no leaf ${index} among ${size} of ${this.#size}`);
    const proof: Uint8Array[] = [];
    for (let start = 0n, end = size; end - start > 1n; ) {
      const middle = start + split(end - start);
      if (index < middle) {
        proof.push(await this.#range(middle, end));
        end = middle;
      } else {
        proof.push(await this.#range(start, middle));
        start = middle;
      }
    }
    return proof.reverse();
  }

  /** RFC 6962 section 2.1.2. */
  async consistencyProof(size1: bigint, size2: bigint): Promise<Uint8Array[]> {
    invariant(size1 > 0n && size1 <= size2 && size2 <= this.#size, `there is no proof from ${size1} to ${size2} of ${this.#size}`);
    const proof: Uint8Array[] = [];
    let known = true;
    let [start, end] = [0n, size2];
    while (size1 !== end) {
      const middle = start + split(end - start);
      if (size1 <= middle) {
        proof.push(await this.#range(middle, end));
        end = middle;
      } else {
        proof.push(await this.#range(start, middle));
        start = middle;
        known = false;
      }
    }
    if (!known) proof.push(await this.#range(start, end));
    return proof.reverse();
  }

  /** The first `width` hashes of a tile. */
  async tile(level: number, index: bigint, width: number): Promise<readonly Uint8Array[]> {
    const { hashes } = await this.#tile(level, index);
    invariant(width <= hashes.length, `the tile ${index} at level ${level} has ${hashes.length} hashes`);
    return hashes.slice(0, width);
  }

  async #range(start: bigint, end: bigint): Promise<Uint8Array> {
    const count = end - start;
    if ((count & (count - 1n)) === 0n) return this.#node(count.toString(2).length - 1, start / count);
    const middle = start + split(count);
    const left = await this.#range(start, middle);
    return nodeHash(left, await this.#range(middle, end));
  }

  /** The root of the 2^height leaves from index * 2^height. */
  async #node(height: number, index: bigint): Promise<Uint8Array> {
    const inside = height % HEIGHT;
    const perTile = BigInt(TILE_WIDTH >> inside);
    const tile = await this.#tile((height - inside) / HEIGHT, index / perTile);
    return tile.node(inside, Number(index % perTile));
  }

  async #tile(level: number, index: bigint): Promise<TilePyramid> {
    const edge = this.#edge[level];
    if (edge && this.#size >> BigInt(HEIGHT * (level + 1)) === index) return edge;
    const key = `${level}/${index}`;
    const held = this.#full.get(key);
    if (held) return held;
    const tile = new TilePyramid(await this.#load(level, index));
    invariant(tile.width === TILE_WIDTH, `the tile ${key} is not whole`);
    this.#full.set(key, tile);
    return tile;
  }
}

/** The largest power of two below n; n is at least 2. */
function split(n: bigint): bigint {
  return 1n << BigInt((n - 1n).toString(2).length - 1);
}
