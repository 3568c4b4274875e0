/**
 * The right edge of a tree that grows: leaves go in, full tiles come out, and the root is at hand at every size. One node
 * is hashed per leaf on average; hashes are written in place, because at a hundred thousand leaves per second a new array
 * for each would cost as much as the hash.
 */
import { sha256Into } from '../crypto/index.ts';
import { invariant } from '../errors.ts';
import { emptyRoot, NODE_BYTES } from './merkle-hash.ts';
import { computeRoot } from './merkle-tree.ts';
import { TILE_WIDTH, type TileCoordinate } from './tile.ts';

/** The hashes of a tile behind each other, with where it stands. */
export interface HashTile extends TileCoordinate {
  readonly level: number;
  readonly bytes: Uint8Array;
}

interface Row {
  readonly bytes: Uint8Array;
  width: number;
}

/** Numbers hold sizes up to 2^53, in seven levels of tiles. */
const HEIGHTS = 54;
const ROWS_PER_TILE = 8;
const LONGEST_ENTRY = 0xffff;

export class GrowingTree {
  #size = 0;
  /** By height: the full subtree of 2^height leaves that stands there when that bit of the size is set. */
  readonly #peaks = new Uint8Array(HEIGHTS * NODE_BYTES);
  readonly #rows: Row[] = [];
  #full: HashTile[] = [];
  readonly #leaf = new Uint8Array(1 + LONGEST_ENTRY);
  /** 01, the left hash, the right hash. */
  readonly #node = new Uint8Array(1 + 2 * NODE_BYTES).fill(1, 0, 1);

  /** Takes up a tree from the partial tiles on its edge, as edgeTiles names them. */
  static restore(size: bigint, edge: readonly HashTile[]): GrowingTree {
    const tree = new GrowingTree();
    for (const { level, width, bytes } of edge) {
      tree.#row(level).bytes.set(bytes);
      tree.#row(level).width = width;
      const hashes = Array.from({ length: width }, (_, i) => bytes.subarray(i * NODE_BYTES, (i + 1) * NODE_BYTES));
      for (let height = 7, at = 0; height >= 0; height--) {
        const leaves = 1 << height;
        if ((width & leaves) === 0) continue;
        tree.#peaks.set(computeRoot(hashes.slice(at, at + leaves)), (level * ROWS_PER_TILE + height) * NODE_BYTES);
        at += leaves;
      }
    }
    tree.#size = Number(size);
    return tree;
  }

  get size(): bigint {
    return BigInt(this.#size);
  }

  /** The entry itself, up to 65,535 bytes. */
  append(entry: Uint8Array): void {
    invariant(entry.length <= LONGEST_ENTRY, `an entry of ${entry.length} bytes fits into no log`);
    this.#leaf.set(entry, 1);
    sha256Into(this.#node, 1 + NODE_BYTES, this.#leaf.subarray(0, 1 + entry.length));
    this.#grow();
  }

  /** A leaf of which only the hash is known. */
  appendHash(hash: Uint8Array): void {
    this.#node.set(hash, 1 + NODE_BYTES);
    this.#grow();
  }

  #grow(): void {
    this.#push(0);
    let height = 0;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      this.#node.set(this.#peaks.subarray(height * NODE_BYTES, (height + 1) * NODE_BYTES), 1);
      sha256Into(this.#node, 1 + NODE_BYTES, this.#node);
      height++;
      if (height % ROWS_PER_TILE === 0) this.#push(height / ROWS_PER_TILE);
    }
    this.#peaks.set(this.#node.subarray(1 + NODE_BYTES), height * NODE_BYTES);
    this.#size++;
  }

  /** The node in hand becomes the next hash of its level. */
  #push(level: number): void {
    const row = this.#row(level);
    row.bytes.set(this.#node.subarray(1 + NODE_BYTES), row.width * NODE_BYTES);
    row.width++;
    if (row.width < TILE_WIDTH) return;
    const perTile = 2 ** (ROWS_PER_TILE * (level + 1));
    this.#full.push({ level, index: BigInt(Math.floor(this.#size / perTile)), width: TILE_WIDTH, bytes: row.bytes.slice() });
    row.width = 0;
  }

  #row(level: number): Row {
    while (this.#rows.length <= level) this.#rows.push({ bytes: new Uint8Array(TILE_WIDTH * NODE_BYTES), width: 0 });
    return this.#rows[level] as Row;
  }

  root(): Uint8Array {
    const peaks = this.peaks();
    if (peaks.length === 0) return emptyRoot();
    this.#node.set(peaks.at(-1)?.hash as Uint8Array, 1 + NODE_BYTES);
    for (const { hash } of peaks.slice(0, -1).reverse()) {
      this.#node.set(hash, 1);
      sha256Into(this.#node, 1 + NODE_BYTES, this.#node);
    }
    return this.#node.slice(1 + NODE_BYTES);
  }

  /** The full subtrees of which the tree consists, the largest first: what a CompactRange goes on from. */
  peaks(): { readonly leaves: bigint; readonly hash: Uint8Array }[] {
    const peaks = [];
    for (let height = HEIGHTS - 1; height >= 0; height--) {
      if (Math.floor(this.#size / 2 ** height) % 2 === 0) continue;
      peaks.push({ leaves: 1n << BigInt(height), hash: this.#peaks.slice(height * NODE_BYTES, (height + 1) * NODE_BYTES) });
    }
    return peaks;
  }

  /** The tiles that became full since this was asked last, in the order in which they did. */
  takeFullTiles(): HashTile[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The partial tiles of this size, lowest level first. */
  edge(): HashTile[] {
    return this.#rows.flatMap(({ bytes, width }, level) => {
      if (width === 0) return [];
      const index = BigInt(Math.floor(this.#size / 2 ** (ROWS_PER_TILE * (level + 1))));
      return [{ level, index, width, bytes: bytes.slice(0, width * NODE_BYTES) }];
    });
  }
}
