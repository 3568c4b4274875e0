/**
 * Public keys. The SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) is read here to its last byte before OpenSSL sees it,
 * so that one key has one encoding and therefore one fingerprint: no compressed points, no explicit curves, no BER.
 */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concatBytes, copyBytes, derBits, derSequence, derUnsigned, encodeDer, encodeHex, encodePem, parseDer, parsePemBlock, TAG } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { fingerprintOf } from './hash.ts';

export type EcCurve = 'P-256' | 'P-384' | 'P-521';
export type MlDsaVariant = 44 | 65 | 87;

export interface PublicKey {
  readonly kind: 'ec' | 'rsa' | 'ed25519' | 'ml-dsa';
  /** Of EC keys. */
  readonly curve?: EcCurve;
  /** Of RSA keys: the size of the modulus in bits. */
  readonly bits?: number;
  /** Of ML-DSA keys. */
  readonly variant?: MlDsaVariant;
  /** The canonical SubjectPublicKeyInfo in DER; a copy that nobody else holds. */
  readonly spki: Uint8Array;
  /** The key proper, a view of `spki`: the point, the RSAPublicKey, or the raw key. */
  readonly raw: Uint8Array;
  /** Lower-case hex of the SHA-256 of `spki`. */
  readonly fingerprint: string;
  readonly object: KeyObject;
}

type Shape = Pick<PublicKey, 'kind' | 'curve' | 'bits' | 'variant'>;

const RSA_ENCRYPTION = '300d06092a864886f70d0101010500';

/** The AlgorithmIdentifiers that are accepted, as whole encodings, with the length of the key that must follow. */
const ALGORITHM_IDENTIFIERS: ReadonlyMap<string, Shape & { readonly length: number }> = new Map([
  ['301306072a8648ce3d020106082a8648ce3d030107', { kind: 'ec', curve: 'P-256', length: 65 }],
  ['301006072a8648ce3d020106052b81040022', { kind: 'ec', curve: 'P-384', length: 97 }],
  ['301006072a8648ce3d020106052b81040023', { kind: 'ec', curve: 'P-521', length: 133 }],
  ['300506032b6570', { kind: 'ed25519', length: 32 }],
  // FIPS 204 under the identifiers of RFC 9881
  ['300b0609608648016503040311', { kind: 'ml-dsa', variant: 44, length: 1312 }],
  ['300b0609608648016503040312', { kind: 'ml-dsa', variant: 65, length: 1952 }],
  ['300b0609608648016503040313', { kind: 'ml-dsa', variant: 87, length: 2592 }],
]);

/** Larger than any key that is accepted (ML-DSA-87 has 2,614 bytes). */
const MAX_SPKI_BYTES = 4096;
export const RSA_MIN_BITS = 2048;
export const RSA_MAX_BITS = 4096;

function refuse(what: string, why: string, cause?: unknown): never {
  throw new SealwardError('ERR_KEY_INVALID', `${what} ${why}`, { cause });
}

