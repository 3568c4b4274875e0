/** The two spellings of an ECDSA signature: DER (RFC 3279 section 2.2.3) and r || s (IEEE P1363, JOSE, COSE). */
import { concatBytes, decodeHex, derSequence, derUnsigned, encodeDer, parseDer, TAG } from '../encoding/index.ts';
import type { EcCurve } from './public-key.ts';

/** Bytes of one coordinate, and of r and of s in the raw form. */
export const FIELD_BYTES: Readonly<Record<EcCurve, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

/** r and s of a strictly encoded signature; undefined for anything else. Their range is the verifier's to check. */
export function parseEcdsaSignature(der: Uint8Array): { r: bigint; s: bigint } | undefined {
  // The largest, of P-521, has 139 bytes; this also bounds the work on hostile numbers.
  if (der.length > 144) return undefined;
  try {
    const parts = derSequence(parseDer(der), 'the signature');
    if (parts.length !== 2) return undefined;
    return { r: derUnsigned(parts[0], 'r'), s: derUnsigned(parts[1], 's') };
  } catch {
    return undefined;
  }
}

/** The DER form of r || s; undefined when the length is not exactly that of the curve. */
export function ecdsaSignatureFromRaw(curve: EcCurve, raw: Uint8Array): Uint8Array | undefined {
  const size = FIELD_BYTES[curve];
  if (raw.length !== 2 * size) return undefined;
  return encodeDer(TAG.sequence, integer(raw.subarray(0, size)), integer(raw.subarray(size)));
}

/** r || s of a DER signature; undefined when it is none of the curve. */
export function ecdsaSignatureToRaw(curve: EcCurve, der: Uint8Array): Uint8Array | undefined {
  const size = FIELD_BYTES[curve];
  const numbers = parseEcdsaSignature(der);
  if (!numbers || numbers.r >> BigInt(8 * size) !== 0n || numbers.s >> BigInt(8 * size) !== 0n) return undefined;
  return decodeHex([numbers.r, numbers.s].map((number) => number.toString(16).padStart(2 * size, '0')).join(''));
}

function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return encodeDer(TAG.integer, (digits[0] as number) >= 0x80 ? concatBytes(Uint8Array.of(0), digits) : digits);
}
