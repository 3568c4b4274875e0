/**
 * How much of the time of prove() is cryptography: proofs per second on one core, against the bare node:crypto
 * operations that the same proof contains, and against @sigstore/verify.
 */
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { createVerdictCache, parsePublicKeyPem } from '../src/core/crypto/index.ts';
import type { Anchors } from '../src/core/trust/index.ts';
import { decideByFlags, type Evidence, type EvidenceDocument, type ProofMemory, prove, readEvidence, type Subject } from '../src/core/verify/index.ts';
import { type ConformanceCase, conformanceCases } from '../test/conformance/cases.ts';
import { anchorsFor, requirementFor, subjectOfFile } from '../test/conformance/judge-bundle.ts';
import { type Contender, race, ratio, type Timing } from './interleaved.ts';
import { type RecordedCrypto, recordCrypto } from './recorded-crypto.ts';
import type { Row } from './table.ts';

const CASES: readonly { readonly label: string; readonly folder: string; readonly digestOnly?: boolean }[] = [
  { label: 'v0.3', folder: 'happy-path-v0.3-new-mediaType' },
  { label: 'DSSE', folder: 'happy-path-intoto-in-dsse-v3' },
  { label: 'Rekor v2', folder: 'rekor2-happy-path' },
  { label: 'key', folder: 'managed-key-happy-path' },
  { label: 'v0.3 by digest', folder: 'happy-path-v0.3-new-mediaType', digestOnly: true },
];

/** Of the speed of the bare operations, at least. */
const GOAL = 0.85;
const WARM_UP = 5000;
const NOW = Date.now();

interface Prepared {
  readonly question: ConformanceCase['question'];
  readonly artifact: Uint8Array;
  readonly subject: Subject;
  readonly anchors: Anchors;
}

export function benchProve(seconds: number): Row[] {
  const cases = conformanceCases();
  return CASES.flatMap(({ label, folder, digestOnly }) => {
    const found = cases.find(({ name }) => name === folder);
    if (!found) throw new Error(`the vectors hold no case ${folder}`);
    const { question, artifact } = found;
    const whole = subjectOfFile(artifact);
    return benchCase(label, { question, artifact, anchors: anchorsFor(question), subject: digestOnly ? { digests: whole.digests } : whole }, seconds);
  });
}

function benchCase(label: string, prepared: Prepared, seconds: number): Row[] {
  const kept: ProofMemory = { certificates: createVerdictCache() };
  // What is measured is a server that has run for a while: every function has been compiled for speed by then.
  repeat(WARM_UP, () => prove(evidenceOf(prepared, read(prepared)), prepared.anchors, kept));
  return [benchMode(`prove ${label}, cold`, prepared, {}, seconds), benchMode(`prove ${label}, chains kept`, prepared, kept, seconds)];
}

function benchMode(what: string, prepared: Prepared, memory: ProofMemory, seconds: number): Row {
  const bare = recorded(prepared, memory);
  const [time, bareTime] = race([proving(prepared, memory), { run: (times) => repeat(times, bare.replay) }], seconds);
  const others = [{ run: (times: number) => repeat(times, () => read(prepared)) }, ...(prepared.subject.bytes ? [sigstoreVerify(prepared)] : [])];
  const [beside, reading, peer] = race([proving(prepared, memory), ...others], seconds / 2);
  if (!time || !bareTime || !beside || !reading) throw new Error('nothing was timed');
  return {
    what,
    value: ratio(bareTime, time),
    ...(prepared.subject.bytes ? { atLeast: GOAL } : {}),
    figures: [
      `${perSecond(time)}/s, bare ${perSecond(bareTime)}/s`,
      ...(peer ? [`${ratio(peer, beside).toFixed(1)}x @sigstore/verify`] : []),
      `reading ${(reading.mean * 1000).toFixed(0)} µs`,
      bare.summary,
    ].join('; '),
  };
}

function perSecond({ mean }: Timing): string {
  return (1000 / mean).toFixed(0);
}

function repeat(times: number, run: () => void): void {
  for (let i = 0; i < times; i++) run();
}

function read({ question }: Prepared): EvidenceDocument {
  return readEvidence('file', { kind: 'bundle', annotations: {} }, question.bundle);
}

function evidenceOf({ subject }: Prepared, document: EvidenceDocument): Evidence {
  return { subject, places: [{ name: 'file', where: 'the file', state: 'complete' }], documents: [document] };
}

/** With the whole judgement, because only the time of an accepted signature means anything. */
function proveOne(prepared: Prepared, document: EvidenceDocument, memory: ProofMemory): void {
  const facts = prove(evidenceOf(prepared, document), prepared.anchors, memory);
  const { code, finding } = decideByFlags(facts, requirementFor(prepared.question), { now: NOW, anchors: prepared.anchors });
  if (code !== 'VERIFIED') throw new Error(`the case does not verify: ${code} ${finding?.detail}`);
}

/** The second time, when the keys of the anchors have been read. */
function recorded(prepared: Prepared, memory: ProofMemory): RecordedCrypto {
  proveOne(prepared, read(prepared), memory);
  const document = read(prepared);
  return recordCrypto(() => proveOne(prepared, document, memory));
}

/** Every proof is of evidence that was just read, so nothing that a certificate keeps about itself is there already. */
function proving(prepared: Prepared, memory: ProofMemory): Contender {
  let evidence: Evidence[] = [];
  return {
    prepare: (times) => {
      evidence = Array.from({ length: times }, () => evidenceOf(prepared, read(prepared)));
    },
    run: () => {
      for (const one of evidence) prove(one, prepared.anchors, memory);
    },
  };
}

/** The same bundle under the same trusted root, both parsed beforehand. It keeps nothing between calls. */
function sigstoreVerify({ question, artifact }: Prepared): Contender {
  const { key, identity = '', issuer = '' } = question;
  const bundle = bundleFromJSON(JSON.parse(Buffer.from(question.bundle).toString()));
  const root = TrustedRoot.fromJSON(JSON.parse(Buffer.from(question.trustedRoot).toString()));
  const keyed = key === undefined ? undefined : { publicKey: parsePublicKeyPem(key).object, validFor: () => true };
  const verifier = new Verifier(toTrustMaterial(root, keyed && (() => keyed)));
  const policy = keyed ? {} : { subjectAlternativeName: identity, extensions: { issuer } };
  let entities: ReturnType<typeof toSignedEntity>[] = [];
  return {
    prepare: (times) => {
      entities = Array.from({ length: times }, () => toSignedEntity(bundle, Buffer.from(artifact)));
    },
    run: () => {
      for (const one of entities) verifier.verify(one, policy);
    },
  };
}
