/**
 * Serial numbers that never repeat, also not through a crash: a block is reserved durably before its first number is
 * used. Beside the counter stand random bits, so that a restored copy of the store does not repeat them either.
 */
import { randomBytes } from 'node:crypto';

/** Moves a counter forward by `count` and answers where it stood, once that outlives a crash. */
export type ReserveSerials = (count: number) => Promise<bigint>;

const BLOCK = 4096;
const RANDOM_BITS = 88n;

export class Serials {
  readonly #reserve: ReserveSerials;
  #next = 0n;
  #end = 0n;
  #reserving: Promise<void> | undefined;

  constructor(reserve: ReserveSerials) {
    this.#reserve = reserve;
  }

  /** At most 152 bits (RFC 3161 section 2.4.2 allows 160), never zero. */
  async next(): Promise<bigint> {
    while (this.#next >= this.#end) await (this.#reserving ??= this.#refill());
    const counter = this.#next++;
    return ((counter + 1n) << RANDOM_BITS) | BigInt(`0x${randomBytes(Number(RANDOM_BITS) / 8).toString('hex')}`);
  }

  async #refill(): Promise<void> {
    try {
      this.#next = await this.#reserve(BLOCK);
      this.#end = this.#next + BigInt(BLOCK);
    } finally {
      this.#reserving = undefined;
    }
  }
}
