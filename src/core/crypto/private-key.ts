/** Private keys: reading, making and signing. They exist as KeyObjects only, so that no code of ours holds their bytes longer than it must. */
import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { SealwardError } from '../errors.ts';
import type { Algorithm } from './algorithms.ts';
import { algorithmFits } from './algorithms.ts';
import type { PublicKey } from './public-key.ts';
import { parsePublicKey } from './public-key.ts';

export type { KeyObject };

export type KeyKind = 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521' | 'rsa2048' | 'rsa3072' | 'rsa4096' | 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
}

const NAMED_CURVES = { 'ecdsa-p256': 'prime256v1', 'ecdsa-p384': 'secp384r1', 'ecdsa-p521': 'secp521r1' } as const;
const MODULUS_BITS = { rsa2048: 2048, rsa3072: 3072, rsa4096: 4096 } as const;

export function generateKeyPair(kind: KeyKind): KeyPair {
  const { privateKey } = generate(kind);
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

function generate(kind: KeyKind): { privateKey: KeyObject } {
  switch (kind) {
    case 'ecdsa-p256':
    case 'ecdsa-p384':
    case 'ecdsa-p521':
      return generateKeyPairSync('ec', { namedCurve: NAMED_CURVES[kind] });
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return generateKeyPairSync('rsa', { modulusLength: MODULUS_BITS[kind] });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'ml-dsa-44':
    case 'ml-dsa-65':
    case 'ml-dsa-87':
      // The type declarations name each variant on its own.
      return generateKeyPairSync(kind as 'ml-dsa-44');
  }
}

/** PKCS#8 (RFC 5958) in DER, unencrypted, as it comes out of a decrypted key file. */
export function parsePrivateKeyPkcs8(der: Uint8Array, what = 'the private key'): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(der.buffer, der.byteOffset, der.length), format: 'der', type: 'pkcs8' });
  } catch {
    // Without the cause: OpenSSL's message is about the secret bytes.
    throw new SealwardError('ERR_KEY_INVALID', `${what} is not a private key in PKCS#8`);
  }
  // Refuses here, and not when something has been signed, what no verifier would accept.
  publicKeyOf(key, what);
  return key;
}

export function encodePrivateKeyPkcs8(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' });
}

/** The public half; a kind or size that is refused is ERR_KEY_INVALID. */
export function publicKeyOf(key: KeyObject, what = 'the private key'): PublicKey {
  const known = PUBLIC_HALVES.get(key) ?? parsePublicKey(createPublicKey(key).export({ format: 'der', type: 'spki' }), what);
  PUBLIC_HALVES.set(key, known);
  return known;
}

/** Of keys that are in use: finding it takes as long as a signature, and servers sign with one key all day. */
const PUBLIC_HALVES = new WeakMap<KeyObject, PublicKey>();

/** Signs a message in the form that verifySignature reads: ECDSA in DER, PSS with a salt as long as the hash. */
export function signBytes(privateKey: KeyObject, algorithm: Algorithm, bytes: Uint8Array): Uint8Array {
  if (!algorithmFits(algorithm, publicKeyOf(privateKey))) {
    throw new SealwardError('ERR_KEY_INVALID', `the private key cannot sign with ${algorithm.id}`);
  }
  switch (algorithm.scheme) {
    case 'ecdsa':
      return sign(algorithm.hash, bytes, { key: privateKey, dsaEncoding: 'der' });
    case 'rsa-pkcs1':
      return sign(algorithm.hash, bytes, { key: privateKey, padding: constants.RSA_PKCS1_PADDING });
    case 'rsa-pss':
      return sign(algorithm.hash, bytes, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
    case 'ed25519ph':
      throw new SealwardError('ERR_KEY_INVALID', 'signing with Ed25519ph is not supported', { hint: 'Ed25519 keys sign the message itself.' });
    case 'ed25519':
    case 'ml-dsa':
      return sign(null, bytes, privateKey);
  }
}
