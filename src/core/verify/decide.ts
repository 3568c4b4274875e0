/**
 * The judge: what the facts about one image are worth under policies and trust, asked here and now. Pure, total, and the
 * same for the same input, byte for byte. It verifies nothing, fetches nothing and keeps no answer.
 */
import { exceptionsFor, type ImageException, type ImagePolicy, type PolicySet, type SelectedPolicy, selectPolicies } from '../policy/index.ts';
import { canonicalJson, type JsonObject } from '../encoding/index.ts';
import { FINDINGS, ERRORS, type ErrorCode, type FindingCode } from '../errors.ts';
import type { Anchors, Denial, TrustState } from '../trust/index.ts';
import { trustedTimes } from './check-time.ts';
import { Clock } from './clock.ts';
import type { Action, Decision, DecisionCode, PolicyJudgement } from './decision.ts';
import { deniedDigest } from './denied.ts';
import { explainRequirement } from './explain.ts';
import { pastHelp } from './past-help.ts';
import type { Facts, SignatureFacts } from './facts.ts';
import type { Outcome } from './flag-decision.ts';
import { type Appraisals, type Hearing, judgeRequirement, type Unmet } from './judge-requirement.ts';
import { lawOf } from './law.ts';
import { imageName, type Request } from './request.ts';

/** Changes whenever the same input could give another decision than before. */
export const JUDGE_VERSION = 2;

/** One policy's answer; `why` is the first requirement that is not met, where nothing excuses it. */
interface Judged {
  readonly policy: ImagePolicy;
  readonly outcome: Outcome;
  readonly action: Action;
  readonly why?: Unmet;
  readonly exception?: ImageException;
}

interface Answer {
  readonly action: Action;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  readonly detail: () => string;
  readonly by?: Judged;
  /** Nothing that may still be found about the image could change it. */
  readonly isSettled?: boolean;
}

/** @param facts proven under `anchorsOf(policies, trust)`. */
export function decide(facts: Facts, policies: PolicySet, trust: TrustState, request: Request, appraisals: Appraisals): Decision {
  const hearing = hear(facts, policies, trust, request, appraisals); //    which times count, and what is looked up
  const selected = selectPolicies(policies, request, request.place); //    every policy about this image in this place
  const judged = selected.map((one) => judgePolicy(one.policy, policies, hearing)); // each requirement of each, by mode and exceptions
  const denial = deniedDigest(request.digest, facts, hearing.context.trust);
  const answer =
    (denial && denied(denial)) ?? //                                       what is denied is denied, whatever policies say
    pastLease(trust, hearing) ?? //                                        past the lease nothing new is admitted
    strictest([...refusalsOf(selected, judged), ...defaultFor(selected, policies)]) ?? // the strictest of all answers
    verified(judged);
  return new Decided(answer, judged, selected, hearing);
}

/** Those under which facts for these policies are proven. */
export function anchorsOf(policies: PolicySet, trust: TrustState): Anchors {
  return lawOf(policies, trust).anchors;
}

function hear(facts: Facts, policies: PolicySet, trust: TrustState, request: Request, appraisals: Appraisals): Hearing {
  const law = lawOf(policies, trust);
  const { anchorIndex: anchors, trustIndex } = law;
  const context = { image: request, anchors, clock: new Clock(request.now), trust: trustIndex, admittedBefore: request.admittedBefore };
  const dated = inOrder(facts).map((signature) => ({ facts: signature, times: trustedTimes(signature, context) }));
  return { facts, dated, context, request, appraisals, law };
}

const ordered = new WeakMap<Facts, readonly SignatureFacts[]>();

/** In an order of their own, so that the one in which they were found changes nothing, not even what is told of equals. */
function inOrder(facts: Facts): readonly SignatureFacts[] {
  const known = ordered.get(facts);
  if (known) return known;
  const signatures = [...facts.signatures].sort(byDocument);
  ordered.set(facts, signatures);
  return signatures;
}

/** Of the first generation several signatures stand beside one payload. */
function byDocument(a: SignatureFacts, b: SignatureFacts): number {
  if (a.document !== b.document) return a.document < b.document ? -1 : 1;
  return canonicalJson(a as unknown as JsonObject) < canonicalJson(b as unknown as JsonObject) ? -1 : 1;
}

/** keys.md, verdict order, step 1: no mode and no exception overrides a denial. */
function denied(denial: Denial): Answer {
  return { action: 'deny', outcome: 'rejected', code: 'DENIED', detail: () => `${denial.id}: ${denial.reason}`, isSettled: true };
}

