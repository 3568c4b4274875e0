/** All that is known of one digest, step by step: signatures and attestations of every place, and what the statements among them mean. */
import type { Registry } from '../clients/registry/index.ts';
import type { Digest, RepositoryName } from '../core/artifact/index.ts';
import { OPENVEX, type Statement } from '../core/bundle/index.ts';
import { LIMITS, parseJsonObject } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { type Appraisal, type Appraiser, type Condition, type PolicySet, VEX_CONDITION_ID } from '../core/policy/index.ts';
import { documentKey, type Evidence, type EvidenceDocument, type Place, type PlaceName, type ProvenFacts } from '../core/verify/index.ts';
import { gather, type GatherOptions } from './gather.ts';

export interface Gathering {
  readonly registry: Registry;
  /** Where signatures lie. */
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** Milliseconds since 1970: when the places are asked that do not say so themselves. */
  readonly now: number;
  readonly workers?: number;
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** Reads each document in place of `readEvidence`. */
  readonly reader?: NonNullable<GatherOptions['reader']>;
}

export const ROLES = ['signature', 'attestation'] as const;

/** After each step all that is known by then. Whoever stops early knows of the other places that they were not asked. */
export async function* gatherSteps(gathering: Gathering): AsyncGenerator<Evidence> {
  const { registry, repository, digest, workers, deadline, signal, reader } = gathering;
  let before = new Map<string, Place>();
  const documents = new Map<string, EvidenceDocument>();
  const read = new Map<string, EvidenceDocument>();
  for (const role of ROLES) {
    const steps = gather({
      registry,
      repository,
      digest,
      wanted: { role, signer: { kind: 'key' } },
      read,
      ...(workers === undefined ? {} : { workers }),
      ...(deadline === undefined ? {} : { deadline }),
      ...(signal ? { signal } : {}),
      ...(reader ? { reader } : {}),
    });
    let all = before;
    for await (const { places, documents: found } of steps) {
      all = new Map(before);
      for (const place of places) all.set(place.name, worse(before.get(place.name), place));
      for (const document of found) documents.set(documentKey(document), document);
      yield evidenceOf(gathering, all, documents);
    }
    before = all;
  }
}

/** What is known before anybody was asked. */
export function nothingAsked(gathering: Gathering): Evidence {
  return evidenceOf(gathering, new Map(), new Map());
}

/** Nothing is said to be missing before all places were asked. */
export async function gatherAll(gathering: Gathering): Promise<Evidence> {
  let evidence = nothingAsked(gathering);
  for await (const step of gatherSteps(gathering)) evidence = step;
  return evidence;
}

const PLACES: readonly (readonly [PlaceName, string])[] = [
  ['referrers-api', 'the referrers API'],
  ['fallback-tag', 'the tag of referrers'],
  ['sig-tag', 'the tag of signatures'],
  ['att-tag', 'the tag of attestations'],
];

function evidenceOf({ digest, now }: Gathering, places: ReadonlyMap<string, Place>, documents: ReadonlyMap<string, EvidenceDocument>): Evidence {
  const dated = [...places.values()].map((place) =>
    place.askedAt === undefined && (place.state === 'complete' || place.state === 'absent') ? { ...place, askedAt: now } : place,
  );
  // Places that the first role does not know, or that nobody came to, were not asked.
  for (const [name, where] of PLACES) if (!places.has(name)) dated.push({ name, where, state: 'not-asked' });
  return { subject: { digests: { [digest.algorithm]: digest.hex } }, places: dated, documents: [...documents.values()] };
}

/** The referrers are listed for signatures and for attestations: both must have answered, and what either left unread is unread. */
function worse(before: Place | undefined, after: Place): Place {
  const left = Math.max(before?.left ?? 0, after.left ?? 0);
  return { ...(before?.state === 'unavailable' ? before : after), ...(left > 0 ? { left } : {}) };
}

/** Whether a policy asks for labels of the image's own configuration. */
export function asksForLabels({ policies }: PolicySet): boolean {
  return policies.some(({ requirements }) => requirements.some((one) => one.kind === 'image' && one.labels.length > 0));
}

/** The labels of the image's configuration; undefined when they cannot be known. */
export async function labelsOf(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
  call: { readonly deadline?: number; readonly signal?: AbortSignal },
): Promise<Readonly<Record<string, string>> | undefined> {
  const manifest = await registry.manifest(repository, digest, call);
  if (manifest.state !== 'complete' || manifest.value.manifest.kind !== 'manifest') return undefined;
  const { config } = manifest.value.manifest;
  const bytes = await registry.blob(repository, config, { ...call, maxBytes: LIMITS.documentBytes });
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

export interface AskedCondition {
  readonly types: readonly string[];
  readonly condition: Condition;
}

/** What the policies want to know of statements. */
export function conditionsOf({ policies }: PolicySet): readonly AskedCondition[] {
  return policies.flatMap(({ requirements }) =>
    requirements.flatMap((one) => (one.kind === 'attestation' ? one.conditions.map((condition) => ({ types: one.predicateTypes, condition })) : [])),
  );
}

/** By statement and condition; of statements that nobody trusted has signed nothing is looked at. */
export function appraise({ signatures }: ProvenFacts, asked: readonly AskedCondition[], appraiser: Appraiser): ReadonlyMap<string, Appraisal> {
  const values = new Map<string, Appraisal>();
  for (const { statement: name, signers, entity } of signatures) {
    if (name === undefined || signers.length === 0 || entity.claim.kind !== 'statement') continue;
    const { statement }: { readonly statement: Statement } = entity.claim;
    for (const { types, condition } of asked)
      if (types.includes(statement.predicateType)) values.set(`${name} ${condition.id}`, appraiser.appraise(statement, condition));
    if (statement.predicateType.startsWith(OPENVEX)) values.set(`${name} ${VEX_CONDITION_ID}`, appraiser.excuses(statement));
  }
  return values;
}
