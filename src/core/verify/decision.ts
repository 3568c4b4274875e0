/** Decisions: one of three outcomes, with everything that led to it. */
import type { FindingCode, SealwardError } from '../errors.ts';
import type { Finding, SignatureFacts } from './facts.ts';
import type { Place } from './evidence.ts';

export type Outcome = 'verified' | 'rejected' | 'inconclusive';

/** How one signature did: it counts, or the first thing that failed and how far it came. */
export interface Candidate {
  readonly facts: SignatureFacts;
  readonly counts: boolean;
  /** The checks that it passed, in order. */
  readonly passed: readonly Check[];
  readonly failed?: { readonly check: Check; readonly finding: Finding };
  /** The interval in which it was made, as far as trusted parties say, in milliseconds since 1970. */
  readonly time?: { readonly from: number; readonly to: number };
  /** The names in the certificate that matched what was asked for, or all of them. */
  readonly identity?: string;
}

/** The checks, in the order in which they are made. */
export const CHECKS = [
  'readable',
  'type',
  'subject',
  'signer',
  'unbroken',
  'log',
  'time',
  'certificate',
  'certificate-log',
  'identity',
  'claims',
  'companions',
] as const;
export type Check = (typeof CHECKS)[number];

export interface Decision {
  readonly outcome: Outcome;
  /** VERIFIED, a finding, or the error code of the place that did not answer. */
  readonly code: 'VERIFIED' | FindingCode | SealwardError['code'];
  /** The candidates of the role that was asked for, the nearest miss first among those that do not count. */
  readonly candidates: readonly Candidate[];
  /** Why, when it is not verified: the nearest miss, or what could not be asked. */
  readonly finding?: Finding;
  readonly places: readonly Place[];
}
