/** Answers to what flags ask: one of three outcomes, with everything that led to it. */
import type { ErrorCode, FindingCode } from '../errors.ts';
import type { Check } from './checks.ts';
import type { Place } from './evidence.ts';
import type { Finding, ProvenSignature } from './facts.ts';

export type Outcome = 'verified' | 'rejected' | 'inconclusive';

/** How one signature did: it counts, or the first thing that failed and how far it came. */
export interface FlagCandidate {
  readonly facts: ProvenSignature;
  readonly counts: boolean;
  /** The checks that it passed, in order. */
  readonly passed: readonly Check[];
  readonly failed?: { readonly check: Check; readonly finding: Finding };
  /** The interval in which it was made, as far as trusted parties say, in milliseconds since 1970. */
  readonly time?: { readonly from: number; readonly to: number };
  /** The names in the certificate that matched what was asked for, or all of them. */
  readonly identity?: string;
  /** Names of anchors, for people: of the trusted key, of those who dated it, of the log of each entry. */
  readonly names: { readonly key?: string; readonly times: readonly string[]; readonly entries: readonly string[] };
}

export interface FlagDecision {
  readonly outcome: Outcome;
  /** VERIFIED, a finding, or the error code of the place that did not answer. */
  readonly code: 'VERIFIED' | FindingCode | ErrorCode;
  /** The candidates of the role that was asked for, the nearest miss first among those that do not count. */
  readonly candidates: readonly FlagCandidate[];
  /** Why, when it is not verified: the nearest miss, or what could not be asked. */
  readonly finding?: Finding;
  readonly places: readonly Place[];
}
