/** Numbers for Prometheus. Labels have values out of lists that are known here, or that whoever signs policies makes: strangers cannot make new ones. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ERRORS, FINDINGS } from '../../core/errors.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { ReviewPath } from './decide-review.ts';
import { tallies, type Tally, Times } from './tallies.ts';
import type { ImageAnswer, ReviewOutcome } from './verdict.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Names of policies that get a label of their own; the rest of a large set shares one. */
const POLICY_LABELS = 200;
/** Only allowed registries are asked, but redirects and patterns may lead to many hosts. */
const HOST_LABELS = 50;
const KNOWN_DECIDERS = 20_000;
const STAGES = ['read', 'judge', 'record', 'whole'] as const;
export type Stage = (typeof STAGES)[number];

export interface AdmissionMetrics {
  review(path: ReviewPath, outcome: ReviewOutcome, seconds: number): void;
  decision(answer: ImageAnswer): void;
  stage(stage: Stage, seconds: number): void;
  /** A request that got no review as its answer. */
  refused(code: string): void;
  /** A request to a registry, or to whoever gives trust. @param code of the error, where there was no answer. */
  registry(host: string, status: number | undefined, code: string | undefined, seconds: number): void;
  /** Asked for when the numbers are read; NaN is what nobody knows. */
  gauge(name: string, help: string, read: () => number): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export function createAdmissionMetrics(): AdmissionMetrics {
  const registry = new Registry();
  const registers = [registry];
  const reviews = tallies({
    name: 'sealward_admission_reviews_total',
    help: 'Reviews answered, by path and outcome',
    labelNames: ['path', 'outcome'],
    registers,
  });
  const decisions = tallies({
    name: 'sealward_admission_decisions_total',
    help: 'Images judged, by outcome, code and the policy that decided',
    labelNames: ['outcome', 'code', 'policy'],
    registers,
  });
  const refused = new Counter({
    name: 'sealward_admission_refused_requests_total',
    help: 'Requests that were no review, by code',
    labelNames: ['code'],
    registers,
  });
  const seconds = new Times({ name: 'sealward_admission_review_seconds', help: 'Time to answer a review, by stage', stages: STAGES, bounds: SECONDS });
  const requests = new Counter({
    name: 'sealward_registry_requests_total',
    help: 'Requests to registries and sources of trust, by host and by class of status, or `none` without an answer',
    labelNames: ['host', 'status'],
    registers,
  });
  const answered = new Histogram({ name: 'sealward_registry_request_seconds', help: 'Time until a registry answered', buckets: SECONDS, registers });
  const reviewsOf = bound((path: string, outcome: string) => reviews({ path, outcome }));
  const decisionsOf = bound((outcome: string, code: string, policy: string) => decisions({ outcome, code, policy }));
  const deciders = new Deciders();
  /** An answer that is given again is counted where it was. */
  const allowances = new WeakMap<JudgedName, Tally>();
  const policyLabel = bounded(POLICY_LABELS);
  const hostLabel = bounded(HOST_LABELS);
  return {
    review(path, outcome, took) {
      reviewsOf(path, outcome).count++;
      seconds.observe('whole', took);
    },
    decision({ judgement, denial }) {
      const known = denial ? undefined : allowances.get(judgement);
      if (known) return void known.count++;
      const { action, decision } = judgement;
      const outcome = denial ? (denial.status === 403 ? 'denied' : 'unverifiable') : action === 'warn' ? 'warned' : 'allowed';
      const policy = denial || !decision ? decidedBy(decision) : deciders.of(judgement, () => decidedBy(decision));
      const tally = decisionsOf(outcome, codeLabel(denial?.code ?? judgement.code), policy === undefined ? 'none' : policyLabel(policy));
      tally.count++;
      if (!denial) allowances.set(judgement, tally);
    },
    stage: (stage, took) => seconds.observe(stage, took),
    registry(host, status, code, took) {
      requests.inc({ host: hostLabel(host), status: status === undefined ? (code === 'ERR_DEADLINE' ? 'late' : 'none') : `${Math.floor(status / 100)}xx` });
      answered.observe(took);
    },
    refused: (code) => refused.inc({ code: codeLabel(code) }),
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
    },
    text: async () => `${await registry.metrics()}\n${seconds.text()}\n`,
    contentType: registry.contentType,
  };
}

function decidedBy(decision: JudgedName['decision']): string | undefined {
  return decision?.policies.find((one) => one.action === decision.action && one.code === decision.code)?.policy;
}

/** Which policy let an image in: to ask the decision itself makes it explain all that it looked at, which an allowance need not. */
class Deciders {
  #inForce: unknown;
  readonly #known = new Map<string, string | undefined>();

  of({ inForce, request, code }: JudgedName, find: () => string | undefined): string | undefined {
    if (!request || !inForce) return find();
    if (this.#inForce !== inForce || this.#known.size > KNOWN_DECIDERS) this.#known.clear();
    this.#inForce = inForce;
    const key = `${request.repository} ${request.digest} ${request.place.namespace ?? ''} ${code}`;
    if (!this.#known.has(key)) this.#known.set(key, find());
    return this.#known.get(key);
  }
}

/** What was made of labels once. There are as many as there are labels, which are bounded. */
function bound<T>(make: (...labels: string[]) => T): (...labels: string[]) => T {
  const made = new Map<string, T>();
  return (...labels) => {
    const key = labels.join(' ');
    const known = made.get(key) ?? make(...labels);
    made.set(key, known);
    return known;
  };
}

/** The first so many names have a label of their own, and all others share one. */
function bounded(most: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.size < most) known.add(name);
    return known.has(name) ? name : 'other';
  };
}

function codeLabel(code: string): string {
  return code === 'VERIFIED' || code === 'EXCEPTED' || Object.hasOwn(ERRORS, code) || Object.hasOwn(FINDINGS, code) ? code : 'other';
}
