/** Accepted cases, taken apart so that each part can be changed and judged again. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBundle } from '../../src/core/bundle/index.ts';
import { createVerdictCache, fulcioClaims } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import type { Anchors } from '../../src/core/trust/index.ts';
import { type FlagDecision, decideByFlags, type ProvenFacts, type ProofMemory, prove, readEvidence, type Subject } from '../../src/core/verify/index.ts';
import { vectorsPath } from '../vectors.ts';
import { type BundleJson, parseBundleJson } from './bundle-json.ts';
import { conformanceCases } from './cases.ts';
import { anchorsFor, type BundleQuestion, requirementFor, subjectOfFile } from './judge-bundle.ts';

export interface JudgedCase {
  readonly name: string;
  readonly bundle: BundleJson;
  readonly subject: Subject;
  readonly anchors: Anchors;
  readonly who: Pick<BundleQuestion, 'key' | 'identity' | 'issuer'>;
}

/** Those of sigstore-conformance, and the bundles of sigstore-js with what they say of themselves. */
export function acceptedCases(): JudgedCase[] {
  const conformance = conformanceCases().filter(({ accept }) => accept);
  return [
    ...conformance.map(({ name, artifact, question }) => {
      const { key, identity, issuer } = question;
      return {
        name,
        bundle: parseBundleJson(new TextDecoder().decode(question.bundle)),
        subject: subjectOfFile(artifact),
        anchors: anchorsFor(question),
        who: key === undefined ? { identity: identity ?? '', issuer: issuer ?? '' } : { key },
      };
    }),
    ...bundlesOfSigstoreJs(),
  ];
}

function bundlesOfSigstoreJs(): JudgedCase[] {
  const suite = vectorsPath('sigstore-js-bundles');
  const anchors = anchorsFor({ trustedRoot: readFileSync(vectorsPath('trusted_root.public-good.json')) });
  return readdirSync(suite)
    .filter((name) => name.endsWith('.sigstore'))
    .map((name) => {
      const bytes = readFileSync(join(suite, name));
      const { certificate, claim } = parseBundle(bytes);
      if (!certificate || claim.kind !== 'statement') throw new Error(`${name} is not what it was`);
      return {
        name,
        bundle: parseBundleJson(bytes.toString()),
        subject: { digests: claim.statement.subjects[0]?.digest ?? {} },
        anchors,
        who: { identity: certificate.leaf.subjectAlternativeNames[0]?.value ?? '', issuer: fulcioClaims(certificate.leaf).issuer ?? '' },
      };
    });
}

/** Chains of the same authorities are judged thousands of times; what is kept of them must not change an answer. */
const memory: ProofMemory = { certificates: createVerdictCache() };
const PLACES = [{ name: 'file', where: 'the file', state: 'complete' }] as const;

/** @param text the bundle's JSON, where its spelling matters. */
export function judgeCase(
  { bundle, subject, anchors, who }: JudgedCase,
  text: string = JSON.stringify(bundle),
): { readonly decision: FlagDecision; readonly facts: ProvenFacts } {
  const documents = [readEvidence('file', { kind: 'bundle', annotations: {} }, utf8(text))];
  const facts = prove({ subject, places: PLACES, documents }, anchors, memory);
  return { facts, decision: decideByFlags(facts, requirementFor(who), { now: Date.UTC(2026, 10, 1), anchors }) };
}
