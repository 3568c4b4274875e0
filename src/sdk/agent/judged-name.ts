/** What became of one image name: the answer that the webhook, the controller and the node verifier all give. */
import { ERRORS, type ErrorCode, type SealwardError } from '../../core/errors.ts';
import type { Action, Decision, DecisionCode, Outcome, Request } from '../../core/verify/index.ts';
import { outcomeOfError } from '../outcome-of-error.ts';
import type { InForce } from './in-force.ts';

/** Where the answer was made from: facts in memory, evidence in the store, what a registry said just now, or none of them. */
export type AnsweredFrom = 'memory' | 'store' | 'registry' | 'nothing';

export interface JudgedName {
  /** As the object names it. */
  readonly name: string;
  /** `sha256:hex`: what was judged. Absent when the name cannot be read, or nobody could say what its tag stands for. */
  readonly digest?: string;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  readonly action: Action;
  /** One sentence for people, the same everywhere, and what to do; what was written by others in it is not escaped. */
  readonly message: string;
  readonly hint: string;
  /** What whoever asked should be told although it is allowed. */
  readonly warnings: readonly string[];
  /** With `request` and `evidence` (`sha256:hex`, see `digestOfEvidence`), what a decision record needs; absent where nothing was decided. */
  readonly decision?: Decision;
  readonly request?: Request;
  readonly evidence?: string;
  /** `sha256:hex` of the evidence as it was known (`encodeEvidence`), where it is kept for records. */
  readonly known?: string;
  /** Why nothing was decided. */
  readonly error?: SealwardError;
  /** What it was judged by; absent when no trust was taken yet. */
  readonly inForce?: InForce;
  readonly from: AnsweredFrom;
}

export interface DecidedFrom {
  readonly name: string;
  readonly request: Request;
  readonly evidence: string;
  readonly known?: string;
  readonly inForce: InForce;
  readonly from: AnsweredFrom;
}

/** Sentences are made when somebody reads them: most answers are "yes", and nobody does. */
export class DecidedName implements JudgedName {
  readonly name: string;
  readonly digest: string;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  readonly action: Action;
  readonly decision: Decision;
  readonly request: Request;
  readonly evidence: string;
  readonly known?: string;
  readonly inForce: InForce;
  readonly from: AnsweredFrom;

  constructor(decision: Decision, { name, request, evidence, known, inForce, from }: DecidedFrom) {
    if (known !== undefined) this.known = known;
    this.name = name;
    this.digest = request.digest;
    this.outcome = decision.outcome;
    this.code = decision.code;
    this.action = decision.action;
    this.decision = decision;
    this.request = request;
    this.evidence = evidence;
    this.inForce = inForce;
    this.from = from;
  }

  get message(): string {
    return this.decision.message;
  }

  get hint(): string {
    return this.decision.hint;
  }

  get warnings(): readonly string[] {
    return this.action === 'warn' || (this.action === 'allow' && this.decision.exceptions.length > 0) ? [this.message] : [];
  }
}

/** A name of which nothing could be decided. */
export function undecided(name: string, error: SealwardError, action: Action, inForce?: InForce): JudgedName {
  return {
    name,
    // What cannot be asked is refused; our own fault says nothing about the image.
    outcome: outcomeOfError(error) ?? (error.family === 'InputError' ? 'rejected' : 'inconclusive'),
    code: error.code,
    action,
    message: `${shown(name)} ${action === 'deny' ? 'may not run' : 'runs although it could not be judged'}: ${meaningOf(error.code)} (${error.message})`,
    hint: error.hint,
    warnings: action === 'warn' ? [error.message] : [],
    error,
    ...(inForce ? { inForce } : {}),
    from: 'nothing',
  };
}

/** What is longer is no name, and would leave no room to say so. */
const LONGEST_NAME = 512;
const shown = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name);

function meaningOf(code: ErrorCode): string {
  return ERRORS[code].meaning.replace(/\.$/, '');
}
