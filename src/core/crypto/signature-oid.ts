/** AlgorithmIdentifiers of certificates and timestamps to schemes. SHA-1, MD5 and whatever is not listed are refused. */
import { derOid, derSequence, derSmallInteger, parseDer, TAG } from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import type { Scheme } from './algorithms.ts';
import type { HashName } from './hash.ts';
import { HASH_BYTES } from './hash.ts';
import type { MlDsaVariant, PublicKey } from './public-key.ts';

interface KnownScheme extends Scheme {
  /** An ML-DSA identifier names the parameter set, which must be the key's. */
  readonly variant?: MlDsaVariant;
}

// RFC 5758, RFC 8017 appendix C, RFC 8410, RFC 9881
const SCHEMES: ReadonlyMap<string, KnownScheme> = new Map<string, KnownScheme>([
  ['1.2.840.10045.4.3.2', { scheme: 'ecdsa', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { scheme: 'ecdsa', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { scheme: 'ecdsa', hash: 'sha512' }],
  ['1.2.840.113549.1.1.11', { scheme: 'rsa-pkcs1', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { scheme: 'rsa-pkcs1', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { scheme: 'rsa-pkcs1', hash: 'sha512' }],
  ['1.3.101.112', { scheme: 'ed25519' }],
  ['2.16.840.1.101.3.4.3.17', { scheme: 'ml-dsa', variant: 44 }],
  ['2.16.840.1.101.3.4.3.18', { scheme: 'ml-dsa', variant: 65 }],
  ['2.16.840.1.101.3.4.3.19', { scheme: 'ml-dsa', variant: 87 }],
]);

const HASHES: ReadonlyMap<string, HashName> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

/** The digest that an AlgorithmIdentifier names; parameters absent or NULL (RFC 5754 section 2). */
export function readHashAlgorithm(node: DerNode | undefined): HashName | undefined {
  const [oid, parameters, ...rest] = derSequence(node, 'the digest algorithm');
  const name = HASHES.get(derOid(oid, 'the digest algorithm'));
  return rest.length === 0 && isAbsentOrNull(parameters) ? name : undefined;
}

/**
 * The scheme that an AlgorithmIdentifier in DER names for this key, or undefined when it is refused. CMS may name only
 * rsaEncryption and leave the hash to the signer's digest algorithm (RFC 3370 section 3.2), which is then given.
 */
export function schemeOf(algorithmDer: Uint8Array, key: PublicKey, cmsDigest?: HashName): Scheme | undefined {
  const [type, parameters, ...rest] = derSequence(parseDer(algorithmDer), 'the signature algorithm');
  if (rest.length > 0) return undefined;
  const oid = derOid(type, 'the signature algorithm');
  if (oid === RSASSA_PSS) return readPssParameters(parameters);
  if (oid === RSA_ENCRYPTION && cmsDigest) return isAbsentOrNull(parameters) ? { scheme: 'rsa-pkcs1', hash: cmsDigest } : undefined;
  const known = SCHEMES.get(oid);
  // Only RSA has parameters, the NULL of RFC 4055 section 5; all others have none.
  if (!known || !(known.scheme === 'rsa-pkcs1' ? isAbsentOrNull(parameters) : parameters === undefined)) return undefined;
  return known.variant === undefined || known.variant === key.variant ? known : undefined;
}

/**
 * RFC 4055 section 3.1, with every default refused because all of them are SHA-1: one SHA-2 throughout, MGF1, and a salt
 * as long as the hash.
 */
function readPssParameters(parameters: DerNode | undefined): Scheme | undefined {
  const [hashPart, maskPart, saltPart, trailer] = derSequence(parameters, 'the PSS parameters');
  if (hashPart?.tag !== 0xa0 || maskPart?.tag !== 0xa1 || saltPart?.tag !== 0xa2 || trailer !== undefined) return undefined;
  const hash = readHashAlgorithm(parseDer(hashPart.value));
  const [mask, maskHash] = derSequence(parseDer(maskPart.value), 'the mask generation function');
  if (!hash || derOid(mask, 'the mask generation function') !== MGF1 || readHashAlgorithm(maskHash) !== hash) return undefined;
  const saltLength = derSmallInteger(parseDer(saltPart.value), 'the salt length');
  return saltLength === HASH_BYTES[hash] ? { scheme: 'rsa-pss', hash, saltLength } : undefined;
}

function isAbsentOrNull(parameters: DerNode | undefined): boolean {
  return parameters === undefined || (parameters.tag === TAG.null && parameters.value.length === 0);
}
