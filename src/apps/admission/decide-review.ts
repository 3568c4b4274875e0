/** What is said to a review: untouched, unchanged, or what the judge says of every image that it would start. */
import type { Registry } from '../../clients/registry/index.ts';
import { digestOf, formatDigest, quoted } from '../../core/artifact/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { type FindingCode, SealwardError } from '../../core/errors.ts';
import type { Mode, Place } from '../../core/policy/index.ts';
import type { InForce, JudgedName } from '../../sdk/agent/index.ts';
import type { DenialStatus, Verdict } from './answer.ts';
import type { Deadline } from './deadline.ts';
import { type ImageJudge, judgeImages } from './judge-images.ts';
import { pinImages, type PinOperation } from './pin.ts';
import { kindOf, type PullsWith, type Question } from './question.ts';

export type ReviewPath = 'validate' | 'mutate';

/** What came of a review, for metrics and the log. */
export type ReviewOutcome = 'untouched' | 'exempt' | 'unchanged' | 'allowed' | 'warned' | 'denied' | 'unverifiable' | 'failed';

/** What is said of one image: the judgement, and whether more than the judge was against it. */
export interface ImageAnswer {
  readonly image: string;
  readonly judgement: JudgedName;
  /** Undefined: it may run. */
  readonly denial?: Denial;
  /** What is said although it may. */
  readonly warning?: string;
}

export interface Denial {
  readonly code: string;
  readonly status: DenialStatus;
  /** One sentence, and what to do. */
  readonly message: string;
}

export interface Reviewed {
  readonly outcome: ReviewOutcome;
  readonly verdict: Verdict;
  readonly images: readonly ImageAnswer[];
}

export interface DecidingRules {
  readonly judge: ImageJudge;
  readonly exemptNamespaces: ReadonlySet<string>;
  readonly cluster?: string;
  readonly environment?: string;
  /** Who asks registries in the name of a namespace that opted in; undefined: the judge itself. */
  readonly registryFor?: (namespace: string, pulls: PullsWith) => Registry | undefined;
  /** Whether a digest runs in a namespace now. */
  readonly runs?: (namespace: string, digest: string) => boolean;
  /** Labels of a namespace; undefined where they are not known, and then no policy is left out for them. */
  readonly labelsOf?: (namespace: string) => Readonly<Record<string, string>> | undefined;
}

/** The leaf that holds each decision; throws when it must be held and cannot be. */
export type Keep = (answers: readonly ImageAnswer[], inForce: InForce | undefined) => Promise<readonly string[]>;

export async function decideReview(rules: DecidingRules, path: ReviewPath, question: Question, deadline: Deadline, keep: Keep): Promise<Reviewed> {
  const { operation, namespace, unreadable } = question;
  if (operation === 'DELETE' || operation === 'CONNECT') return allowed('untouched');
  // Of what stands in no namespace nothing is exempt.
  if (namespace !== '' && rules.exemptNamespaces.has(namespace)) return allowed('exempt');
  if (!unreadable && question.changed.length === 0) return allowed(operation === 'UPDATE' ? 'unchanged' : 'untouched');
  const inForce = rules.judge.inForce();
  if (unreadable || !inForce) return path === 'mutate' ? patched([]) : unjudged(question, inForce, keep);
  const { runs } = rules;
  const registry = namespace === '' ? undefined : rules.registryFor?.(namespace, question.pullsWith);
  const judged = await judgeImages(
    rules.judge,
    question.changed.map(({ image }) => image),
    {
      place: placeOf(rules, namespace),
      dryRun: question.dryRun,
      admittedBefore: runs && namespace !== '' ? (digest) => runs(namespace, digest) : false,
      ...(registry ? { registry } : {}),
    },
    deadline,
  );
  if (path === 'mutate') return pinned(question, judged, inForce);
  const isPod = kindOf(question) === '/Pod';
  const answers = [...judged].map(([image, judgement]) => answerOf(image, judgement, isPod));
  const annotations = annotationsOf(answers, inForce, await keep(answers, inForce));
  const refused = answers.flatMap(({ image, denial }) => (denial ? [{ image, denial }] : []));
  const warnings = answers.flatMap(({ judgement, warning }) => [...judgement.warnings, ...(warning === undefined ? [] : [warning])]);
  // What was judged and refused is said first: it will not go away by itself.
  const first = refused.find(({ denial }) => denial.status === 403) ?? refused[0];
  if (!first) {
    return { outcome: warnings.length > 0 ? 'warned' : 'allowed', verdict: { allowed: true, patch: [], warnings, annotations }, images: answers };
  }
  const others = refused.filter((one) => one !== first);
  const also =
    others.length === 0
      ? ''
      : ` Refused, too: ${others
          .slice(0, 8)
          .map(({ image, denial }) => `${quoted(image, 120)} (${denial.code})`)
          .join(', ')}${others.length > 8 ? ` and ${others.length - 8} more` : ''}.`;
  const { status } = first.denial;
  const verdict: Verdict = { allowed: false, status, message: `${first.denial.message}${also}`, warnings, annotations };
  return { outcome: status === 403 ? 'denied' : status === 503 ? 'unverifiable' : 'failed', verdict, images: answers };
}

