/** What is held of a digest, ready to be decided over: facts and the values of conditions. Verdicts are never kept. */
import { formatDigest, type Digest, type RepositoryName, formatRepository } from '../../core/artifact/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { type Appraisal, type Appraiser, loadAppraiser } from '../../core/policy/index.ts';
import type { Anchors } from '../../core/trust/index.ts';
import {
  anchorsOf,
  digestOfAnchors,
  digestOfEvidence,
  documentKey,
  type Evidence,
  type Facts,
  plainFacts,
  type ProofMemory,
  prove,
} from '../../core/verify/index.ts';
import { appraise, type AskedCondition, asksForLabels, conditionsOf } from '../evidence-of.ts';
import type { InForce } from './in-force.ts';

/** What facts are proven under, and what is asked of statements. A revocation or a new lease changes neither. */
export interface View {
  /** Two views with one key make the same facts of the same evidence. */
  readonly key: string;
  readonly anchors: Anchors;
  readonly conditions: readonly AskedCondition[];
  readonly appraiser: Appraiser | undefined;
  readonly labels: boolean;
}

const views = new WeakMap<InForce, View>();

/** Undefined until `prepareView` has loaded what it takes. */
export function viewOf(inForce: InForce): View | undefined {
  return views.get(inForce);
}

export async function prepareView(inForce: InForce): Promise<View> {
  const known = views.get(inForce);
  if (known) return known;
  const { trust, policies } = inForce;
  const anchors = anchorsOf(policies, trust);
  const conditions = conditionsOf(policies);
  const labels = asksForLabels(policies);
  const asked = JSON.stringify([digestOfAnchors(anchors), conditions.map(({ types, condition }) => [types, condition.id]), labels]);
  const appraiser = conditions.length === 0 ? undefined : await loadAppraiser();
  const view: View = { key: fingerprintOf(utf8(asked)), anchors, conditions, appraiser, labels };
  views.set(inForce, view);
  return view;
}

export interface HeldFacts {
  /** `registry/repository` of the image, and its digest as `sha256:hex`. */
  readonly repository: string;
  readonly digest: string;
  /** Of the view under which it was made. */
  readonly view: string;
  /** `sha256:hex`, see `digestOfEvidence`. */
  readonly evidence: string;
  /** `sha256:hex` of the evidence as it was known, where that is kept for records of decisions. */
  readonly known?: string;
  readonly facts: Facts;
  /** By statement and condition. */
  readonly values: ReadonlyMap<string, Appraisal>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What is asked about. */
export interface Sought {
  /** Of the image itself. */
  readonly repository: RepositoryName;
  /** Where signatures lie. */
  readonly signatures: RepositoryName;
  readonly digest: Digest;
}

export function factsFrom({ repository, digest }: Sought, evidence: Evidence, labels: HeldFacts['labels'], view: View, memory: ProofMemory): HeldFacts {
  const proven = prove(evidence, view.anchors, memory);
  return {
    repository: formatRepository(repository),
    digest: formatDigest(digest),
    view: view.key,
    evidence: digestOfEvidence(evidence),
    facts: plainFacts(proven),
    values: view.appraiser ? appraise(proven, view.conditions, view.appraiser) : NO_VALUES,
    ...(labels ? { labels } : {}),
  };
}

const NO_VALUES: ReadonlyMap<string, Appraisal> = new Map();

/** Whether anything was ever heard about the digest. */
export function isHeld({ places }: Pick<Evidence, 'places'>): boolean {
  return places.some(({ state }) => state === 'complete' || state === 'absent');
}

/** The name under which a digest is held: one digest may lie in several repositories, with other signatures beside it. */
export function heldKey(repository: RepositoryName, digest: Digest): string {
  return `${formatRepository(repository)}@${formatDigest(digest)}`;
}

/** What was known before under what is known now: documents add up, and a place that does not answer leaves what it said before. */
export function overlay(before: Evidence, now: Evidence): Evidence {
  const documents = new Map([...before.documents, ...now.documents].map((document) => [documentKey(document), document]));
  const answered = new Map(before.places.filter(({ state }) => state === 'complete' || state === 'absent').map((place) => [place.name, place]));
  const places = now.places.map((place) => (place.state === 'complete' || place.state === 'absent' ? place : (answered.get(place.name) ?? place)));
  return { subject: now.subject, places, documents: [...documents.values()] };
}
