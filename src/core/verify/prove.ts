/**
 * The judge's first half: evidence and anchors in, facts out. Synchronous and pure; each step is one function, and the
 * whole of it stands on this screen. What the facts are worth is decided in decide.ts.
 */
import { entityRole, type SignedEntity } from '../bundle/index.ts';
import { fingerprintOf } from '../crypto/index.ts';
import type { Anchors } from '../trust/index.ts';
import { claimedName, requiredAlgorithms, signedAnnotations } from './claim.ts';
import type { Evidence, EvidenceDocument, Subject } from './evidence.ts';
import type { Finding, ProvenFacts, ProvenSignature, TimeFact } from './facts.ts';
import { Edges, type ProofMemory } from './proof-memory.ts';
import { proveEntries } from './prove-entry.ts';
import { proveSigners } from './prove-signer.ts';
import { proveSubject } from './prove-subject.ts';
import { proveTimestamps } from './prove-time.ts';

export function prove(evidence: Evidence, anchors: Anchors, memory: ProofMemory = {}): ProvenFacts {
  const { subject, places, documents } = evidence;
  return {
    digests: subject.digests,
    indexes: (subject.indexes ?? []).map(({ digest }) => digest),
    places,
    signatures: documents.flatMap((document) => document.entities.map((_, at) => proveEntity(document, at, subject, anchors, memory))),
    unreadable: documents.flatMap(({ digest, place, unreadable }) => (unreadable ? [{ document: digest, place, ...unreadable }] : [])),
  };
}

function proveEntity(document: EvidenceDocument, at: number, subject: Subject, anchors: Anchors, memory: ProofMemory): ProvenSignature {
  const entity = document.entities[at] as SignedEntity;
  const edges = new Edges(memory, document, at, subject);
  const findings: Finding[] = [];
  const broken: Finding[] = [];
  const about = proveSubject(entity, subject, findings, broken); //   the signature is about the digest asked
  const signers = proveSigners(entity, subject, anchors, memory, edges, findings, broken); // a trusted key, or one that a trusted authority certified, made it
  const entries = proveEntries(entity, signers[0], subject, anchors, edges, findings, broken); // a trusted log holds an entry about this signature, key and digest
  const times = [
    ...entries.flatMap(promisedTime),
    ...proveTimestamps(entity, anchors, memory, edges, findings, broken), // a trusted authority dated this signature
  ];
  return { document: document.digest, place: document.place, ...said(entity, about), signers, entries, times, findings, broken, entity };
}

function promisedTime({ anchor, index, promisedAt: at }: ReturnType<typeof proveEntries>[number]): TimeFact[] {
  return at === undefined ? [] : [{ anchor, by: 'log', index, at, from: at, to: at }];
}

/** What the signed words say, once somebody believes the signature. */
function said(
  entity: SignedEntity,
  about: string | undefined,
): Omit<ProvenSignature, 'document' | 'place' | 'signers' | 'entries' | 'times' | 'findings' | 'broken' | 'entity'> {
  const { claim, envelope, format } = entity;
  const annotations = signedAnnotations(entity, about);
  const claimed = claimedName(entity, about);
  return {
    format,
    role: claim.kind === 'unknown' ? 'unknown' : entityRole(entity),
    ...(about === undefined ? {} : { about }),
    ...(claim.kind === 'statement' ? { predicateType: claim.statement.predicateType } : {}),
    ...(claim.kind === 'statement' && envelope ? { statement: `sha256:${fingerprintOf(envelope.payload)}` } : {}),
    ...(claimed ? { claimed } : {}),
    annotations,
    requiredAlgorithms: requiredAlgorithms(annotations),
  };
}
