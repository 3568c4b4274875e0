/** Keys for tests, and how certificates and timestamps name what they sign with. */
import {
  type Algorithm,
  algorithmsFor,
  defaultAlgorithm,
  generateKeyPair,
  type KeyKind,
  type KeyObject,
  type PublicKey,
  signBytes,
} from '../core/crypto/index.ts';
import { encodeDer, TAG } from '../core/encoding/index.ts';
import { invariant } from '../core/errors.ts';
import { objectIdentifier, sequence } from './der.ts';

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
  readonly algorithm: Algorithm;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A fresh key; `algorithm` is the name of another scheme than the key's first, such as `rsa3072-pss-sha256`. */
export function createTestKey(kind: KeyKind = 'ecdsa-p256', algorithm?: string): TestKey {
  const { privateKey, publicKey } = generateKeyPair(kind);
  const found = algorithm === undefined ? defaultAlgorithm(publicKey) : algorithmsFor(publicKey).find(({ id }) => id === algorithm);
  invariant(found, `a key of kind ${kind} does not sign with ${algorithm}`);
  return { privateKey, publicKey, algorithm: found, sign: (bytes) => signBytes(privateKey, found, bytes) };
}

/** RFC 5758, RFC 8410, RFC 9881, and RFC 8017 with its NULL. */
const SIGNATURE_OIDS: Readonly<Record<string, string>> = {
  'ecdsa-sha256': '1.2.840.10045.4.3.2',
  'ecdsa-sha384': '1.2.840.10045.4.3.3',
  'ecdsa-sha512': '1.2.840.10045.4.3.4',
  'rsa-pkcs1-sha256': '1.2.840.113549.1.1.11',
  'ed25519-': '1.3.101.112',
  'ml-dsa-': '2.16.840.1.101.3.4.3.18',
};

/** The AlgorithmIdentifier under which a certificate or a timestamp carries the key's signature. */
export function signatureAlgorithm({ algorithm }: TestKey): Uint8Array {
  const oid = SIGNATURE_OIDS[`${algorithm.scheme}-${algorithm.hash ?? ''}`];
  invariant(oid, `no certificate is signed with ${algorithm.id} here`);
  return algorithm.scheme === 'rsa-pkcs1' ? sequence(objectIdentifier(oid), encodeDer(TAG.null)) : sequence(objectIdentifier(oid));
}
