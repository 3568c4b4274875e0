/**
 * What is asked of one signature, in the form that the checks read. Flags of the command line and policies are both turned
 * into it, so that there is one list of checks.
 */
import type { FulcioClaimName } from '../crypto/index.ts';
import type { FindingCode } from '../errors.ts';
import type { AnchorIndex } from './anchor-index.ts';
import type { Finding, SignatureFacts, TimeFact } from './facts.ts';

/** A whole-string match: exact, or a pattern that is anchored by construction. */
export interface Matcher {
  /** For people: what was asked for. */
  readonly wanted: string;
  readonly matches: (value: string) => boolean;
}

export interface AskedIdentity {
  /** The name in the certificate: an e-mail address, a URI, a DNS name. */
  readonly name?: Matcher;
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
  /** How many independent logs must hold an entry, and how many independent timestamp authorities must have dated it. */
  readonly logs: number;
  readonly timestamps: number;
  /** Whether a trusted certificate log must have seen the certificate. */
  readonly certificateLog: boolean;
  /** What to do with a certificate's signature that nothing trusted dates: refuse it, or judge the certificate by today's date. */
  readonly undated: 'refuse' | 'now';
  /** One of these must match; of an empty list anybody. */
  readonly identities: readonly AskedIdentity[];
  /** Annotations that must stand in what was signed. */
  readonly annotations: readonly (Matcher & { readonly key: string })[];
  /** The repository that what was signed must name. */
  readonly repository?: string;
}

/** What the checks look up, and when they are asked. */
export interface Context {
  readonly anchors: AnchorIndex;
  /** Milliseconds since 1970. */
  readonly now: number;
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