/** Reads a SubjectPublicKeyInfo in DER. Anything but an accepted kind and size in canonical form is ERR_KEY_INVALID. */
export function parsePublicKey(spkiDer: Uint8Array, what = 'the public key'): PublicKey {
  if (spkiDer.length > MAX_SPKI_BYTES) refuse(what, `has ${spkiDer.length} bytes, more than any key that is accepted`);
  // The caller could change the key under its fingerprint.
  const spki = copyBytes(spkiDer);
  const { shape, raw } = readSpki(spki, what);
  let object: KeyObject;
  try {
    // OpenSSL checks here that the point lies on its curve.
    object = createPublicKey({ key: view(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    return refuse(what, 'is not a valid key of its kind', cause);
  }
  return { ...shape, spki, raw, fingerprint: fingerprintOf(spki), object };
}

function readSpki(spki: Uint8Array, what: string): { shape: Shape; raw: Uint8Array } {
  let identifier: string;
  let raw: Uint8Array;
  try {
    const parts = derSequence(parseDer(spki), 'the SubjectPublicKeyInfo');
    if (parts.length !== 2 || parts[0]?.tag !== TAG.sequence) refuse(what, 'is not a SubjectPublicKeyInfo');
    identifier = encodeHex(parts[0].raw);
    raw = derBits(parts[1], 'the key');
    if (identifier === RSA_ENCRYPTION) return { shape: { kind: 'rsa', bits: rsaBits(raw, what) }, raw };
  } catch (cause) {
    if (cause instanceof SealwardError && cause.code === 'ERR_KEY_INVALID') throw cause;
    return refuse(what, 'is not a SubjectPublicKeyInfo in DER', cause);
  }
  const known = ALGORITHM_IDENTIFIERS.get(identifier);
  if (!known) return refuse(what, 'is of a kind or curve that is not accepted');
  const { length, ...shape } = known;
  // SEC 1 section 2.3.3: only the uncompressed form, as RFC 5480 section 2.2 demands support for.
  if (raw.length !== length || (shape.kind === 'ec' && raw[0] !== 0x04)) refuse(what, 'has the wrong length or form for its kind');
  return { shape, raw };
}

/** RSAPublicKey of RFC 8017 appendix A.1.1; the size of its modulus in bits. */
function rsaBits(pkcs1: Uint8Array, what: string): number {
  const parts = derSequence(parseDer(pkcs1), 'the RSA key');
  if (parts.length !== 2) refuse(what, 'is not an RSA public key of two numbers');
  const modulus = derUnsigned(parts[0], 'the modulus');
  const exponent = derUnsigned(parts[1], 'the exponent');
  const bits = modulus.toString(2).length;
  if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS) refuse(what, `is an RSA key of ${bits} bits; ${RSA_MIN_BITS} to ${RSA_MAX_BITS} are accepted`);
  if (modulus % 2n === 0n) refuse(what, 'has an even modulus');
  // An even exponent has no inverse, 1 makes every message its own signature, and a giant one only burns time.
  if (exponent < 3n || exponent % 2n === 0n || exponent > 0x7fffffffn) refuse(what, 'has an RSA exponent that is refused');
  return bits;
}

/** An RSAPublicKey without its SubjectPublicKeyInfo, as in PEM "RSA PUBLIC KEY" and some keys of trusted roots. */
export function parseRsaPublicKey(pkcs1Der: Uint8Array, what = 'the public key'): PublicKey {
  if (pkcs1Der.length > MAX_SPKI_BYTES) refuse(what, `has ${pkcs1Der.length} bytes, more than any key that is accepted`);
  const identifier = Uint8Array.from(Buffer.from(RSA_ENCRYPTION, 'hex'));
  return parsePublicKey(encodeDer(TAG.sequence, identifier, encodeDer(TAG.bitString, new Uint8Array(1), pkcs1Der)), what);
}

/** One PEM block, "PUBLIC KEY" or "RSA PUBLIC KEY". */
export function parsePublicKeyPem(text: string, what = 'the public key'): PublicKey {
  const block = parsePemBlock(text, ['PUBLIC KEY', 'RSA PUBLIC KEY'], what);
  return block.label === 'PUBLIC KEY' ? parsePublicKey(block.bytes, what) : parseRsaPublicKey(block.bytes, what);
}

export function encodePublicKeyPem(key: PublicKey): string {
  return encodePem('PUBLIC KEY', key.spki);
}

/** The SubjectPublicKeyInfo of a raw 32-byte Ed25519 key, as signed notes carry it (RFC 8410 section 4). */
export function parseEd25519PublicKey(raw: Uint8Array, what = 'the public key'): PublicKey {
  if (raw.length !== 32) refuse(what, `has ${raw.length} bytes where an Ed25519 key has 32`);
  const identifier = Uint8Array.of(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70);
  return parsePublicKey(encodeDer(TAG.sequence, identifier, encodeDer(TAG.bitString, concatBytes(Uint8Array.of(0), raw))), what);
}

/** What a person would call the key: "ECDSA P-256", "RSA 3072". */
export function describeKey(key: Pick<PublicKey, 'kind' | 'curve' | 'bits' | 'variant'>): string {
  if (key.kind === 'ec') return `ECDSA ${key.curve}`;
  if (key.kind === 'rsa') return `RSA ${key.bits}`;
  return key.kind === 'ed25519' ? 'Ed25519' : `ML-DSA-${key.variant}`;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
