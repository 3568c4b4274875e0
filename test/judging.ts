/** Questions to the judge in few words, over evidence that a private Sigstore signed. */
import type { DocumentSource } from '../src/core/bundle/index.ts';
import { sha256 } from '../src/core/crypto/index.ts';
import { encodeHex, type JsonObject, utf8 } from '../src/core/encoding/index.ts';
import type { Anchors } from '../src/core/trust/index.ts';
import {
  type FlagDecision,
  decideByFlags,
  exactly,
  type ProvenFacts,
  type Place,
  type ProofMemory,
  prove,
  readEvidence,
  type FlagRequirement,
  type Subject,
} from '../src/core/verify/index.ts';
import { TEST_IDENTITY, TEST_NOW, type TestDocument } from '../src/testing/index.ts';

export const ARTIFACT: Uint8Array = utf8('an artifact');
export const DIGEST: string = encodeHex(sha256(ARTIFACT));
export const SUBJECT: Subject = { digests: { sha256: DIGEST }, bytes: ARTIFACT };

export const KEYLESS: FlagRequirement = {
  role: 'any',
  signer: { kind: 'certificate', identity: exactly(TEST_IDENTITY.name), issuer: exactly(TEST_IDENTITY.issuer) },
  logs: 1,
  timestamps: 0,
  certificateLog: true,
  undated: 'refuse',
};
export const BY_KEY: FlagRequirement = { ...KEYLESS, signer: { kind: 'key' } };

/** A bundle, a layer of cosign's first generation, or a blob of any kind. */
export type TestEvidence = JsonObject | TestDocument;

export interface Question {
  readonly evidence: TestEvidence | readonly TestEvidence[];
  readonly anchors: Anchors;
  readonly requirement?: FlagRequirement;
  readonly subject?: Subject;
  readonly places?: readonly Place[];
  readonly now?: number;
  readonly memory?: ProofMemory;
}

export const FILE: Place = { name: 'file', where: 'the file', state: 'complete' };

export function proven({ evidence, anchors, subject = SUBJECT, places = [FILE], memory }: Question): ProvenFacts {
  const documents = (Array.isArray(evidence) ? (evidence as readonly TestEvidence[]) : [evidence as TestEvidence]).map((one) => {
    const { source, bytes } = asDocument(one);
    return readEvidence('file', source, bytes);
  });
  return prove({ subject, places, documents }, anchors, memory);
}

export function judged(question: Question): FlagDecision {
  return decideByFlags(proven(question), question.requirement ?? KEYLESS, { now: question.now ?? TEST_NOW, anchors: question.anchors });
}

/** The code of the answer: VERIFIED, or why not. */
export function answer(question: Question): string {
  return judged(question).code;
}

function asDocument(evidence: TestEvidence): TestDocument {
  const source: DocumentSource = { kind: 'bundle', annotations: {} };
  return isDocument(evidence) ? evidence : { source, bytes: utf8(JSON.stringify(evidence)) };
}

function isDocument(evidence: TestEvidence): evidence is TestDocument {
  return evidence['bytes'] instanceof Uint8Array;
}

/** Anchors of which those of one kind are changed, such as their windows. */
export function withAnchors<Kind extends keyof Anchors>(
  anchors: Anchors,
  kind: Kind,
  by: (anchor: Anchors[Kind][number]) => Partial<Anchors[Kind][number]>,
): Anchors {
  return { ...anchors, [kind]: anchors[kind].map((anchor) => ({ ...anchor, ...by(anchor) })) };
}
