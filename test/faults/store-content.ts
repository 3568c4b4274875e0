import { createHash } from 'node:crypto';

/** The n-th of the bytes that every writer keeps: from a few to some ten thousand. */
export function contentOf(n: number): Uint8Array {
  const seed = createHash('sha256').update(`content ${n}`).digest();
  const length = n % 5 === 0 ? 40_000 + seed.readUInt16BE(0) : 10 + (seed[0] ?? 0) * 8;
  return Buffer.alloc(length, seed);
}
