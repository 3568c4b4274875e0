/**
 * The trust state: all that is signed about anchors, keys, denials, principals, policies and exceptions, as one value.
 * It comes out of a TUF repository whose roles delegate each part to its own signers; whoever reads it here need not
 * know that. It only ever moves forward; what it may not do is refused before a value of this type exists.
 */
import type { Anchors, Window } from './anchor.ts';

/**
 * What a key version is worth (NIST SP 800-57 part 1, section 7, without the states in which no verifier sees the key).
 * `revoked-all`: nothing that it ever signed counts, however well it is dated.
 */
export type KeyState = 'pre-active' | 'active' | 'suspended' | 'retired' | 'superseded' | 'compromised' | 'revoked-all';

/** What a key is for. A key never counts in a role that it was not given. */
export type KeyRole = 'artifact' | 'certificate-authority' | 'log' | 'certificate-log' | 'timestamp-authority';

/** One version of a named key. All moments are milliseconds since 1970; windows include both ends. */
export interface KeyVersion {
  /** The name under which policies speak of the key, the same for all its versions: `release`. */
  readonly name: string;
  /** Counts from 1. `release/3` names the third version, `release` all of them. */
  readonly version: number;
  /** The id of its anchor: lower-case hexadecimal SHA-256 of the public part. */
  readonly anchor: string;
  readonly role: KeyRole;
  readonly state: KeyState;
  /** From when, and until when, its signatures count while it is active. */
  readonly window: Window;
  /** Of `suspended`: since when. */
  readonly suspendedAt?: number;
  /** Of `retired`: the last moment at which its signatures count. */
  readonly retiredAt?: number;
  /** Of `retired`: until when (the judge's now) its undated signatures still count; without it they never do. */
  readonly acceptUndatedUntil?: number;
  /** Of `superseded` and `compromised`: signatures count only when they were made before. It only ever moves earlier. */
  readonly invalidFrom?: number;
  /** When its private half was destroyed; what it signed before is judged as ever. */
  readonly destroyedAt?: number;
  readonly reason?: string;
  /** Who runs the key: what the same operator dated does not rescue its signatures. */
  readonly operator?: string;
  /** Where the private half lives, as far as somebody vouches for it. */
  readonly protection?: 'software' | 'hardware';
}

/** Something that never counts again, whatever else is true. Denials are only ever added, or made wider. */
export type Denial = { readonly id: string; readonly reason: string; readonly addedAt: number } & (
  | { readonly kind: 'key' /** Fingerprint of the SPKI. */; readonly key: string }
  | { readonly kind: 'certificate' /** SHA-256 of the DER, of a leaf or of any certificate above it. */; readonly certificate: string }
  /** Signatures of one identity that were made within the window, or that nobody independent dated outside it. */
  | { readonly kind: 'identity'; readonly issuer: string; readonly subject: string; readonly window: Window }
  | { readonly kind: 'digest' /** `sha256:hex` of an image, an index or one of its children. */; readonly digest: string }
  | { readonly kind: 'signature' /** `sha256:hex` of the document that carries it. */; readonly document: string }
  /** Entries of a log at or after an index, all of them when it is missing. */
  | { readonly kind: 'log'; readonly anchor: string; readonly fromIndex?: string }
  /** One run of a CI system: the claim `runInvocationUri`. */
  | { readonly kind: 'run'; readonly run: string }
);

/** Whoever counts once, under all these names. */
export interface Principal {
  readonly name: string;
  /** Fingerprints of SPKIs, and names of keys of the trust state. */
  readonly keys: readonly string[];
  /** Identities, exact, as issuer and subject. */
  readonly identities: readonly { readonly issuer: string; readonly subject: string }[];
}

/** A document that a role signed for, as it was written; `core/policy` compiles it. */
export interface SignedText {
  /** The path in the repository, for messages with positions. */
  readonly path: string;
  /** `sha256:hex` of the text. */
  readonly digest: string;
  readonly text: string;
}

export const TRUST_ROLES = ['policy', 'keys', 'deny', 'exceptions'] as const;
export type TrustRole = (typeof TRUST_ROLES)[number];

/** How long a lease lasts for whom: named tiers such as `production` or `edge`. */
export interface LeaseTier {
  readonly name: string;
  /** Milliseconds after `issuedAt` of the lease. */
  readonly duration: number;
}

export interface TrustState {
  /** `sha256:hex` over all that follows, in canonical form; a decision names it. */
  readonly digest: string;
  /** Version of each signed part by role, the four of TUF included. None ever goes back. */
  readonly versions: Readonly<Record<string, number>>;
  /** Until when this state may admit what is new: the end of the lease, and when it was given. */
  readonly lease: { readonly issuedAt: number; readonly endsAt: number };
  /** Shorter leases, for whoever is told to keep one of these tiers. */
  readonly tiers: readonly LeaseTier[];
  /** What the trusted root says, and every key of `keys`, with their windows. */
  readonly anchors: Anchors;
  readonly keys: readonly KeyVersion[];
  readonly denials: readonly Denial[];
  readonly principals: readonly Principal[];
  readonly policies: readonly SignedText[];
  readonly exceptions: readonly SignedText[];
}
