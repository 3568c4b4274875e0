/** Judging an image by policies: gather all that they may ask for, prove it, say what its statements mean, decide. */
import type { Registry } from '../clients/registry/index.ts';
import { type Digest, formatDigest, formatRepository, type Reference, type RepositoryName } from '../core/artifact/index.ts';
import { loadAppraiser, type Place as Site, type PolicySet } from '../core/policy/index.ts';
import { type Anchors, digestState, type TrustState } from '../core/trust/index.ts';
import {
  anchorsOf,
  type Appraisals,
  decide,
  type Decision,
  digestOfEvidence,
  type Evidence,
  plainFacts,
  type ProofMemory,
  prove,
  type ProvenFacts,
  type Request,
} from '../core/verify/index.ts';
import { appraise, asksForLabels, conditionsOf, gatherAll, labelsOf } from './evidence-of.ts';
import { resolveOnce } from './verify.ts';

export interface JudgeOptions {
  readonly registry: Registry;
  readonly reference: Reference;
  /** Where signatures lie, when not beside the image. */
  readonly signatureRepository?: RepositoryName;
  readonly policies: PolicySet;
  readonly trust: TrustState;
  /** Where the image is to run, as far as that is known. */
  readonly place: Site;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether this digest was let in here before. */
  readonly admittedBefore?: boolean;
  readonly memory?: ProofMemory;
  readonly workers?: number;
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

export interface JudgedImage {
  readonly digest: Digest;
  readonly decision: Decision;
  readonly request: Request;
  /** `sha256:hex` of what was known; see `digestOfEvidence`. */
  readonly evidence: string;
  /** What was known. */
  readonly known: Evidence;
}

/** Throws what `resolveOnce` throws; everything else is part of the decision. */
export async function judgeImage(options: JudgeOptions): Promise<JudgedImage> {
  const { registry, reference, policies, trust, place, now, admittedBefore = false, memory = {} } = options;
  const call = { ...(options.deadline === undefined ? {} : { deadline: options.deadline }), ...(options.signal ? { signal: options.signal } : {}) };
  const digest = await resolveOnce(registry, reference, call);
  const { signatureRepository = reference, workers } = options;
  const [evidence, labels] = await Promise.all([
    gatherAll({ registry, repository: signatureRepository, digest, now, ...(workers === undefined ? {} : { workers }), ...call }),
    asksForLabels(policies) ? labelsOf(registry, reference, digest, call) : undefined,
  ]);
  const request: Request = {
    repository: formatRepository(reference),
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    digest: formatDigest(digest),
    place,
    ...(labels ? { labels } : {}),
    admittedBefore,
    now,
  };
  return { digest, request, known: evidence, ...(await judgeEvidence(evidence, request, { policies, trust, memory })) };
}

/** The same from evidence that was gathered before, however long ago: nothing is asked of anybody. */
export async function judgeEvidence(
  evidence: Evidence,
  request: Request,
  { policies, trust, memory = {} }: Pick<JudgeOptions, 'policies' | 'trust' | 'memory'>,
): Promise<Pick<JudgedImage, 'decision' | 'evidence'>> {
  const facts = prove(evidence, anchorsOf(policies, trust), memory);
  const decision = decide(plainFacts(facts), policies, trust, request, await appraised(facts, policies));
  return { decision, evidence: digestOfEvidence(evidence) };
}

/** What the conditions of the policies say; without any, no appraiser is loaded. */
async function appraised(facts: ProvenFacts, policies: PolicySet): Promise<Appraisals> {
  const asked = conditionsOf(policies);
  if (asked.length === 0) return () => undefined;
  const values = appraise(facts, asked, await loadAppraiser());
  return (statement, condition) => values.get(`${statement} ${condition}`);
}

/** Trust without a repository: anchors that somebody gave, with nothing denied, and no lease that could end. */
export function trustOf(anchors: Anchors): TrustState {
  const content = {
    versions: {},
    lease: { issuedAt: 0, endsAt: Number.POSITIVE_INFINITY },
    tiers: [],
    anchors,
    keys: [],
    denials: [],
    principals: [],
    policies: [],
    exceptions: [],
  };
  return { digest: digestState(content), ...content };
}
