/** Entries that go to the disk together: one frame, filled while the commit before it is under way. */
import { invariant } from '../../core/errors.ts';
import type { HashTile } from '../../core/tlog/index.ts';
import { FRAME_HEAD_BYTES, sealFrame } from './segment.ts';

/** The tree as it stands after some commit. */
export interface TreeState {
  readonly size: bigint;
  readonly root: Uint8Array;
  /** The partial tiles on its right edge. */
  readonly edge: readonly HashTile[];
}

const FIRST_BYTES = 64 * 1024;

export class Batch {
  readonly first: bigint;
  /** Settles for everybody whose entry is in it, once it is on the disk. */
  readonly durable: Promise<void>;
  readonly #settle: PromiseWithResolvers<void>;
  #bytes: Uint8Array;
  #length = FRAME_HEAD_BYTES;
  #count = 0;
  #state: TreeState | undefined;
  #tiles: readonly HashTile[] = [];

  constructor(first: bigint) {
    this.first = first;
    this.#settle = Promise.withResolvers();
    this.durable = this.#settle.promise;
    // Whoever asked learns of a failure; that nobody asked is no failure of its own.
    this.durable.catch(() => {});
    this.#bytes = new Uint8Array(FIRST_BYTES);
  }

  get count(): number {
    return this.#count;
  }
  /** The entries, each behind its length. */
  get body(): Uint8Array {
    return this.#bytes.subarray(FRAME_HEAD_BYTES, this.#length);
  }
  get state(): TreeState | undefined {
    return this.#state;
  }
  get tiles(): readonly HashTile[] {
    return this.#tiles;
  }

  add(entry: Uint8Array): void {
    const end = this.#length + 2 + entry.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = entry.length >> 8;
    this.#bytes[this.#length + 1] = entry.length & 0xff;
    this.#bytes.set(entry, this.#length + 2);
    this.#length = end;
    this.#count++;
  }

  /** Takes nothing more; the tree holds all of its entries and no others. */
  seal(state: TreeState, tiles: readonly HashTile[]): void {
    this.#state = state;
    this.#tiles = tiles;
    sealFrame(this.#bytes.subarray(0, this.#length), { first: this.first, count: this.#count, root: state.root });
  }

  frame(): Uint8Array {
    invariant(this.#state, 'a frame is written when it is sealed');
    return this.#bytes.subarray(0, this.#length);
  }

  succeed(): void {
    this.#settle.resolve();
  }
  fail(error: Error): void {
    this.#settle.reject(error);
  }
}
