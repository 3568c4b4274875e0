/**
 * Facts: edges between evidence and anchors that cryptography proved, as plain values: digests, names, claims, times and
 * the ids of anchors, no bytes and no key objects. A fact is true for ever: it knows no policy, no window and no clock.
 * What could not be proven is kept as a finding, with the reason. Stored facts are read back as they were: stored-facts.ts.
 */
import type { EntityFormat, SignedEntity } from '../bundle/index.ts';
import type { EcCurve, FulcioClaims, HashName, MlDsaVariant } from '../crypto/index.ts';
import type { JsonObject } from '../encoding/index.ts';
import type { ErrorCode, FindingCode } from '../errors.ts';
import type { Place, PlaceName } from './evidence.ts';

export interface Finding {
  readonly code: FindingCode;
  /** What exactly, in words; parts that an attacker may have written are shortened, not escaped. */
  readonly detail: string;
}

/** This key verifies this signature over this message. */
export interface SignerFact {
  /** Lower-case hexadecimal SHA-256 of the key's SubjectPublicKeyInfo. */
  readonly key: string;
  readonly kind: 'ec' | 'rsa' | 'ed25519' | 'ml-dsa';
  readonly curve?: EcCurve;
  /** Of RSA keys: the size of the modulus. */
  readonly bits?: number;
  readonly variant?: MlDsaVariant;
  /** Id of the row in the algorithm table. */
  readonly algorithm: string;
  /** The id of the key anchor it is, when the key itself is trusted. */
  readonly anchor?: string;
  /** The certificate it comes from, when it has one. */
  readonly certificate?: CertificateFact;
}

/** One certificate of a chain. Both ends belong to its validity; milliseconds since 1970. */
export interface ChainLink {
  /** Lower-case hexadecimal SHA-256 of the DER. */
  readonly fingerprint: string;
  readonly from: number;
  readonly to: number;
}

/** This authority issued this certificate, and these logs saw it. */
export interface CertificateFact extends ChainLink {
  readonly serial: string;
  /** The directory name, in the manner of RFC 4514. */
  readonly subject: string;
  /** The names that an identity may be compared with. */
  readonly names: readonly string[];
  readonly claims: FulcioClaims;
  /** Each authority that issued it, with the chain from the leaf to its top, and the extended key usages that all of the chain allows. */
  readonly issuers: readonly { readonly anchor: string; readonly chain: readonly ChainLink[]; readonly purposes: readonly string[] }[];
  readonly loggedBy: readonly { readonly anchor: string; readonly at: number }[];
  /** Why no authority, or no certificate log, stands behind it. */
  readonly findings: readonly Finding[];
}

/** This log holds an entry about exactly this signature, key and digest. */
export interface EntryFact {
  readonly anchor: string;
  /** Decimal. */
  readonly index: string;
  readonly included: boolean;
  /** When the log says it took the entry, in milliseconds since 1970; only where it signed that (a promise). */
  readonly promisedAt?: number;
}

/** This party dated this signature; the interval is in milliseconds since 1970. */
export interface TimeFact {
  readonly anchor: string;
  readonly by: 'log' | 'timestamp-authority';
  /** Of a log: the entry that it promised to hold. */
  readonly index?: string;
  /** Of a timestamp: the fingerprint of the key that signed it. Two anchors may hold one authority, under two chains. */
  readonly principal?: string;
  /** The time as it was stated: the authority itself must have been trusted then. */
  readonly at: number;
  /** The stated time with its accuracy; the upper end is what certificates and keys are judged at. */
  readonly from: number;
  readonly to: number;
}

/** All that is known of one signature. */
export interface SignatureFacts {
  /** `sha256:hex` of the document that carries it. */
  readonly document: string;
  readonly place: PlaceName;
  readonly format: EntityFormat;
  /** An attestation says something about the artifact beyond "this is signed". `unknown`: its payload is of no type that is read. */
  readonly role: 'signature' | 'attestation' | 'unknown';
  /** The subject digest that the signature is about, as `hash:hex`; absent when it is about something else. */
  readonly about?: string;
  readonly predicateType?: string;
  /** `sha256:hex` of the in-toto statement that is signed: the name under which a condition's value is kept. */
  readonly statement?: string;
  readonly signers: readonly SignerFact[];
  readonly entries: readonly EntryFact[];
  readonly times: readonly TimeFact[];
  /** The name for which it was signed, as it was written, without digest: in a statement, that of a subject, which need not be an image. */
  readonly claimed?: { readonly in: 'simple-signing' | 'statement'; readonly repository: string; readonly tag?: string };
  /** The annotations that the signature covers. */
  readonly annotations: JsonObject;
  /** Ids of the algorithms with which, by the signer's own signed word, signatures stand side by side; empty for most. */
  readonly requiredAlgorithms: readonly string[];
  /** What is missing or foreign: it does not count, and changes nothing else. */
  readonly findings: readonly Finding[];
  /** What names a trusted party, or the signer, and does not verify: somebody changed the evidence, and all of it falls. */
  readonly broken: readonly Finding[];
}

/** A signature with its facts, as long as its bytes are at hand: for whoever shows it, or appraises what it says. */
export interface ProvenSignature extends SignatureFacts {
  readonly entity: SignedEntity;
}

/** How asking one place ended, in plain words; see Place. */
export interface PlaceState {
  readonly name: PlaceName;
  readonly where: string;
  readonly state: Place['state'];
  readonly cause?: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
  readonly left?: number;
  /** When it last answered, in milliseconds since 1970; absent where nobody noted it. */
  readonly askedAt?: number;
}

/** A document that nothing could be read from. */
export interface UnreadableFact extends Finding {
  readonly document: string;
  readonly place: PlaceName;
}

/** What is known about one digest. */
export interface Facts {
  /** Lower-case hexadecimal by hash. */
  readonly digests: Readonly<Partial<Record<HashName, string>>>;
  /** `sha256:hex` of the indexes that were proven to list it: what is signed of them covers it, and what is denied of them too. */
  readonly indexes: readonly string[];
  readonly places: readonly PlaceState[];
  readonly signatures: readonly SignatureFacts[];
  readonly unreadable: readonly UnreadableFact[];
}

export interface ProvenFacts extends Facts {
  readonly places: readonly Place[];
  readonly signatures: readonly ProvenSignature[];
}

/** Without what cannot be written down: the bytes of the signatures, and errors as objects. */
export function plainFacts({ digests, indexes, places, signatures, unreadable }: ProvenFacts): Facts {
  return {
    digests,
    indexes,
    places: places.map(({ cause, ...place }) => ({ ...place, ...(cause ? { cause: { code: cause.code, message: cause.message, hint: cause.hint } } : {}) })),
    signatures: signatures.map(withoutBytes),
    unreadable,
  };
}

function withoutBytes(signature: ProvenSignature): SignatureFacts {
  const facts: SignatureFacts & { entity?: SignedEntity } = { ...signature };
  delete facts.entity;
  return facts;
}
