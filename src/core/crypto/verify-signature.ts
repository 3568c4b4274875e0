/** The one place where a signature is verified. Whatever the bytes are, the answer is true or false, never an exception. */
import { constants, verify } from 'node:crypto';
import type { Algorithm, Scheme } from './algorithms.ts';
import { algorithmFits } from './algorithms.ts';
import { verifyEcdsaDigest } from './ecdsa-digest.ts';
import { verifyEd25519ph } from './ed25519ph.ts';
import type { HashName } from './hash.ts';
import { HASH_BYTES, hash } from './hash.ts';
import type { PublicKey } from './public-key.ts';
import { verifyPkcs1Digest, verifyPssDigest } from './rsa-digest.ts';

/** What was signed: the message, or its digest where only that is known. */
export type SignedMessage = { readonly bytes: Uint8Array } | { readonly digest: Uint8Array; readonly hash: HashName };

/**
 * Whether the key made the signature over the message with the algorithm. False as well when key and algorithm do not
 * fit together, when the digest is of another hash, and when the algorithm needs the message and only a digest is given.
 * ECDSA signatures are strict DER.
 */
export function verifySignature(key: PublicKey, algorithm: Algorithm, message: SignedMessage, signature: Uint8Array): boolean {
  return algorithmFits(algorithm, key) && verifyScheme(key, algorithm, message, signature);
}

/** The same by the scheme alone, for certificates: there any accepted key may come with any accepted hash. */
export function verifyScheme(key: PublicKey, scheme: Scheme, message: SignedMessage, signature: Uint8Array): boolean {
  if (!kindFits(key, scheme)) return false;
  try {
    return 'bytes' in message ? verifyBytes(key, scheme, message.bytes, signature) : verifyDigest(key, scheme, message, signature);
  } catch {
    // OpenSSL throws on some malformed signatures; every such case is a signature that does not verify.
    return false;
  }
}

function kindFits(key: PublicKey, { scheme }: Scheme): boolean {
  switch (scheme) {
    case 'ecdsa':
      return key.kind === 'ec';
    case 'rsa-pkcs1':
    case 'rsa-pss':
      return key.kind === 'rsa';
    case 'ed25519':
    case 'ed25519ph':
      return key.kind === 'ed25519';
    case 'ml-dsa':
      return key.kind === 'ml-dsa';
  }
}

function verifyBytes(key: PublicKey, scheme: Scheme, bytes: Uint8Array, signature: Uint8Array): boolean {
  switch (scheme.scheme) {
    case 'ecdsa':
      return verify(scheme.hash, bytes, { key: key.object, dsaEncoding: 'der' }, signature);
    case 'rsa-pkcs1':
      return verify(scheme.hash, bytes, { key: key.object, padding: constants.RSA_PKCS1_PADDING }, signature);
    case 'rsa-pss': {
      const saltLength = scheme.saltLength ?? constants.RSA_PSS_SALTLEN_AUTO;
      return verify(scheme.hash, bytes, { key: key.object, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
    }
    case 'ed25519ph':
      return verifyEd25519ph(key.raw, hash('sha512', bytes), signature);
    case 'ed25519':
    case 'ml-dsa':
      return verify(null, bytes, key.object, signature);
  }
}

function verifyDigest(key: PublicKey, scheme: Scheme, message: { digest: Uint8Array; hash: HashName }, signature: Uint8Array): boolean {
  const { digest, hash: name } = message;
  if (scheme.hash !== name || digest.length !== HASH_BYTES[name]) return false;
  switch (scheme.scheme) {
    case 'ecdsa':
      return verifyEcdsaDigest(key, digest, signature);
    case 'rsa-pkcs1':
      return verifyPkcs1Digest(key, name, digest, signature);
    case 'rsa-pss':
      return verifyPssDigest(key, name, digest, signature, scheme.saltLength);
    case 'ed25519ph':
      return verifyEd25519ph(key.raw, digest, signature);
    case 'ed25519':
    case 'ml-dsa':
      return false;
  }
}
