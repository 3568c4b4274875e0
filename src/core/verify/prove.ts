/**
 * The judge's first half: evidence and anchors in, facts out. Synchronous and pure; each step is one function, and the
 * whole of it stands on this screen. What the facts are worth is decided in decide.ts.
 */
import type { SignedEntity } from '../bundle/index.ts';
import type { Anchors } from '../trust/index.ts';
import type { Evidence, EvidenceDocument, Subject } from './evidence.ts';
import type { Facts, Finding, SignatureFacts } from './facts.ts';
import type { ProofMemory } from './proof-memory.ts';
import { proveEntries } from './prove-entry.ts';
import { proveSigners } from './prove-signer.ts';
import { proveSubject } from './prove-subject.ts';
import { proveTimestamps } from './prove-time.ts';

export function prove(evidence: Evidence, anchors: Anchors, memory: ProofMemory = {}): Facts {
  return {
    subject: evidence.subject,
    places: evidence.places,
    signatures: evidence.documents.flatMap((document) => document.entities.map((entity) => proveEntity(document, entity, evidence.subject, anchors, memory))),
    unreadable: evidence.documents.filter((document) => document.unreadable !== undefined),
  };
}

function proveEntity(document: EvidenceDocument, entity: SignedEntity, subject: Subject, anchors: Anchors, memory: ProofMemory): SignatureFacts {
  const findings: Finding[] = [];
  const broken: Finding[] = [];
  const about = proveSubject(entity, subject, findings, broken); //          the signature is about the digest asked
  const signers = proveSigners(entity, subject, anchors, memory, findings, broken); // a trusted key, or one that a trusted authority certified, made it
  const entries = proveEntries(entity, signers, subject, anchors, findings, broken); // a trusted log holds an entry about this signature, key and digest
  const times = [
    ...entries.flatMap(({ anchor, promisedAt }) => (promisedAt === undefined ? [] : [{ anchor, at: promisedAt, from: promisedAt, to: promisedAt }])),
    ...proveTimestamps(entity, anchors, memory, findings, broken), //         a trusted authority dated this signature
  ];
  return { document, entity, ...(about === undefined ? {} : { about }), signers, entries, times, findings, broken };
}
