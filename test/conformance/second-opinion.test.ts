/**
 * Sigstore's JavaScript client (@sigstore/verify with @sigstore/bundle) is asked the same questions. Every kind of
 * question on which the two differ stands here with the reason; a difference that is not explained fails.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { requireVectors, vectorsPath } from '../vectors.ts';
import { conformanceCases } from './cases.ts';
import { FREE_CHANGES } from './free-changes.ts';
import { judgeBundle, subjectOfFile } from './judge-bundle.ts';
import { acceptedCases, type JudgedCase, judgeCase } from './judged-case.ts';
import { MUTATIONS } from './mutations.ts';
import { seededRandom } from './random.ts';
import { secondOpinion } from './second-opinion.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);

/** Cases that it accepts and we refuse. */
const CASES: Readonly<Record<string, string>> = {
  'trust-root-tlog-missing-validity-start_fail': 'It takes a log without a start of validity for one that was trusted since 1970.',
};

/** Changes that it does not notice; each is refused here. */
const UNNOTICED: Readonly<Record<string, string>> = {
  'a bit of the certificate': 'It does not read the tag of the certificate, the outer name of its signature algorithm and the unused bits of its signature.',
  'a bit of a timestamp': 'It does not read frames of the token that are not signed, such as the version and the announced digest algorithms.',
  'a character of the log’s signature line': 'Its base64 is lax: bits after the last byte may be anything.',
  'the index of the entry': 'Where no promise signs it, it never compares the entry’s index with that of the proof.',
  'the tree size beside the checkpoint': 'It takes the size from the checkpoint and never looks at the copy beside it.',
  'a bit of the root hash beside the checkpoint': 'It takes the root from the checkpoint and never looks at the copy beside it.',
  'the artifact of another case': 'It does not compare the subject of a statement with anything; that is left to its callers.',
  'another digit of the digest': 'It does not compare the subject of a statement with anything; that is left to its callers.',
};

/** Spellings that it refuses; each is the same document to us. */
const UNREAD: Readonly<Record<string, string>> = {
  'names in snake_case': 'It reads only the camelCase names, though proto3 JSON has parsers accept both.',
  'a bare token in place of a response': 'It reads tokens only inside a TimeStampResp, as Sigstore’s signers write them.',
};

function ask(of: JudgedCase, trustedRoot: Uint8Array, text: string = JSON.stringify(of.bundle)): boolean {
  const artifact = of.subject.bytes ?? new Uint8Array();
  return secondOpinion({ bundle: new TextEncoder().encode(text), trustedRoot, artifact, ...of.who }) === 'accepted';
}

function trustedRoots(): (of: JudgedCase) => Uint8Array {
  const roots = new Map(conformanceCases().map(({ name, question }) => [name, question.trustedRoot]));
  const publicGood = readFileSync(vectorsPath('trusted_root.public-good.json'));
  return ({ name }) => roots.get(name) ?? publicGood;
}

function judged(question: Parameters<typeof judgeBundle>[0]): boolean {
  try {
    return judgeBundle(question).outcome === 'verified';
  } catch {
    return false; // a key or a root that cannot be read
  }
}

describe('Sigstore’s JavaScript client', () => {
  it('agrees on every conformance case but those that are explained', (t) => {
    if (!requireVectors(t)) return;
    const differing = conformanceCases().filter(({ artifact, question }) => {
      const ours = judged({ ...question, subject: subjectOfFile(artifact) });
      return (secondOpinion({ ...question, artifact }) === 'accepted') !== ours;
    });
    assert.deepEqual(
      differing.map(({ name }) => name),
      Object.keys(CASES),
    );
  });

  it('agrees on every bundle of sigstore-js', (t) => {
    if (!requireVectors(t)) return;
    const rootOf = trustedRoots();
    for (const example of acceptedCases()) assert.ok(ask(example, rootOf(example)), example.name);
  });

  it('refuses every mutant too, but those of kinds that are explained', (t) => {
    if (!requireVectors(t)) return;
    const rootOf = trustedRoots();
    const cases = acceptedCases();
    const accepted = new Map<string, string>();
    for (const { name, apply } of MUTATIONS) {
      for (let number = 0; number < (TORTURE ? 300 : 4); number++) {
        const random = seededRandom(7919 * number + name.length);
        const mutant = { ...random.pick(cases) };
        mutant.bundle = structuredClone(mutant.bundle);
        if (apply(mutant, random, random.pick(cases)) && ask(mutant, rootOf(mutant))) accepted.set(name, mutant.name);
      }
    }
    const unexplained = [...accepted].filter(([name]) => !Object.hasOwn(UNNOTICED, name));
    assert.deepEqual(unexplained, []);
    if (TORTURE) assert.deepEqual([...accepted.keys()].toSorted(), Object.keys(UNNOTICED).toSorted(), 'every explanation is needed');
    for (const name of Object.keys(UNNOTICED))
      assert.ok(
        MUTATIONS.some((mutation) => mutation.name === name),
        name,
      );
  });

  it('accepts every other spelling too, but those that are explained', (t) => {
    if (!requireVectors(t)) return;
    const rootOf = trustedRoots();
    const refused = new Set<string>();
    for (const { name, apply } of FREE_CHANGES) {
      for (const original of acceptedCases().filter((_, at) => TORTURE || at % 5 === name.length % 5)) {
        const mutant = { ...original, bundle: structuredClone(original.bundle) };
        const text = apply(mutant, seededRandom(name.length));
        if (text === undefined) continue;
        assert.equal(judgeCase(mutant, text).decision.code, 'VERIFIED');
        if (!ask(mutant, rootOf(mutant), text)) refused.add(name);
      }
    }
    assert.deepEqual([...refused].toSorted(), Object.keys(UNREAD).toSorted());
  });
});