/** Step 2: what was admitted under a live lease may restart, and is judged like everything else. */
function pastLease({ lease, tiers }: TrustState, { request, context: { clock } }: Hearing): Answer | undefined {
  const tier = tiers.find(({ name }) => name === request.tier);
  // A tier that the state does not know has no lease at all.
  const end = tier ? Math.min(lease.endsAt, lease.issuedAt + tier.duration) : request.tier === undefined ? lease.endsAt : Number.NEGATIVE_INFINITY;
  if (!clock.reached(end) || request.admittedBefore) return undefined;
  return {
    action: 'deny',
    outcome: 'inconclusive',
    code: 'TRUST_STALE',
    isSettled: true,
    detail: () => `the lease ended at ${Number.isFinite(end) ? new Date(end).toISOString() : 'no time that is known'}`,
  };
}

function judgePolicy(policy: ImagePolicy, { exceptions }: PolicySet, hearing: Hearing): Judged {
  const why = settledBy(policy, hearing) ?? openTo(policy, hearing);
  if (!why) return { policy, outcome: 'verified', action: 'allow' };
  const exception = exceptionsFor(exceptions, policy, hearing.request, hearing.request.place).find(({ window }) => hearing.context.clock.in(window));
  if (exception) return { policy, outcome: 'verified', action: 'allow', exception };
  const outcome = why.status === 'unknown' ? 'inconclusive' : 'rejected';
  return { policy, outcome, action: actionOf(policy, outcome, hearing.request), why };
}

export function modeOf({ mode, modes }: ImagePolicy, { place }: Pick<Request, 'place'>): ImagePolicy['mode'] {
  return modes.find(({ environment }) => environment === place.environment)?.mode ?? mode;
}

/** What nothing that may still be found changes comes first: whoever knows less of the image says the same. */
function settledBy(policy: ImagePolicy, hearing: Hearing): Unmet | undefined {
  for (const requirement of policy.requirements) {
    if (requirement.kind !== 'refusal' && requirement.kind !== 'image') continue;
    const missed = judgeRequirement(requirement, policy, hearing);
    if (missed?.isSettled) return missed;
  }
  return pastHelp(policy, hearing.law);
}

/** The first requirement that is not met. */
function openTo(policy: ImagePolicy, hearing: Hearing): Unmet | undefined {
  let why: Unmet | undefined;
  for (const requirement of policy.requirements) {
    const missed = judgeRequirement(requirement, policy, hearing);
    // What is certain comes before what could not be found out.
    if (missed && (!why || (why.status === 'unknown' && missed.status === 'unmet'))) why = missed;
    if (why?.status === 'unmet') break;
  }
  return why;
}

/** verification.md, the table of outcomes and modes. */
function actionOf(policy: ImagePolicy, outcome: 'rejected' | 'inconclusive', request: Request): Action {
  switch (modeOf(policy, request)) {
    case 'audit':
      return 'allow';
    case 'warn':
      return 'warn';
    case 'enforce':
      return outcome === 'inconclusive' && policy.onInconclusive === 'allow-admitted-before' && request.admittedBefore ? 'allow' : 'deny';
  }
}

/**
 * Of the policies that hold here every one must be satisfied. Where nobody knows the namespace, of those that speak of
 * namespaces one must be: the image may be meant for that one.
 */
function refusalsOf(selected: readonly SelectedPolicy[], judged: readonly Judged[]): Answer[] {
  const certain = judged.filter((_, at) => selected[at]?.reach !== 'namespace-unknown');
  const possible = judged.filter(({ policy }, at) => selected[at]?.reach === 'namespace-unknown' && policy.namespace === undefined);
  const answers = certain.flatMap(answerOf);
  if (possible.length === 0 || possible.some(({ outcome }) => outcome === 'verified')) return answers;
  // While one of them is open, nothing is settled by another.
  const settled = possible.every(({ why }) => why?.isSettled === true);
  return [...answers, ...possible.flatMap(answerOf).map((one) => ({ ...one, isSettled: settled }))];
}

function answerOf(by: Judged): Answer[] {
  const { why, outcome, action } = by;
  return why ? [{ action, outcome, code: why.code, detail: why.detail, by, ...(why.isSettled ? { isSettled: true } : {}) }] : [];
}

/** Namespaced policies that nobody signed only add: where there is nothing but those, the default rule still holds. */
function defaultFor(selected: readonly SelectedPolicy[], { defaultRule: { action, stated } }: PolicySet): Answer[] {
  if (selected.some(({ policy }) => policy.namespace === undefined)) return [];
  const outcome = action === 'allow' ? 'verified' : 'rejected';
  return [
    {
      action,
      outcome,
      code: 'NO_POLICY',
      isSettled: true,
      detail: () => (stated ? 'the default rule that was stated decides' : 'nobody stated a default rule, so what no policy covers is denied'),
    },
  ];
}

const SEVERITY: Readonly<Record<Action, number>> = { allow: 0, warn: 1, deny: 2 };

