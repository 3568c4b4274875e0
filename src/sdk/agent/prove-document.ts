/** What one document proves, by itself: a pure function of its bytes, of what it should be about and of a view, in whichever thread. */
import type { DocumentSource } from '../../core/bundle/index.ts';
import type { Appraisal } from '../../core/policy/index.ts';
import { type EvidenceDocument, type Facts, plainFacts, type PlaceName, prove, type ProofMemory, readEvidence, type Subject } from '../../core/verify/index.ts';
import { appraise } from '../evidence-of.ts';
import type { View } from './view.ts';

/** A document whose bytes stay where they were read. */
export type NamedDocument = Omit<EvidenceDocument, 'entities'>;

export interface ProvenDocument {
  readonly document: NamedDocument;
  readonly signatures: Facts['signatures'];
  readonly unreadable: Facts['unreadable'];
  /** By statement and condition. */
  readonly values: readonly (readonly [string, Appraisal])[];
}

export interface ReadDocument {
  readonly place: PlaceName;
  readonly source: DocumentSource;
  readonly bytes: Uint8Array;
}

export function proveDocument(
  { place, source, bytes }: ReadDocument,
  subject: Subject,
  view: Pick<View, 'anchors' | 'conditions' | 'appraiser'>,
  memory: ProofMemory,
): ProvenDocument {
  const read = readEvidence(place, source, bytes);
  const proven = prove({ subject, places: [], documents: [read] }, view.anchors, memory);
  const { signatures, unreadable } = plainFacts(proven);
  const { entities: _, ...document } = read;
  return { document, signatures, unreadable, values: view.appraiser ? [...appraise(proven, view.conditions, view.appraiser)] : [] };
}
