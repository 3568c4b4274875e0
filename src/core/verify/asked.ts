/**
 * What is asked of one signature, in the form that the checks read. Flags of the command line and policies are both turned
 * into it, so that there is one list of checks. It says nothing of one image or one moment: those stand in the context.
 */
import type { FulcioClaimName } from '../crypto/index.ts';
import type { FindingCode } from '../errors.ts';
import type { Window } from '../trust/index.ts';
import type { AnchorIndex } from './anchor-index.ts';
import type { Clock } from './clock.ts';
import type { Finding, SignatureFacts, TimeFact } from './facts.ts';
import type { TrustIndex } from './trust-index.ts';

/** A whole-string match: exact, or a pattern that is anchored by construction. */
export interface Matcher {
  /** For people: what was asked for. */
  readonly wanted: string;
  readonly matches: (value: string) => boolean;
}

export interface AskedIdentity {
  /** The name in the certificate: an e-mail address, a URI, a DNS name. */
  readonly name?: Matcher;
  /** The directory name, or one of the names beside it. */
  readonly subject?: Matcher;
  /** Who vouched for that name. */
  readonly issuer?: Matcher;
  readonly claims: readonly (Matcher & { readonly claim: FulcioClaimName })[];
}

export interface Asked {
  /** Of `any`, every kind counts: for a file whose bundle may carry either. */
  readonly role: 'signature' | 'attestation' | 'any';
  /** Of attestations; any when absent. */
  readonly predicateTypes?: readonly string[];
  /** `key`: a trusted key made it. `certificate`: a key that a trusted authority certified. */
  readonly signer: 'key' | 'certificate';
  /** Ids of the keys or certificate authorities that count; all that are trusted when absent. */
  readonly anchors?: ReadonlySet<string>;
  /** Extended key usages that the whole chain must allow. */
  readonly purposes: readonly string[];
  /** When the policy trusts the signer. */
  readonly window?: Window;
  readonly strength?: Strength;
  /** How many independent logs must hold an entry, how many independent timestamp authorities must have dated it, and how many of either. */
  readonly logs: number;
  readonly timestamps: number;
  readonly dated: number;
  /** Whether a trusted certificate log must have seen the certificate. */
  readonly certificateLog: boolean;
  /** What to do with a certificate's signature that nothing trusted dates: refuse it, or judge the certificate by today's date. */
  readonly undated: 'refuse' | 'now';
  /** One of these must match; of an empty list anybody. */
  readonly identities: readonly AskedIdentity[];
  /** In milliseconds. */
  readonly minAge?: number;
  readonly maxAge?: number;
  /** Annotations that must stand in what was signed. */
  readonly annotations: readonly (Matcher & { readonly key: string })[];
  /** What a name in what was signed must be. */
  readonly claim?: AskedClaim;
  readonly suspended: 'hold' | 'warn';
  readonly compromised: 'deny' | 'accept-witnessed';
}

/** Which algorithms, hashes and sizes count; all where a part is absent. */
export interface Strength {
  readonly algorithms?: ReadonlySet<string>;
  readonly hashes?: ReadonlySet<string>;
  readonly rsa?: number;
  readonly ecdsa?: number;
}

export interface AskedClaim {
  /** Whether a name must be there. */
  readonly required: boolean;
  readonly accepts: (claimed: string, image: ImageName) => boolean;
  /** For people. */
  readonly wanted: (image: ImageName) => string;
  /** Whether a name with a tag must have the one that was asked for; where none was, none can match. */
  readonly tag: boolean;
  /** Whether words that are no image name count as none: subjects of statements may be files. */
  readonly imagesOnly: boolean;
}

/** What the image is called that is asked about. */
export interface ImageName {
  /** `registry/repository` */
  readonly repository: string;
  readonly tag?: string;
}

/** What the checks look up, of which image, and when they are asked. */
export interface Context {
  readonly image: ImageName;
  readonly anchors: AnchorIndex;
  readonly clock: Clock;
  /** Without it nothing is denied, and keys have no states. */
  readonly trust?: TrustIndex;
  readonly admittedBefore: boolean;
}

/** What is true of a signature however it is asked about. */
export interface Dated {
  readonly facts: SignatureFacts;
  /** Times that count: stated by a party that was trusted at that time. */
  readonly times: readonly TimeFact[];
}

/** Why a check failed; the words are made only when somebody reads them. */
export interface Miss {
  readonly code: FindingCode;
  readonly detail: () => string;
}

export function miss(code: FindingCode, detail: () => string): Miss {
  return { code, detail };
}

/** A finding that cryptography left, as the reason of a check. */
export function missOf(finding: Finding | undefined): Miss | undefined {
  return finding && { code: finding.code, detail: () => finding.detail };
}

export function findingOf({ code, detail }: Miss): Finding {
  return { code, detail: detail() };
}

export function iso(moment: number): string {
  return Math.abs(moment) <= 8.64e15 ? new Date(moment).toISOString() : 'an unknown time';
}
