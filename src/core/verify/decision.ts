/** Decisions: allow, deny or warn, with everything that led there. Details are made when somebody reads them. */
import type { Mode } from '../policy/index.ts';
import type { ErrorCode, FindingCode } from '../errors.ts';
import type { Outcome } from './flag-decision.ts';

export type Action = 'allow' | 'deny' | 'warn';
export type DecisionCode = 'VERIFIED' | 'EXCEPTED' | FindingCode | ErrorCode;

/** How one signature did under one requirement: it counts, or the one reason why it does not. */
export interface CandidateJudgement {
  readonly document: string;
  readonly place: string;
  readonly predicateType?: string;
  /** Who signed, in words; a name in a certificate may be chosen by an attacker. */
  readonly signer: string;
  /** When it was there at the latest, by the first of the trusted parties that dated it; milliseconds since 1970. */
  readonly datedAt?: number;
  readonly counts: boolean;
  /** As which authority, and as which principal it was counted; or by which authority it was nearest to count. */
  readonly authority?: string;
  readonly principal?: string;
  readonly code?: DecisionCode;
  readonly detail?: string;
}

export interface RequirementJudgement {
  readonly name: string;
  readonly outcome: Outcome;
  /** What was asked, in words. */
  readonly wanted: string;
  readonly code: DecisionCode;
  /** Of the nearest miss. */
  readonly detail?: string;
  readonly candidates: readonly CandidateJudgement[];
}

export interface PolicyJudgement {
  readonly policy: string;
  readonly digest: string;
  readonly source: string;
  readonly mode: Mode;
  readonly outcome: Outcome;
  readonly action: Action;
  readonly code: DecisionCode;
  /** The exception that lets the image through although the policy is not satisfied. */
  readonly exception?: string;
  readonly requirements: readonly RequirementJudgement[];
  readonly owner?: string;
  readonly contact?: string;
  readonly runbook?: string;
  readonly message?: string;
}

export interface Decision {
  readonly action: Action;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  /** The earliest moment at which it could change by time alone, in milliseconds since 1970; infinite when it never does. */
  readonly until: number;
  /** Names of exceptions without which it would be another. */
  readonly exceptions: readonly string[];
  /** Whether no policy covers the image, so that the default rule decided. */
  readonly byDefault: boolean;
  /** Whether no evidence that may still be found could make it another, as trust and policies are now. */
  readonly isSettled: boolean;
  /** One sentence for people, the same everywhere, and what to do. */
  readonly message: string;
  readonly hint: string;
  readonly policies: readonly PolicyJudgement[];
}
