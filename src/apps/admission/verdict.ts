/** One verdict on all the images of a review. */
import { digestOf, formatDigest, quoted } from '../../core/artifact/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import type { InForce, JudgedName } from '../../sdk/agent/index.ts';
import type { DenialStatus, Verdict } from './answer.ts';

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

/** @param leaves that hold the decisions, in the order of the images. */
export function verdictOn(answers: readonly ImageAnswer[], inForce: InForce, leaves: readonly string[]): Reviewed {
  const before = saidBefore(answers, inForce, leaves);
  if (before) return before;
  const annotations = annotationsOf(answers, inForce, leaves);
  const refused = answers.flatMap(({ image, denial }) => (denial ? [{ image, denial }] : []));
  const warnings = answers.flatMap(({ judgement, warning }) => [...judgement.warnings, ...(warning === undefined ? [] : [warning])]);
  // What was judged and refused is said first: it will not go away by itself.
  const first = refused.find(({ denial }) => denial.status === 403) ?? refused[0];
  if (!first) {
    const reviewed: Reviewed = {
      outcome: warnings.length > 0 ? 'warned' : 'allowed',
      verdict: { allowed: true, patch: [], warnings, annotations },
      images: answers,
    };
    remember(answers, inForce, leaves, reviewed);
    return reviewed;
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

export const decisionsIn = (leaves: readonly string[]): Record<string, string> => (leaves.length === 0 ? {} : { decision: leaves.slice(0, 16).join(',') });

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

interface Said {
  readonly inForce: InForce;
  readonly leaves: readonly string[];
  readonly reviewed: Reviewed;
}

/** By the first of its judgements; one that is given again is the same value, and so is a verdict that rests on the same ones alone. */
const SAID = new WeakMap<JudgedName, Said>();

function remember(answers: readonly ImageAnswer[], inForce: InForce, leaves: readonly string[], reviewed: Reviewed): void {
  const [first] = answers;
  if (first) SAID.set(first.judgement, { inForce, leaves, reviewed });
}

function saidBefore(answers: readonly ImageAnswer[], inForce: InForce, leaves: readonly string[]): Reviewed | undefined {
  const said = answers[0] && SAID.get(answers[0].judgement);
  if (!said || said.inForce !== inForce || !isSame(said.leaves, leaves) || said.reviewed.images.length !== answers.length) return undefined;
  return answers.every((answer, i) => isSameAnswer(answer, said.reviewed.images[i] as ImageAnswer)) ? said.reviewed : undefined;
}

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((text, i) => text === b[i]);

function isSameAnswer(a: ImageAnswer, b: ImageAnswer): boolean {
  return a.judgement === b.judgement && a.image === b.image && a.denial === undefined && a.warning === b.warning;
}
