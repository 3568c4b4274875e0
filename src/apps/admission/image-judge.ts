/** Who judges images: the agent, or whatever stands in its place. It never throws for an image; what it cannot say is an answer, too. */
import type { Registry } from '../../clients/registry/index.ts';
import type { Place, PolicySet } from '../../core/policy/index.ts';
import type { Decision, DecisionCode, Action, Outcome, Request } from '../../core/verify/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import type { TrustState } from '../../core/trust/index.ts';

export interface JudgeAsked {
  readonly place: Place;
  /** Milliseconds since 1970, on the clock of the judge. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Nothing is kept of what comes out. */
  readonly dryRun: boolean;
  /** Whether a digest runs where it is asked about: then it was let in there before. */
  readonly admittedBefore: boolean | ((digest: string) => boolean);
  /** Asked instead of the judge's own, with credentials of the namespace. */
  readonly registry?: Registry;
}

export interface Judgement {
  /** The image, with the defaults of Docker written out. */
  readonly name: string;
  /** `sha256:hex`; undefined where a tag could not be resolved. */
  readonly digest?: string;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  readonly action: Action;
  /** One sentence, and what to do. */
  readonly message: string;
  readonly hint: string;
  readonly decision?: Decision;
  readonly request?: Request;
  /** `sha256:hex` of what was known. */
  readonly evidence?: string;
  /** Where that is kept, as long as the record of the decision. */
  readonly known?: string;
  readonly error?: SealwardError;
  /** What whoever asked should be told although it may run; the message, when it is not said and the action is to warn. */
  readonly warnings?: readonly string[];
  /** What it was judged by, when that may have moved since. */
  readonly inForce?: InForce;
}

export interface InForce {
  readonly trust: TrustState;
  readonly policies: PolicySet;
}

export interface ImageJudge {
  /** The machine's, when not said. */
  readonly clock?: { now(): number };
  judge(image: string, asked: JudgeAsked): Promise<Judgement>;
  /** Undefined while there is no trust material. */
  inForce(): InForce | undefined;
}

export const timeOf = ({ clock }: ImageJudge): number => clock?.now() ?? Date.now();
