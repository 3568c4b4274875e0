/** The law of policies that nobody signed: whatever they say, the answer is never milder than without them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { A, B, by, decided, EVERYWHERE, of, one, policy, PQ, set, signature, signedBy, text } from '../../../test/hand-made.ts';
import type { ImagePolicy } from '../policy/index.ts';

const MILD_FIRST = ['allow', 'warn', 'deny'] as const;
const anchor = fc.constantFrom(A, B, PQ);
const mode = fc.constantFrom('enforce', 'warn', 'audit' as const);
const spoken = fc
  .record({
    anchors: fc.array(anchor, { minLength: 1, maxLength: 2 }),
    mode,
    onInconclusive: fc.constantFrom('deny', 'allow-admitted-before' as const),
    namespace: fc.constantFrom('shop', 'bank'),
  })
  .map(({ anchors, namespace, ...more }) => ({ requirement: signedBy(of(1, ...anchors.map((id) => one(by(id))))), namespace, more }));
const signedPolicies = fc
  .array(fc.tuple(spoken, fc.boolean()), { maxLength: 3 })
  .map((all): ImagePolicy[] =>
    all.map(([{ requirement, namespace, more }, wide], at) =>
      policy([requirement], { ...more, name: `p${at}`, ...(wide ? {} : { scope: { ...EVERYWHERE, namespaces: [text(namespace)] } }) }),
    ),
  );
const unsigned = fc
  .array(spoken, { minLength: 1, maxLength: 3 })
  .map((all): ImagePolicy[] => all.map(({ requirement, namespace, more }, at) => policy([requirement], { ...more, name: `n${at}`, namespace })));

describe('policies of namespaces', () => {
  it('never make an answer milder, wherever the image is to run and whatever the default is', () => {
    fc.assert(
      fc.property(
        signedPolicies,
        unsigned,
        fc.array(anchor, { maxLength: 2 }),
        fc.option(fc.constantFrom('shop', 'bank', 'other'), { nil: undefined }),
        fc.constantFrom(...MILD_FIRST),
        fc.boolean(),
        fc.boolean(),
        (held, more, signers, namespace, action, admittedBefore, complete) => {
          const defaultRule = { action, stated: true };
          const facts = complete ? {} : { places: [{ name: 'referrers-api', where: 'r', state: 'unavailable', reason: 'x' } as const] };
          const question = {
            facts,
            signatures: signers.map((id) => signature(id)),
            request: { place: namespace === undefined ? {} : { namespace }, admittedBefore },
          };
          const before = decided({ ...question, policies: set(held, { defaultRule }) });
          const after = decided({ ...question, policies: set([...held, ...more], { defaultRule }) });
          assert.ok(MILD_FIRST.indexOf(after.action) >= MILD_FIRST.indexOf(before.action), `${before.action} became ${after.action}`);
        },
      ),
      { numRuns: 500 },
    );
  });
});
