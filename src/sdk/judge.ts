/** Judging an image by policies: gather all that they may ask for, prove it, say what its statements mean, decide. */
import type { Registry } from '../clients/registry/index.ts';
import { type Digest, formatDigest, formatRepository, type Reference, type RepositoryName } from '../core/artifact/index.ts';
import { OPENVEX, type Statement } from '../core/bundle/index.ts';
import { LIMITS, parseJsonObject } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { type Appraisal, type Appraiser, loadAppraiser, type Place as Site, type PolicySet, VEX_CONDITION_ID } from '../core/policy/index.ts';
import { type Anchors, digestState, type TrustState } from '../core/trust/index.ts';
import {
  anchorsOf,
  type Appraisals,
  decide,
  type Decision,
  digestOfEvidence,
  type Evidence,
  type EvidenceDocument,
  type Place,
  plainFacts,
  type ProofMemory,
  prove,
  type ProvenFacts,
  type Request,
} from '../core/verify/index.ts';
import { gather } from './gather.ts';
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
}

/** Throws what `resolveOnce` throws; everything else is part of the decision. */
export async function judgeImage(options: JudgeOptions): Promise<JudgedImage> {
  const { registry, reference, policies, trust, place, now, admittedBefore = false, memory = {} } = options;
  const call = { ...(options.deadline === undefined ? {} : { deadline: options.deadline }), ...(options.signal ? { signal: options.signal } : {}) };
  const digest = await resolveOnce(registry, reference, call);
  const [evidence, labels] = await Promise.all([gatherAll(options, digest, call), labelsFor(options, digest, call)]);
  const facts = prove(evidence, anchorsOf(policies, trust), memory);
  const request: Request = {
    repository: formatRepository(reference),
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    digest: formatDigest(digest),
    place,
    ...(labels ? { labels } : {}),
    admittedBefore,
    now,
  };
  const decision = decide(plainFacts(facts), policies, trust, request, await appraised(facts, policies));
  return { digest, decision, request, evidence: digestOfEvidence(evidence) };
}

/** Signatures and attestations, of every place: nothing is said to be missing before all were asked. */
async function gatherAll(
  { registry, reference, signatureRepository = reference, now, workers }: JudgeOptions,
  digest: Digest,
  call: { deadline?: number; signal?: AbortSignal },
): Promise<Evidence> {
  const places = new Map<string, Place>();
  const documents = new Map<string, EvidenceDocument>();
  for (const role of ['signature', 'attestation'] as const) {
    const steps = gather({
      registry,
      repository: signatureRepository,
      digest,
      wanted: { role, signer: { kind: 'key' } },
      ...(workers === undefined ? {} : { workers }),
      ...call,
    });
    let stood: readonly Place[] = [];
    for await (const step of steps) {
      stood = step.places;
      for (const document of step.documents) documents.set(`${document.place} ${document.digest}`, document);
    }
    for (const place of stood) places.set(place.name, worse(places.get(place.name), place));
  }
  const dated = [...places.values()].map((place) =>
    place.askedAt === undefined && (place.state === 'complete' || place.state === 'absent') ? { ...place, askedAt: now } : place,
  );
  return { subject: { digests: { [digest.algorithm]: digest.hex } }, places: dated, documents: [...documents.values()] };
}

/** The referrers are listed for signatures and for attestations: both must have answered, and what either left unread is unread. */
function worse(before: Place | undefined, after: Place): Place {
  const left = Math.max(before?.left ?? 0, after.left ?? 0);
  return { ...(before?.state === 'unavailable' ? before : after), ...(left > 0 ? { left } : {}) };
}

/** The labels of the image's configuration, where a policy asks for some; undefined when they cannot be known. */
async function labelsFor(
  { registry, reference, policies }: JudgeOptions,
  digest: Digest,
  call: { deadline?: number; signal?: AbortSignal },
): Promise<Readonly<Record<string, string>> | undefined> {
  if (!policies.policies.some(({ requirements }) => requirements.some((one) => one.kind === 'image' && one.labels.length > 0))) return undefined;
  const manifest = await registry.manifest(reference, digest, call);
  if (manifest.state !== 'complete' || manifest.value.manifest.kind !== 'manifest') return undefined;
  const { config } = manifest.value.manifest;
  const bytes = await registry.blob(reference, config, { ...call, maxBytes: LIMITS.documentBytes });
  if (bytes.state !== 'complete') return undefined;
  try {
    const { config: inner } = parseJsonObject(bytes.value, { what: 'the configuration of the image', maxBytes: LIMITS.documentBytes });
    const labels = inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? inner.Labels : undefined;
    if (labels === null || labels === undefined) return {};
    return typeof labels === 'object' && !Array.isArray(labels)
      ? Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
      : undefined;
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return undefined;
    throw error;
  }
}

/** What the conditions of the policies say of statements that somebody trusted has signed; of others nothing is looked at. */
async function appraised({ signatures }: ProvenFacts, { policies }: PolicySet): Promise<Appraisals> {
  const asked = policies.flatMap(({ requirements }) =>
    requirements.flatMap((one) => (one.kind === 'attestation' ? one.conditions.map((condition) => ({ types: one.predicateTypes, condition })) : [])),
  );
  if (asked.length === 0) return () => undefined;
  const appraiser: Appraiser = await loadAppraiser();
  const values = new Map<string, Appraisal>();
  for (const { statement: name, signers, entity } of signatures) {
    if (name === undefined || signers.length === 0 || entity.claim.kind !== 'statement') continue;
    const { statement }: { readonly statement: Statement } = entity.claim;
    for (const { types, condition } of asked)
      if (types.includes(statement.predicateType)) values.set(`${name} ${condition.id}`, appraiser.appraise(statement, condition));
    if (statement.predicateType.startsWith(OPENVEX)) values.set(`${name} ${VEX_CONDITION_ID}`, appraiser.excuses(statement));
  }
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
