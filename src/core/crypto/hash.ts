/** SHA-2, the only family of digests that anything here is signed over. */
import { createHash, hash as hashOnce } from 'node:crypto';

export type HashName = 'sha256' | 'sha384' | 'sha512';

/** Length of a digest in bytes. */
export const HASH_BYTES: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** Above this, copying the parts together costs more than an incremental hash. */
const JOIN_BYTES = 8192;

/** The digest of the parts, as if they stood in one piece. */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  return fromLatin1(digest(name, parts));
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return fromLatin1(digest('sha256', parts));
}

/** The fingerprint by which keys, certificates and anchors are named: lower-case hex of SHA-256. */
export function fingerprintOf(bytes: Uint8Array): string {
  return hashOnce('sha256', bytes, 'hex');
}

/** One call with a string as its result takes a third of the time that a Hash object or a Buffer result take. */
function digest(name: HashName, parts: readonly Uint8Array[]): string {
  const first = parts[0] ?? new Uint8Array();
  if (parts.length <= 1) return hashOnce(name, first, 'latin1');
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > JOIN_BYTES) {
    const state = createHash(name);
    for (const part of parts) state.update(part);
    return state.digest('latin1');
  }
  // From Node's pool: a fresh ArrayBuffer costs as much as the hash.
  const joined = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return hashOnce(name, joined, 'latin1');
}

function fromLatin1(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** SHA-256 of the bytes, written to `out` at `at`: for whoever hashes so often that a new array for each costs as much. */
export function sha256Into(out: Uint8Array, at: number, bytes: Uint8Array): void {
  const text = hashOnce('sha256', bytes, 'latin1');
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
}
