/** One tile with every node inside it: what a tile stores is its lowest row, and proofs ask for the rows above. */
import { nodeHash, TILE_WIDTH } from '../../core/tlog/index.ts';
import { invariant } from '../../core/errors.ts';

export class TilePyramid {
  /** rows[h][i] roots the hashes from i * 2^h; only what is full stands there, so nothing ever changes. */
  readonly #rows: Uint8Array[][] = [[]];

  constructor(hashes: readonly Uint8Array[] = []) {
    for (const hash of hashes) this.push(hash);
  }

  get width(): number {
    return (this.#rows[0] as Uint8Array[]).length;
  }

  get hashes(): readonly Uint8Array[] {
    return this.#rows[0] as Uint8Array[];
  }

  push(hash: Uint8Array): void {
    invariant(this.width < TILE_WIDTH, 'a tile holds 256 hashes');
    let node = hash;
    for (let height = 0; ; height++) {
      const row = (this.#rows[height] ??= []);
      row.push(node);
      if (row.length % 2 === 1 || height === HEIGHT) return;
      node = nodeHash(row[row.length - 2] as Uint8Array, node);
    }
  }

  /** The node `height` rows above the hashes; the 8th is that of the whole tile. */
  node(height: number, index: number): Uint8Array {
    const node = this.#rows[height]?.[index];
    invariant(node, `a tile of width ${this.width} has no node ${index} at height ${height}`);
    return node;
  }
}

/** 2^8 hashes. */
export const HEIGHT = 8;
