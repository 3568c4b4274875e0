/** Whether a log entry is about this signature, this key and these bytes, and not about somebody else's. */
import type { HashName } from '../crypto/index.ts';
import { equalBytes } from '../encoding/index.ts';
import type { EntryClaim, EntryDigest, EntryVerifier } from './entry-claim.ts';
import { type Refusal, refusal } from './log-format.ts';

/** Gives the digest of something under a hash, or undefined when only another digest of it is known. */
export type DigestOf = (hash: HashName) => Uint8Array | undefined;

/** What is being verified. Digests are asked for, because the entry names the hash. */
export interface EntrySubject {
  readonly signature: Uint8Array;
  /** The certificate or key with which the signature was verified. */
  readonly verifier: EntryVerifier;
  /** Of the bytes that were signed: the artifact, or the pre-authentication encoding of an envelope. */
  readonly signed: DigestOf;
  /** Of the payload, when an envelope was signed; absent for anything else. */
  readonly payload?: DigestOf;
  readonly payloadType?: string;
  /** Of the envelope's own bytes, where they are those that the log saw: bare envelopes, not bundles. */
  readonly envelope?: DigestOf;
  /** The name of the algorithm with which the signature was verified, as in Sigstore's PublicKeyDetails. */
  readonly keyDetails?: string;
}

export type EntryMatch = { readonly ok: true } | Refusal;

const MATCH = { ok: true } as const;

/** Every field of the claim is compared; one that cannot be compared does not match. */
export function entryMatches(claim: EntryClaim, subject: EntrySubject): EntryMatch {
  const same = claim.signatures.filter(({ signature }) => signature === undefined || equalBytes(signature, subject.signature));
  if (same.length === 0) return mismatch('another signature');
  // Signature and key must stand in the entry together: each of them alone may be somebody else's.
  const own = same.filter(({ verifier }) => sameVerifier(verifier, subject.verifier));
  if (own.length === 0) return mismatch('another key or certificate');
  if (subject.keyDetails !== undefined && !own.some(({ keyDetails }) => keyDetails === undefined || keyDetails === subject.keyDetails)) {
    return mismatch('a signature of another algorithm');
  }
  if (claim.signedDigest && !sameDigest(claim.signedDigest, subject.signed)) return mismatch('another digest');
  if (claim.payloadHash && !sameDigest(claim.payloadHash, subject.payload)) return mismatch('another payload');
  if (claim.payloadType !== undefined && claim.payloadType !== subject.payloadType) return mismatch('a payload of another type');
  // Without a signature of its own the entry is bound by the envelope alone.
  const bound = own.some(({ signature }) => signature !== undefined) && (claim.signedDigest !== undefined || claim.payloadHash !== undefined);
  if (claim.envelopeHash && (subject.envelope || !bound) && !sameDigest(claim.envelopeHash, subject.envelope)) return mismatch('another envelope');
  if (!claim.envelopeHash && !bound) return mismatch('nothing that can be compared');
  return MATCH;
}

function mismatch(what: string): Refusal {
  return refusal('LOG_ENTRY_MISMATCH', `the log entry is about ${what}`);
}

function sameVerifier(a: EntryVerifier, b: EntryVerifier): boolean {
  return a.kind === b.kind && equalBytes(a.der, b.der);
}

function sameDigest(claimed: EntryDigest, known: DigestOf | undefined): boolean {
  const digest = known?.(claimed.hash);
  return digest !== undefined && equalBytes(digest, claimed.bytes);
}
