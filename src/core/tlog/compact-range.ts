/**
 * The root of a log by another way than its tiles: the full subtrees on the right edge and nothing else (RFC 9162 section
 * 2.1.2). It is fed what was read back from the store; what both ways agree about is not one flipped bit of memory.
 */
import { emptyRoot, nodeHash } from './merkle-hash.ts';

export interface Peak {
  /** A power of two. */
  readonly leaves: bigint;
  readonly hash: Uint8Array;
}

export class CompactRange {
  readonly #peaks: Peak[];
  #size: bigint;

  /** @param peaks of the tree to go on from, the largest first. */
  constructor(peaks: readonly Peak[] = []) {
    this.#peaks = [...peaks];
    this.#size = peaks.reduce((size, { leaves }) => size + leaves, 0n);
  }

  get size(): bigint {
    return this.#size;
  }

  push(leaf: Uint8Array): void {
    let peak = { leaves: 1n, hash: leaf };
    for (let last = this.#peaks.at(-1); last?.leaves === peak.leaves; last = this.#peaks.at(-1)) {
      this.#peaks.pop();
      peak = { leaves: last.leaves * 2n, hash: nodeHash(last.hash, peak.hash) };
    }
    this.#peaks.push(peak);
    this.#size++;
  }

  root(): Uint8Array {
    const [last, ...rest] = this.#peaks.toReversed();
    return last ? rest.reduce((root, { hash }) => nodeHash(hash, root), last.hash) : emptyRoot();
  }
}