/** The order of policies changes nothing: what is strictest wins, then what is settled, then what is certain, then the name. */
function strictest(answers: readonly Answer[]): Answer | undefined {
  const certainty = ({ outcome, isSettled }: Answer): number => (outcome === 'rejected' ? (isSettled ? 3 : 2) : outcome === 'inconclusive' ? 1 : 0);
  const rank = (answer: Answer): number => SEVERITY[answer.action] * 4 + certainty(answer);
  const name = ({ by }: Answer): string => (by ? `${by.policy.name} ${by.policy.digest}` : '');
  let first: Answer | undefined;
  for (const one of answers) if (!first || rank(one) > rank(first) || (rank(one) === rank(first) && name(one) < name(first))) first = one;
  return first;
}

function verified(judged: readonly Judged[]): Answer {
  const excepted = judged.filter(({ exception }) => exception !== undefined);
  if (excepted.length === 0) return { action: 'allow', outcome: 'verified', code: 'VERIFIED', detail: () => '' };
  return {
    action: 'allow',
    outcome: 'verified',
    code: 'EXCEPTED',
    detail: () =>
      excepted
        .map(({ exception }) => `${exception?.name}: ${exception?.reason}`)
        .sort()
        .join('; '),
  };
}

class Decided implements Decision {
  readonly action: Action;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  readonly until: number;
  readonly byDefault: boolean;
  readonly isSettled: boolean;
  readonly #answer: Answer;
  readonly #judged: readonly Judged[];
  readonly #hearing: Hearing;

  constructor(answer: Answer, judged: readonly Judged[], selected: readonly SelectedPolicy[], hearing: Hearing) {
    this.action = answer.action;
    this.outcome = answer.outcome;
    this.code = answer.code;
    this.until = hearing.context.clock.until;
    this.byDefault = !selected.some(({ policy }) => policy.namespace === undefined);
    // A denial nothing lifts; of what is less strict another policy may still make more.
    this.isSettled = answer.isSettled === true && (answer.action === 'deny' || judged.every(({ why }) => !why || why.isSettled === true));
    this.#answer = answer;
    this.#judged = judged;
    this.#hearing = hearing;
  }

  get exceptions(): readonly string[] {
    return this.#judged.flatMap(({ exception }) => (exception ? [exception.name] : [])).sort();
  }

  get message(): string {
    const { detail, by } = this.#answer;
    const image = imageName(this.#hearing.request);
    if (this.code === 'VERIFIED') return `${image} is what its policies ask for`;
    if (this.code === 'EXCEPTED') return `${image} is let through by an exception: ${detail()}`;
    const head = this.action === 'deny' ? 'may not run' : this.action === 'warn' ? 'runs although it should not' : 'runs';
    const policy = by ? ` by the policy ${by.policy.name}` : '';
    const people = by
      ? [by.policy.message, by.policy.owner && `owner: ${by.policy.owner}`, by.policy.contact, by.policy.runbook].filter(Boolean).join('; ')
      : '';
    return `${image} ${head}${policy}: ${meaningOf(this.code).replace(/\.$/, '')} (${detail()})${people === '' ? '' : `. ${people}`}`;
  }

  get hint(): string {
    return this.code === 'VERIFIED' || this.code === 'EXCEPTED' ? '' : rowOf(this.code).hint;
  }

  get policies(): readonly PolicyJudgement[] {
    const hearing = this.#hearing;
    return this.#judged
      .map(
        ({ policy, outcome, action, why, exception }): PolicyJudgement => ({
          policy: policy.name,
          digest: policy.digest,
          source: policy.source,
          mode: modeOf(policy, hearing.request),
          outcome,
          action,
          code: exception ? 'EXCEPTED' : (why?.code ?? 'VERIFIED'),
          ...(exception ? { exception: exception.name } : {}),
          requirements: policy.requirements.map((requirement) => explainRequirement(requirement, policy, hearing)),
          ...(policy.owner === undefined ? {} : { owner: policy.owner }),
          ...(policy.contact === undefined ? {} : { contact: policy.contact }),
          ...(policy.runbook === undefined ? {} : { runbook: policy.runbook }),
          ...(policy.message === undefined ? {} : { message: policy.message }),
        }),
      )
      .sort((a, b) => (`${a.policy} ${a.digest}` < `${b.policy} ${b.digest}` ? -1 : 1));
  }
}

function meaningOf(code: DecisionCode): string {
  return rowOf(code).meaning;
}

function rowOf(code: DecisionCode): { readonly meaning: string; readonly hint: string } {
  return (FINDINGS as Partial<Record<string, { meaning: string; hint: string }>>)[code as FindingCode] ?? ERRORS[code as ErrorCode];
}
