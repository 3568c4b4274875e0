/**
 * Accepted cases, changed. A change to anything that is authenticated is refused, for the right reason; a change to what
 * nothing authenticates changes neither outcome nor fact.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeBase64, encodeBase64 } from '../../src/core/encoding/index.ts';
import { FREE_CHANGES } from './free-changes.ts';
import { requireVectors } from '../vectors.ts';
import { factsText } from './facts-text.ts';
import { acceptedCases, type JudgedCase, judgeCase } from './judged-case.ts';
import { type Mutant, type Mutation, MUTATIONS } from './mutations.ts';
import { seededRandom } from './random.ts';
import { unauthenticatedBytes } from './token-regions.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);
/** SEALWARD_SEED tries others; a failure names the seed of its mutant. */
const SEED = Number(process.env['SEALWARD_SEED'] ?? 20_261_101);
const MUTANTS = TORTURE ? 100_000 : 1000;

let kept: readonly JudgedCase[] | undefined;
function cases(): readonly JudgedCase[] {
  kept ??= acceptedCases();
  return kept;
}

function mutantOf(original: JudgedCase): Mutant {
  return { ...original, bundle: structuredClone(original.bundle) };
}

describe('mutants', () => {
  it('are made from cases that are accepted as they are', (t) => {
    if (!requireVectors(t)) return;
    assert.equal(cases().length, 30);
    for (const original of cases()) assert.equal(judgeCase(original).decision.code, 'VERIFIED', original.name);
  });

  it(`are refused, each for the right reason: ${MUTANTS} of them`, (t) => {
    if (!requireVectors(t)) return;
    const wrong: string[] = [];
    const made = new Map<string, number>();
    for (let number = 0, count = 0; count < MUTANTS; number++) {
      const random = seededRandom(SEED + number);
      const mutation = MUTATIONS[number % MUTATIONS.length] as Mutation;
      const original = random.pick(cases());
      const mutant = mutantOf(original);
      if (!mutation.apply(mutant, random, random.pick(cases()))) continue;
      count++;
      made.set(mutation.name, (made.get(mutation.name) ?? 0) + 1);
      const { outcome, code, finding } = judgeCase(mutant).decision;
      if (outcome === 'rejected' && (mutation.reasons as readonly string[]).includes(code)) continue;
      wrong.push(`seed ${SEED + number}: ${original.name}: ${mutation.name}: ${code} (${finding?.detail ?? ''})`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      MUTATIONS.map(({ name }) => name).filter((name) => !made.has(name)),
      [],
      'every change was made at least once',
    );
  });
});

describe('what nothing authenticates', () => {
  for (const { name, apply } of FREE_CHANGES) {
    it(`changes no outcome and no fact: ${name}`, (t) => {
      if (!requireVectors(t)) return;
      let made = 0;
      for (const original of cases()) {
        const before = judgeCase(original);
        for (let number = 0; number < (TORTURE ? 20 : 2); number++) {
          const mutant = mutantOf(original);
          const text = apply(mutant, seededRandom(SEED + number));
          if (text === undefined) continue;
          made++;
          const after = judgeCase(mutant, text);
          assert.equal(after.decision.code, 'VERIFIED', `${original.name}: ${after.decision.finding?.detail}`);
          assert.equal(factsText(after.facts), factsText(before.facts), original.name);
        }
      }
      assert.ok(made > 0, 'the change was made at least once');
    });
  }
});

describe('timestamp tokens', () => {
  /** Bytes of a token, one bit of each; under torture every byte and every bit. */
  function* damagedTokens(token: Uint8Array, step: number): Generator<{ readonly at: number; readonly bytes: Uint8Array }> {
    for (let at = SEED % step; at < token.length; at += TORTURE ? 1 : step) {
      for (const bit of TORTURE ? [0, 1, 2, 3, 4, 5, 6, 7] : [(at * 5) % 8]) {
        const bytes = new Uint8Array(token);
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        yield { at, bytes };
      }
    }
  }

  // A key needs no time, a promise gives one, and in the second generation nothing else does: a damaged token is refused in all three.
  const EXAMPLES: readonly (readonly [name: string, step: number])[] = [
    ['managed-key-happy-path', 2],
    ['intoto-with-custom-trust-root', 1],
    ['rekor2-happy-path', 7],
    ['rekor2-timestamp-with-embedded-cert', 7],
  ];
  for (const [name, step] of EXAMPLES) {
    it(`are refused when a byte that is signed was changed: ${name}`, (t) => {
      if (!requireVectors(t)) return;
      const original = cases().find((example) => example.name === name) as JudgedCase;
      const before = factsText(judgeCase(original).facts);
      const mutant = mutantOf(original);
      const holder = mutant.bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps?.[0];
      assert.ok(holder);
      const token = decodeBase64(holder.signedTimestamp);
      const free = unauthenticatedBytes(token);
      for (const { at, bytes } of damagedTokens(token, step)) {
        holder.signedTimestamp = encodeBase64(bytes);
        const { decision, facts } = judgeCase(mutant);
        if (free.has(at) && decision.code === 'VERIFIED') assert.equal(factsText(facts), before, `byte ${at}`);
        else if (free.has(at)) assert.match(decision.code, /^TIMESTAMP_(INVALID|UNTRUSTED)$/, `byte ${at}`);
        else assert.equal(decision.code, 'TIMESTAMP_INVALID', `byte ${at}`);
      }
    });
  }
});
