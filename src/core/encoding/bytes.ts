/** Plain byte arithmetic. Every value is a Uint8Array; none of these functions changes its arguments. */
import { SealwardError } from '../errors.ts';

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Above this many bytes a native comparison is faster than a loop. */
const SHORT_BYTES = 64;

/**
 * Bytes that must be written over entirely, out of the pool that Node keeps for buffers: a fresh ArrayBuffer costs more
 * than a hash of what goes into it.
 */
export function allocateBytes(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer, byteOffset, length);
}

/** A copy that nobody else holds. (Of a Buffer, slice() would be a view.) */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const out = allocateBytes(bytes.length);
  out.set(bytes);
  return out;
}

export function utf8(text: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(text, 'utf8');
  return new Uint8Array(buffer, byteOffset, length);
}

/** Bytes to text; bytes that are not UTF-8 are refused rather than replaced by U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new SealwardError('ERR_ENCODING_INVALID', `${what} is not valid UTF-8`, { cause });
  }
}

/** One character for every byte; nothing is refused, so what the characters may be is for the caller to say. */
export function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = allocateBytes(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Equality of public values; it is not constant-time and must not compare secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.length > SHORT_BYTES) return Buffer.compare(a, b) === 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
