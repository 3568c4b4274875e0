/** What is said to a review: untouched, unchanged, or what the judge says of every image that it would start. */
import type { Registry } from '../../clients/registry/index.ts';
import { quoted } from '../../core/artifact/index.ts';
import { type FindingCode, SealwardError } from '../../core/errors.ts';
import type { Mode, Place } from '../../core/policy/index.ts';
import type { InForce, JudgedName } from '../../sdk/agent/index.ts';
import type { DenialStatus } from './answer.ts';
import type { Deadline } from './deadline.ts';
import { type ImageJudge, judgeImages, recallImages } from './judge-images.ts';
import { pinImages, type PinOperation } from './pin.ts';
import { kindOf, type PullsWith, type Question } from './question.ts';
import { decisionsIn, type Denial, type ImageAnswer, type Reviewed, type ReviewOutcome, verdictOn } from './verdict.ts';

export type ReviewPath = 'validate' | 'mutate';

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
export type Keep = (answers: readonly ImageAnswer[], inForce: InForce | undefined) => readonly string[] | Promise<readonly string[]>;

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
  const images = question.changed.map(({ image }) => image);
  const asked = {
    place: placeOf(rules, namespace),
    dryRun: question.dryRun,
    admittedBefore: runs && namespace !== '' ? (digest: string) => runs(namespace, digest) : false,
    ...(registry ? { registry } : {}),
  };
  const judged = recallImages(rules.judge, images, asked) ?? (await judgeImages(rules.judge, images, asked, deadline));
  if (path === 'mutate') return pinned(question, judged, inForce);
  const isPod = kindOf(question) === '/Pod';
  const answers = [...judged].map(([image, judgement]) => answerOf(image, judgement, isPod));
  return verdictOn(answers, inForce, await keep(answers, inForce));
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
