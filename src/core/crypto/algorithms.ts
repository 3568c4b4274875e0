/**
 * The one table of signature algorithms. Names and numbers are those of Sigstore's PublicKeyDetails, the registry that
 * bundles, logs and trusted roots of this field share; what is not in the table is refused.
 */
import { invariant, SealwardError } from '../errors.ts';
import type { HashName } from './hash.ts';
import type { EcCurve, MlDsaVariant, PublicKey } from './public-key.ts';

export type SchemeName = 'ecdsa' | 'rsa-pkcs1' | 'rsa-pss' | 'ed25519' | 'ed25519ph' | 'ml-dsa';

/** How a signature is computed, without regard to the key's size. */
export interface Scheme {
  readonly scheme: SchemeName;
  /** The digest that is signed; undefined where the message itself is (Ed25519, ML-DSA). */
  readonly hash?: HashName;
  /** The salt of RSA-PSS in bytes; undefined accepts any, because Go, and so every Sigstore tool, signs with the longest that fits. */
  readonly saltLength?: number;
}

export interface Algorithm extends Scheme {
  readonly id: string;
  /** Sigstore's name and number of the pair of key and scheme. */
  readonly keyDetails: string;
  readonly keyDetailsNumber: number;
  readonly kind: PublicKey['kind'];
  readonly curve?: EcCurve;
  /** The size that an RSA key must have; undefined for any size that is accepted at all. */
  readonly bits?: number;
  readonly variant?: MlDsaVariant;
  /** Still verified, never chosen for new signatures. */
  readonly deprecated: boolean;
}

type Row = Omit<Algorithm, 'id' | 'keyDetails' | 'keyDetailsNumber' | 'deprecated'>;

function row(id: string, keyDetails: string, keyDetailsNumber: number, rest: Row, deprecated = false): Algorithm {
  return { id, keyDetails, keyDetailsNumber, ...rest, deprecated };
}
const ecdsa = (curve: EcCurve, hash: HashName): Row => ({ kind: 'ec', scheme: 'ecdsa', curve, hash });
const rsa = (scheme: 'rsa-pkcs1' | 'rsa-pss', bits?: number): Row => ({ kind: 'rsa', scheme, hash: 'sha256', ...(bits === undefined ? {} : { bits }) });
const mlDsa = (variant: MlDsaVariant): Row => ({ kind: 'ml-dsa', scheme: 'ml-dsa', variant });

/** The first row that fits a key is its default, as Sigstore's registry has it. */
export const ALGORITHMS: readonly Algorithm[] = [
  row('ecdsa-p256-sha256', 'PKIX_ECDSA_P256_SHA_256', 5, ecdsa('P-256', 'sha256')),
  row('ecdsa-p384-sha384', 'PKIX_ECDSA_P384_SHA_384', 12, ecdsa('P-384', 'sha384')),
  row('ecdsa-p521-sha512', 'PKIX_ECDSA_P521_SHA_512', 13, ecdsa('P-521', 'sha512')),
  // What cosign writes for these keys when nothing else is asked for.
  row('ecdsa-p384-sha256', 'PKIX_ECDSA_P384_SHA_256', 19, ecdsa('P-384', 'sha256'), true),
  row('ecdsa-p521-sha256', 'PKIX_ECDSA_P521_SHA_256', 20, ecdsa('P-521', 'sha256'), true),
  row('rsa2048-pkcs1-sha256', 'PKIX_RSA_PKCS1V15_2048_SHA256', 9, rsa('rsa-pkcs1', 2048)),
  row('rsa3072-pkcs1-sha256', 'PKIX_RSA_PKCS1V15_3072_SHA256', 10, rsa('rsa-pkcs1', 3072)),
  row('rsa4096-pkcs1-sha256', 'PKIX_RSA_PKCS1V15_4096_SHA256', 11, rsa('rsa-pkcs1', 4096)),
  row('rsa2048-pss-sha256', 'PKIX_RSA_PSS_2048_SHA256', 16, rsa('rsa-pss', 2048)),
  row('rsa3072-pss-sha256', 'PKIX_RSA_PSS_3072_SHA256', 17, rsa('rsa-pss', 3072)),
  row('rsa4096-pss-sha256', 'PKIX_RSA_PSS_4096_SHA256', 18, rsa('rsa-pss', 4096)),
  row('ed25519', 'PKIX_ED25519', 7, { kind: 'ed25519', scheme: 'ed25519' }),
  row('ed25519ph', 'PKIX_ED25519_PH', 8, { kind: 'ed25519', scheme: 'ed25519ph', hash: 'sha512' }),
  row('ml-dsa-44', 'ML_DSA_44', 23, mlDsa(44)),
  row('ml-dsa-65', 'ML_DSA_65', 21, mlDsa(65)),
  row('ml-dsa-87', 'ML_DSA_87', 22, mlDsa(87)),
  // Deprecated names that say nothing of size or digest; SHA-256 is what they have always meant. The PKCS1_ names
  // belong to keys that stand as a bare RSAPublicKey in trusted roots (parseRsaPublicKey).
  row('rsa-pkcs1-sha256', 'PKIX_RSA_PKCS1V5', 3, rsa('rsa-pkcs1'), true),
  row('rsa-pss-sha256', 'PKIX_RSA_PSS', 4, rsa('rsa-pss'), true),
  row('rsa-pkcs1-sha256-bare', 'PKCS1_RSA_PKCS1V5', 1, rsa('rsa-pkcs1'), true),
  row('rsa-pss-sha256-bare', 'PKCS1_RSA_PSS', 2, rsa('rsa-pss'), true),
];

/** Whether a key may be used with an algorithm at all. */
export function algorithmFits(algorithm: Algorithm, key: PublicKey): boolean {
  return (
    algorithm.kind === key.kind &&
    algorithm.curve === key.curve &&
    algorithm.variant === key.variant &&
    (algorithm.bits === undefined || algorithm.bits === key.bits)
  );
}

/** The algorithm that Sigstore's registry gives a key of this kind and size. */
export function defaultAlgorithm(key: PublicKey): Algorithm {
  const found = ALGORITHMS.find((algorithm) => algorithmFits(algorithm, key));
  if (!found) throw new SealwardError('ERR_INVARIANT', 'a key was accepted for which the table has no algorithm');
  return found;
}

/** Every way in which a key of this kind may have signed, the default first: for formats that do not say which it was. */
export function algorithmsFor(key: PublicKey): Algorithm[] {
  const out: Algorithm[] = [];
  for (const algorithm of ALGORITHMS) {
    if (!algorithmFits(algorithm, key)) continue;
    if (!out.some((other) => other.scheme === algorithm.scheme && other.hash === algorithm.hash)) out.push(algorithm);
  }
  return out;
}

/** A row by Sigstore's name or number; undefined for what is not supported. */
export function algorithmByName(keyDetails: string | number): Algorithm | undefined {
  return ALGORITHMS.find((algorithm) => algorithm.keyDetails === keyDetails || algorithm.keyDetailsNumber === keyDetails);
}

const BY_ID: ReadonlyMap<string, Algorithm> = new Map(ALGORITHMS.map((algorithm) => [algorithm.id, algorithm]));

/** A row by its own id, as facts keep it. */
export function algorithmById(id: string): Algorithm {
  const found = BY_ID.get(id);
  invariant(found, `the algorithm ${id} is not in the table`);
  return found;
}

/** Whether the digest of a message is enough to verify a signature over it. */
export function canVerifyDigest(algorithm: Scheme): boolean {
  return algorithm.hash !== undefined;
}
