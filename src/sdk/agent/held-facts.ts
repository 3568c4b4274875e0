/** What is held of a digest, ready to be decided over: facts and the values of conditions. Verdicts are never kept. */
import { formatDigest, type Digest, type RepositoryName, formatRepository } from '../../core/artifact/index.ts';
import type { Appraisal } from '../../core/policy/index.ts';
import {
  digestOfEvidence,
  documentKey,
  type Evidence,
  type EvidenceDocument,
  type Facts,
  plainFacts,
  type ProofMemory,
  prove,
} from '../../core/verify/index.ts';
import { appraise } from '../evidence-of.ts';
import { provenApart } from './prover.ts';
import type { View } from './view.ts';

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
  const { facts, values } = provenOf(evidence, view, memory);
  return {
    repository: formatRepository(repository),
    digest: formatDigest(digest),
    view: view.key,
    evidence: digestOfEvidence(evidence),
    facts,
    values,
    ...(labels ? { labels } : {}),
  };
}

/** In the order of the documents, wherever each was proven. */
function provenOf({ subject, places, documents }: Evidence, view: View, memory: ProofMemory): Pick<HeldFacts, 'facts' | 'values'> {
  const here = (some: readonly EvidenceDocument[]): Pick<HeldFacts, 'facts' | 'values'> => {
    const proven = prove({ subject, places, documents: some }, view.anchors, memory);
    return { facts: plainFacts(proven), values: view.appraiser ? appraise(proven, view.conditions, view.appraiser) : NO_VALUES };
  };
  const parts = documents.map((document) => provenApart(document, subject, view));
  const read = parts.filter((part) => 'entities' in part);
  if (read.length === parts.length) return here(read);
  const each = parts.map((part) => {
    if (!('entities' in part)) return part;
    const { facts, values } = here([part]);
    return { signatures: facts.signatures, unreadable: facts.unreadable, values };
  });
  const facts = { ...here([]).facts, signatures: each.flatMap(({ signatures }) => signatures), unreadable: each.flatMap(({ unreadable }) => unreadable) };
  return { facts, values: new Map(each.flatMap(({ values }) => [...values])) };
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
