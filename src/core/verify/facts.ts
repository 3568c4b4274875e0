/**
 * Facts: edges between evidence and anchors that cryptography proved. A fact is true for ever: it knows no policy, no
 * window and no clock. What could not be proven is kept as a finding, with the reason.
 */
import type { SignedEntity } from '../bundle/index.ts';
import type { Algorithm, Certificate, FulcioClaims, PublicKey } from '../crypto/index.ts';
import type { FindingCode } from '../errors.ts';
import type { CertificateAuthorityAnchor, CertificateLogAnchor, KeyAnchor, LogAnchor, TimestampAuthorityAnchor } from '../trust/index.ts';
import type { EvidenceDocument, Place, Subject } from './evidence.ts';

export interface Finding {
  readonly code: FindingCode;
  /** What exactly, in words; parts that an attacker may have written are shortened, not escaped. */
  readonly detail: string;
}

/** Either a finding or the thing itself. */
export type Proven<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly finding: Finding };

/** This key verifies this signature over this message. */
export interface SignerFact {
  readonly key: PublicKey;
  readonly algorithm: Algorithm;
  /** The key anchor it is, when the key itself is trusted. */
  readonly anchor?: KeyAnchor;
  /** The certificate it comes from, when it has one. */
  readonly certificate?: CertificateFact;
}

/** This authority issued this certificate, and these logs saw it. */
export interface CertificateFact {
  readonly leaf: Certificate;
  readonly claims: FulcioClaims;
  /** Each authority that issued it, with the chain from the leaf to its top. */
  readonly issuers: readonly { readonly anchor: CertificateAuthorityAnchor; readonly chain: readonly Certificate[] }[];
  readonly loggedBy: readonly { readonly anchor: CertificateLogAnchor; readonly at: number }[];
  /** Why no authority, or no certificate log, stands behind it. */
  readonly findings: readonly Finding[];
}

/** This log holds an entry about exactly this signature, key and digest. */
export interface EntryFact {
  readonly anchor: LogAnchor;
  readonly index: bigint;
  readonly included: boolean;
  /** When the log says it took the entry, in milliseconds since 1970; only where it signed that (a promise). */
  readonly promisedAt?: number;
}

/** This party dated this signature; the interval is in milliseconds since 1970. */
export interface TimeFact {
  readonly anchor: LogAnchor | TimestampAuthorityAnchor;
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
  readonly document: EvidenceDocument;
  readonly entity: SignedEntity;
  /** The subject digest that the signature is about, as `hash:hex`; absent when it is about something else. */
  readonly about?: string;
  readonly signers: readonly SignerFact[];
  readonly entries: readonly EntryFact[];
  readonly times: readonly TimeFact[];
  /** What is missing or foreign: it does not count, and changes nothing else. */
  readonly findings: readonly Finding[];
  /** What names a trusted party, or the signer, and does not verify: somebody changed the evidence, and all of it falls. */
  readonly broken: readonly Finding[];
}

export interface Facts {
  readonly subject: Subject;
  readonly places: readonly Place[];
  readonly signatures: readonly SignatureFacts[];
  readonly unreadable: readonly EvidenceDocument[];
}
