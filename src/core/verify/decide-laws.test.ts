/** Laws of the decision, over policies, signatures and trust at random. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { A, B, by, dated, decided, LOG, NOW, of, one, OWN_LOG, policy, PQ, RSA, set, signature, signedBy, version } from '../../../test/hand-made.ts';
import type { Authority, Combination } from '../policy/index.ts';
import { KEY_TRANSITIONS, type KeyState } from '../trust/index.ts';
import { isSatisfied } from './combination.ts';
import type { SignatureFacts } from './facts.ts';

const IDS = [A, B, PQ, RSA];
const runs = { numRuns: 300 };
const leaf = fc.constantFrom(...IDS).map((id) => one(by(id)));
const group = fc.array(leaf, { minLength: 1, maxLength: 3 }).chain((parts) => fc.integer({ min: 1, max: parts.length }).map((count) => of(count, ...parts)));
const combination = fc
  .array(fc.oneof(leaf, group), { minLength: 1, maxLength: 4 })
  .chain((parts) => fc.integer({ min: 1, max: parts.length }).map((count) => of(count, ...parts)));
const time = fc.integer({ min: NOW - 20, max: NOW });
const signed = fc
  .tuple(fc.constantFrom(...IDS), fc.option(time, { nil: undefined }), fc.constantFrom(LOG.id, OWN_LOG.id), fc.boolean())
  .map(
    ([id, at, log, broken]): SignatureFacts =>
      signature(id, { times: at === undefined ? [] : [dated(at, log)], broken: broken ? [{ code: 'SIGNATURE_INVALID', detail: '' }] : [] }),
  );
const signatures = fc.array(signed, { maxLength: 5 });
const state = fc.constantFrom<KeyState>('active', 'suspended', 'retired', 'superseded', 'compromised', 'revoked-all');
const keys = fc
  .array(fc.tuple(fc.constantFrom(...IDS), state, time), { maxLength: 3 })
  .map((all) => all.map(([id, name, at]) => version(id, { state: name, suspendedAt: at, retiredAt: at, invalidFrom: at })));
const policies = fc.array(combination, { minLength: 1, maxLength: 3 }).map((all) => all.map((tree, at) => policy([signedBy(tree)], { name: `p${at}` })));
const allowed = (question: Parameters<typeof decided>[0]): boolean => decided(question).action === 'allow';
const said = (question: Parameters<typeof decided>[0]): string => {
  const { action, outcome, code, until } = decided(question);
  return JSON.stringify([action, outcome, code, until]);
};

describe('a decision', () => {
  it('never turns to allow by one more requirement, nor by one more policy', () => {
    fc.assert(
      fc.property(policies, combination, signatures, keys, fc.boolean(), (before, more, found, held, separate) => {
        const [first, ...rest] = before;
        const extra = { ...signedBy(more), name: 'more' };
        const after = separate
          ? [...before, policy([extra], { name: 'z' })]
          : [{ ...first, requirements: [...(first?.requirements ?? []), extra] } as (typeof before)[number], ...rest];
        const trust = { keys: held };
        if (!allowed({ policies: set(before), signatures: found, trust })) assert.ok(!allowed({ policies: set(after), signatures: found, trust }));
      }),
      runs,
    );
  });

  it('never turns to deny by one more signature', () => {
    fc.assert(
      fc.property(policies, signatures, signed, keys, (asked, found, more, held) => {
        const question = { policies: set(asked), trust: { keys: held } };
        if (allowed({ ...question, signatures: found })) assert.ok(allowed({ ...question, signatures: [...found, more] }));
      }),
      runs,
    );
  });

  it('never turns to allow by a revocation, a denial or any step of a key to less trust', () => {
    fc.assert(
      fc.property(policies, signatures, fc.constantFrom(...IDS), state, state, time, (asked, found, id, from, to, at) => {
        fc.pre(KEY_TRANSITIONS[from].includes(to) && !(from === 'suspended' && (to === 'active' || to === 'retired')));
        const dates = { retiredAt: at, suspendedAt: at, invalidFrom: at };
        const question = { policies: set(asked), signatures: found };
        const before = allowed({ ...question, trust: { keys: [version(id, { state: from, ...dates })] } });
        if (!before) assert.ok(!allowed({ ...question, trust: { keys: [version(id, { state: to, ...dates })] } }));
        if (!before)
          assert.ok(
            !allowed({
              ...question,
              trust: { keys: [version(id, { state: from, ...dates })], denials: [{ id: 'd', kind: 'key', key: id, reason: '', addedAt: 0 }] },
            }),
          );
      }),
      runs,
    );
  });

  it('is the same in any order of policies, signatures, parts and keys, and each time', () => {
    fc.assert(
      fc.property(policies, signatures, keys, (asked, found, held) => {
        const question = { policies: set(asked), signatures: found, trust: { keys: held } };
        const turned = {
          policies: set(
            asked
              .map((other) => ({
                ...other,
                requirements: other.requirements.map((one) => (one.kind === 'signatures' ? { ...one, combination: reversed(one.combination) } : one)),
              }))
              .reverse(),
          ),
          signatures: [...found].reverse(),
          trust: { keys: [...held].reverse() },
        };
        assert.equal(said(turned), said(question));
        assert.equal(said(question), said(question));
        assert.deepEqual(decided(question).policies, decided(question).policies);
      }),
      runs,
    );
  });

  it('holds until the moment that it names, by time alone', () => {
    fc.assert(
      fc.property(policies, signatures, keys, fc.integer({ min: 0, max: 2000 }), (asked, found, held, later) => {
        const question = { policies: set(asked), signatures: found, trust: { keys: held } };
        const { until, action, code } = decided(question);
        if (NOW + later >= until) return;
        const then = decided({ ...question, request: { now: NOW + later } });
        assert.deepEqual([then.action, then.code], [action, code]);
      }),
      runs,
    );
  });
});

function reversed(tree: Combination): Combination {
  return tree.kind === 'authority' ? tree : { ...tree, of: tree.of.map(reversed).reverse() };
}

/** By trying everything: each part a principal of its own, or none. */
function bruteForce(tree: Combination, signersOf: (authority: Authority) => readonly string[]): boolean {
  const used = (part: Combination, taken: ReadonlySet<string>): ReadonlySet<string>[] => {
    if (part.kind === 'authority')
      return signersOf(part.authority)
        .filter((one) => !taken.has(one))
        .map((one) => new Set([...taken, one]));
    const choose = (at: number, left: number, now: ReadonlySet<string>): ReadonlySet<string>[] => {
      if (left === 0) return [now];
      if (at === part.of.length) return [];
      return [...used(part.of[at] as Combination, now).flatMap((next) => choose(at + 1, left - 1, next)), ...choose(at + 1, left, now)];
    };
    return choose(0, part.count, taken);
  };
  return used(tree, new Set()).length > 0;
}

describe('a threshold', () => {
  it('is met exactly when distinct signers can be given to its parts', () => {
    const people = fc.array(fc.constantFrom('v', 'w', 'x', 'y', 'z'), { maxLength: 4 });
    fc.assert(
      fc.property(combination, fc.tuple(people, people, people, people), (tree, signers) => {
        const signersOf = (authority: Authority): readonly string[] => [
          ...new Set(signers[IDS.indexOf(authority.kind === 'key' ? (authority.anchors[0] as string) : '')]),
        ];
        assert.equal(isSatisfied(tree, signersOf), bruteForce(tree, signersOf));
      }),
      { numRuns: 2000 },
    );
  });
});