/** Nothing was judged, and it is a decision all the same. */
async function unjudged({ unreadable, changed }: Question, inForce: InForce | undefined, keep: Keep): Promise<Reviewed> {
  const { code, message, hint } = unreadable ?? NO_TRUST;
  const said: Omit<JudgedName, 'name'> = unreadable
    ? { outcome: 'rejected', code, action: 'deny', message, hint, warnings: [], from: 'nothing' }
    : { outcome: 'inconclusive', code, action: 'deny', message, hint, warnings: [], error: NO_TRUST, from: 'nothing' };
  const status = unreadable ? 403 : 503;
  const denial: Denial = { code, status, message: sentence(message, hint) };
  const images = unreadable ? [''] : new Set(changed.map(({ image }) => image));
  const answers = Array.from(images, (image): ImageAnswer => ({ image, judgement: { name: image, ...said }, denial }));
  const leaves = await keep(answers, inForce);
  const { outcome, verdict } = denied(unreadable ? 'denied' : 'unverifiable', status, denial.message);
  return { outcome, verdict: { ...verdict, annotations: { ...verdict.annotations, ...decisionsIn(leaves) } }, images: answers };
}

const NO_TRUST = new SealwardError('ERR_TRUST_MISSING', 'No image can be verified: there is no trust material yet', {
  hint: 'See what /readyz and the log of the webhook say.',
});

/** What may not run is left as it is, because /validate sees the final object, says why and keeps what it decided. */
function patched(patch: readonly PinOperation[]): Reviewed {
  return { outcome: 'allowed', verdict: { allowed: true, patch, warnings: [], annotations: {} }, images: [] };
}

/** Pins what may run. */
function pinned(question: Question, judged: ReadonlyMap<string, JudgedName>, inForce: InForce): Reviewed {
  const pins = new Map<string, string>();
  for (const [image, { action, digest, decision }] of judged) {
    const asked = kindOf(question) === '/Pod' || pinsTemplates(inForce, decision?.policies.map(({ policy }) => policy) ?? []);
    if (action !== 'deny' && digest !== undefined && asked) pins.set(image, digest);
  }
  // Of an update only what it changes: what runs by a tag goes on to.
  return patched(pinImages(question.changed, pins));
}

function pinsTemplates({ policies }: InForce, names: readonly string[]): boolean {
  return policies.policies.some(({ name, pinTemplates }) => pinTemplates && names.includes(name));
}

function answerOf(image: string, judgement: JudgedName, isPod: boolean): ImageAnswer {
  const { action, digest } = judgement;
  if (action === 'deny') {
    const { outcome, code, message, hint, error } = judgement;
    const status = error?.family === 'InternalError' ? 500 : outcome === 'inconclusive' ? 503 : 403;
    return { image, judgement, denial: { code, status, message: sentence(message, hint) } };
  }
  // The pod that a template makes is pinned when it comes; only there does a tag decide what runs.
  if (!isPod || image.includes('@') || digest === undefined) return { image, judgement };
  const mode = strictest(judgement);
  if (mode === 'audit') return { image, judgement };
  const what = `${quoted(image, 512)} is named by a tag, which may mean another image when it is pulled`;
  if (mode === 'warn') return { image, judgement, warning: what };
  const pin = sentence(what, `Write ${quoted(`${image}@${digest}`, 640)}, or let the webhook pin it at /mutate.`);
  return { image, judgement, denial: { code: 'TAG_UNPINNED' satisfies FindingCode, status: 403, message: pin } };
}

/** Whoever only looks on must not be stopped by a tag either. Where no policy says anything, a default rule let the image in. */
function strictest({ decision }: JudgedName): Mode {
  if (!decision) return 'enforce';
  const modes = decision.policies.map(({ mode }) => mode);
  return modes.includes('enforce') ? 'enforce' : modes.includes('warn') ? 'warn' : 'audit';
}

/** By `request.namespace`: the object may name none, or another one (admission.md 15). */
function placeOf({ cluster, environment, labelsOf }: DecidingRules, namespace: string): Place {
  const namespaceLabels = namespace === '' ? undefined : labelsOf?.(namespace);
  return {
    ...(cluster === undefined ? {} : { cluster }),
    ...(environment === undefined ? {} : { environment }),
    ...(namespace === '' ? {} : { namespace }),
    ...(namespaceLabels ? { namespaceLabels } : {}),
  };
}

function allowed(outcome: ReviewOutcome): Reviewed {
  return { outcome, verdict: { allowed: true, patch: [], warnings: [], annotations: { outcome } }, images: [] };
}

export function denied(outcome: ReviewOutcome, status: DenialStatus, message: string): Reviewed {
  return { outcome, verdict: { allowed: false, status, message, warnings: [], annotations: { outcome } }, images: [] };
}

export function sentence(message: string, hint: string): string {
  const said = /[.!?]$/.test(message) ? message : `${message}.`;
  return hint === '' ? said : `${said} ${hint}`;
}

const decisionsIn = (leaves: readonly string[]): Record<string, string> => (leaves.length === 0 ? {} : { decision: leaves.slice(0, 16).join(',') });

/** Small, and enough to find the decision again and to know what it rested on. */
function annotationsOf(answers: readonly ImageAnswer[], inForce: InForce, leaves: readonly string[]): Record<string, string> {
  const digests = [...new Set(answers.map(({ judgement }) => judgement.digest ?? 'unknown'))].sort();
  return {
    ...decisionsIn(leaves),
    ...judgedBy(inForce),
    images: digests.length === 1 ? (digests[0] as string) : formatDigest(digestOf(utf8(digests.join('\n')))),
  };
}

const JUDGED_BY = new WeakMap<InForce, Readonly<Record<string, string>>>();

/** The same for every review until trust moves. */
function judgedBy(inForce: InForce): Readonly<Record<string, string>> {
  const known = JUDGED_BY.get(inForce);
  if (known) return known;
  const { policies, trust } = inForce;
  const versions = Object.entries(trust.versions).map(([role, version]) => `${role}=${version}`);
  const said = { policies: policies.digest, trust: trust.digest, ...(versions.length === 0 ? {} : { 'trust-versions': versions.join(' ') }) };
  JUDGED_BY.set(inForce, said);
  return said;
}
