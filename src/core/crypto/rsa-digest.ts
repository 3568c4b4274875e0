/**
 * RSA verification from the digest alone: OpenSSL does the modular power, the padding is checked here by comparing the
 * whole encoded message (RFC 8017 sections 8.2.2 and 9.1.2), never by parsing it.
 */
import { constants, publicDecrypt } from 'node:crypto';
import { concatBytes, equalBytes } from '../encoding/index.ts';
import type { HashName } from './hash.ts';
import { HASH_BYTES, hash } from './hash.ts';
import type { PublicKey } from './public-key.ts';

/** DigestInfo up to the digest, RFC 8017 section 9.2 note 1. */
const DIGEST_INFO: Readonly<Record<HashName, Uint8Array>> = {
  sha256: digestInfo(0x01, 32),
  sha384: digestInfo(0x02, 48),
  sha512: digestInfo(0x03, 64),
};

function digestInfo(oidEnd: number, length: number): Uint8Array {
  return Uint8Array.of(0x30, 17 + length, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, oidEnd, 0x05, 0x00, 0x04, length);
}

/** RSASSA-PKCS1-v1_5. An AlgorithmIdentifier without its NULL is not accepted: one message has one encoding. */
export function verifyPkcs1Digest(key: PublicKey, name: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const encoded = power(key, signature);
  if (!encoded) return false;
  const info = DIGEST_INFO[name];
  const expected = new Uint8Array(encoded.length).fill(0xff);
  expected[0] = 0x00;
  expected[1] = 0x01;
  expected[encoded.length - info.length - digest.length - 1] = 0x00;
  expected.set(info, encoded.length - info.length - digest.length);
  expected.set(digest, encoded.length - digest.length);
  return equalBytes(encoded, expected);
}

/**
 * RSASSA-PSS with MGF1 over the same hash. `saltLength` in bytes, or undefined for any, which is how signatures under
 * Sigstore's PSS names are made: with whatever salt fits.
 */
export function verifyPssDigest(key: PublicKey, name: HashName, digest: Uint8Array, signature: Uint8Array, saltLength?: number): boolean {
  const encoded = power(key, signature);
  if (!encoded) return false;
  // The encoded message is one bit shorter than the modulus, so it may be one byte shorter (RFC 8017 section 8.1.2).
  const emBits = (key.bits as number) - 1;
  const emLength = Math.ceil(emBits / 8);
  if (emLength < encoded.length && encoded[0] !== 0) return false;
  return emsaPssVerify(encoded.subarray(encoded.length - emLength), emBits, name, digest, saltLength);
}

/** EMSA-PSS-VERIFY, RFC 8017 section 9.1.2; the steps are numbered as there. */
function emsaPssVerify(em: Uint8Array, emBits: number, name: HashName, digest: Uint8Array, saltLength: number | undefined): boolean {
  const size = HASH_BYTES[name];
  if (em.length < size + (saltLength ?? 0) + 2) return false; // 3
  if (em[em.length - 1] !== 0xbc) return false; // 4
  const db = em.slice(0, em.length - size - 1); // 5
  const h = em.subarray(em.length - size - 1, em.length - 1);
  const unused = 8 * em.length - emBits;
  const topMask = 0xff >> unused;
  if (((db[0] as number) & ~topMask) !== 0) return false; // 6
  const mask = mgf1(name, h, db.length); // 7
  for (let i = 0; i < db.length; i++) db[i] = (db[i] as number) ^ (mask[i] as number); // 8
  db[0] = (db[0] as number) & topMask; // 9
  const one = db.findIndex((octet) => octet !== 0); // 10
  if (one < 0 || db[one] !== 0x01) return false;
  const salt = db.subarray(one + 1); // 11
  if (saltLength !== undefined && salt.length !== saltLength) return false;
  return equalBytes(h, hash(name, new Uint8Array(8), digest, salt)); // 12 to 14
}

function mgf1(name: HashName, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let i = 0; i * HASH_BYTES[name] < length; i++) blocks.push(hash(name, seed, Uint8Array.of(0, 0, i >> 8, i & 0xff)));
  return concatBytes(...blocks).subarray(0, length);
}

/** RSAVP1; undefined when the signature is not of the modulus's length (section 8.2.2 step 1) or not below the modulus. */
function power(key: PublicKey, signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== Math.ceil((key.bits as number) / 8)) return undefined;
  try {
    return publicDecrypt({ key: key.object, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return undefined;
  }
}
