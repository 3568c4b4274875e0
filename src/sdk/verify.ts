/** Verifying: gather, prove, decideByFlags. The judgement itself is core/verify; this brings it its evidence. */
import type { Registry } from '../clients/registry/index.ts';
import { type Digest, formatDigest, type Reference, type RepositoryName } from '../core/artifact/index.ts';
import type { DocumentSource, SignedEntity } from '../core/bundle/index.ts';
import { algorithmsFor } from '../core/crypto/index.ts';
import { SealwardError } from '../core/errors.ts';
import type { Anchors } from '../core/trust/index.ts';
import {
  type FlagDecision,
  decideByFlags,
  type EvidenceDocument,
  type ProvenFacts,
  type Place,
  type ProofMemory,
  prove,
  readEvidence,
  type FlagRequirement,
  type Subject,
} from '../core/verify/index.ts';
import { gather } from './gather.ts';

export interface VerifyOptions {
  /** Whom to believe; see `trust`. */
  readonly anchors: Anchors;
  /** What is asked; see `byKey` and `byIdentity`. */
  readonly requirement: FlagRequirement;
  /** Milliseconds since 1970; the clock of this machine when missing. */
  readonly now?: number;
  /** Verdicts on certificate chains, kept between calls. */
  readonly memory?: ProofMemory;
}

export interface VerifyImageOptions extends VerifyOptions {
  /** What `openRegistry` gives. */
  readonly registry: Registry;
  /** The image, by tag or by digest; see `parseReference`. */
  readonly reference: Reference;
  /** Where signatures lie, when not beside the image. */
  readonly signatureRepository?: RepositoryName;
  /** Asks every place, also when the first one is enough. */
  readonly exhaustive?: boolean;
  /** How many requests run side by side; 10 when not said. */
  readonly workers?: number;
  /** Absolute, in milliseconds since 1970. */
  readonly deadline?: number;
  /** Ends the call. */
  readonly signal?: AbortSignal;
}

export interface ImageVerification {
  /** As it was asked for. */
  readonly reference: Reference;
  /** What was judged: a tag is resolved once, and everything after it uses the digest. */
  readonly digest: Digest;
  /** The answer: `outcome`, `code`, and every signature that was found with what passed and what failed. */
  readonly decision: FlagDecision;
}

/**
 * Verifies one image. The answer, also "unsigned" and "could not find out", is a value; an error is thrown when the tag
 * cannot be resolved or the question itself is wrong.
 */
export async function verifyImage(options: VerifyImageOptions): Promise<ImageVerification> {
  const { registry, reference, anchors, memory = {} } = options;
  const requirement = withAlgorithms(options.requirement, anchors);
  const call = callOptions(options);
  const digest = await resolveOnce(registry, reference, call);
  const subject: Subject = { digests: { [digest.algorithm]: digest.hex } };
  const request = { now: options.now ?? Date.now(), anchors };
  let facts: ProvenFacts = { digests: subject.digests, indexes: [], places: [], signatures: [], unreadable: [] };
  let decision = decideByFlags(facts, requirement, request);
  const steps = gather({
    registry,
    repository: options.signatureRepository ?? reference,
    digest,
    wanted: requirement,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...call,
  });
  for await (const { places, documents } of steps) {
    facts = joinFacts(facts, prove({ subject, places, documents }, anchors, memory));
    decision = decideByFlags(facts, requirement, request);
    if (decision.outcome === 'verified' && !options.exhaustive) break;
  }
  // A digest that is signed nowhere may also not exist at all, and then that is what has to be said.
  if (decision.code === 'NO_SIGNATURE' && reference.digest) await mustExist(registry, reference, call);
  return { reference, digest, decision };
}

/** What the trusted keys can vouch for, so that a companion signature by one of them cannot be left out. */
function withAlgorithms(requirement: FlagRequirement, { keys }: Anchors): FlagRequirement {
  if (keys.length < 2) return requirement;
  return { ...requirement, signer: { ...requirement.signer, algorithms: [...new Set(keys.flatMap(({ key }) => algorithmsFor(key).map(({ id }) => id)))] } };
}

function callOptions({ deadline, signal }: { deadline?: number; signal?: AbortSignal }): { deadline?: number; signal?: AbortSignal } {
  return { ...(deadline === undefined ? {} : { deadline }), ...(signal ? { signal } : {}) };
}

/** The digest that a reference stands for now. Throws ERR_NOT_FOUND, or what kept the registry from answering. */
export async function resolveOnce(registry: Registry, reference: Reference, call: { deadline?: number; signal?: AbortSignal } = {}): Promise<Digest> {
  const resolved = await registry.resolve(reference, call);
  if (resolved.state === 'complete') return resolved.value.digest;
  throw notThere(resolved, reference);
}

async function mustExist(registry: Registry, reference: Reference, call: { deadline?: number; signal?: AbortSignal }): Promise<void> {
  const described = await registry.describe(reference, call);
  if (described.state === 'absent') throw notThere(described, reference);
}

function notThere(lookup: { readonly state: string; readonly cause?: SealwardError }, reference: Reference): SealwardError {
  const name = `${reference.registry}/${reference.repository}${reference.digest ? `@${formatDigest(reference.digest)}` : `:${reference.tag ?? 'latest'}`}`;
  return lookup.cause ?? new SealwardError('ERR_NOT_FOUND', `${name} is not there`);
}

function joinFacts(a: ProvenFacts, b: ProvenFacts): ProvenFacts {
  return {
    digests: a.digests,
    indexes: b.indexes,
    places: b.places,
    signatures: [...a.signatures, ...b.signatures],
    unreadable: [...a.unreadable, ...b.unreadable],
  };
}

export interface VerifyBlobOptions extends VerifyOptions {
  /** The file; see `subjectOf`. */
  readonly subject: Subject;
  /** The signature, as a document that carries it, or already read. */
  readonly evidence: { readonly source: DocumentSource; readonly bytes: Uint8Array } | { readonly entity: SignedEntity; readonly digest: string };
}

/** Verifies a signature over a file; no registry is asked. */
export function verifyBlob({ subject, evidence, anchors, requirement, now = Date.now(), memory = {} }: VerifyBlobOptions): FlagDecision {
  const document: EvidenceDocument =
    'entity' in evidence ? { digest: evidence.digest, place: 'file', entities: [evidence.entity] } : readEvidence('file', evidence.source, evidence.bytes);
  const places: Place[] = [{ name: 'file', where: 'the file', state: 'complete' }];
  return decideByFlags(prove({ subject, places, documents: [document] }, anchors, memory), withAlgorithms(requirement, anchors), { now, anchors });
}
