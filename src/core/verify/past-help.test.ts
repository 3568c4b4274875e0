/** What no evidence could lift any more is said at once, whoever does not answer; and nothing else is. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  A,
  attested,
  B,
  by,
  CA,
  type Case,
  certified,
  dated,
  decided,
  exception,
  identity,
  KEYS,
  LOG,
  NOW,
  of,
  one,
  OWN_LOG,
  policy,
  set,
  signature,
  signedBy,
  version,
} from '../../../test/hand-made.ts';
import type { ImagePolicy, Requirement } from '../policy/index.ts';
import type { Denial, KeyState, KeyVersion } from '../trust/index.ts';
import type { PlaceState, SignatureFacts } from './facts.ts';

const down: PlaceState = { name: 'sig-tag', where: 'the tag', state: 'unavailable', cause: { code: 'ERR_REGISTRY_UNREACHABLE', message: 'down', hint: '' } };
const silent = { places: [down] };
const answer = (question: Case): string => {
  const { action, outcome, code, isSettled } = decided({ facts: silent, ...question });
  return `${action} ${outcome} ${code}${isSettled ? ', settled' : ''}`;
};
const under = (requirement: Requirement, more: Partial<ImagePolicy> = {}) => set([policy([requirement], more)]);
const keyDenied = (anchor: string): Denial[] => [
  { id: 'd1', kind: 'key', key: KEYS.find(({ id }) => id === anchor)?.key.fingerprint ?? '', reason: 'stolen', addedAt: 0 },
];
const keys = (state: KeyState, anchor = A): KeyVersion[] => [version(anchor, { state, reason: 'stolen', invalidFrom: NOW - 5 })];

describe('a key that nothing can rescue', () => {
  it('is told of at once, also where its registry does not answer', () => {
    const found = { signatures: [signature(A)] };
    assert.equal(answer({ ...found, trust: { keys: keys('compromised') } }), 'deny rejected KEY_COMPROMISED, settled');
    assert.equal(answer({ ...found, trust: { keys: keys('revoked-all') } }), 'deny rejected KEY_REVOKED, settled');
    assert.equal(answer({ ...found, trust: { denials: keyDenied(A) } }), 'deny rejected DENIED, settled');
    assert.equal(answer({ ...found, trust: { keys: [version(A, { role: 'timestamp-authority' })] } }), 'deny rejected KEY_MISMATCH, settled');
    assert.match(decided({ facts: silent, ...found, trust: { keys: keys('compromised') } }).message, /release\/1 is compromised \(stolen\)/);
  });

  it('is the reason whatever is known of the image: whoever knows less says the same', () => {
    for (const signatures of [[], [signature(A)], [signature(B)], [certified('maria')]])
      for (const facts of [silent, {}]) assert.equal(answer({ facts, signatures, trust: { keys: keys('revoked-all') } }), 'deny rejected KEY_REVOKED, settled');
    assert.match(decided({ facts: silent, trust: { denials: keyDenied(A) } }).message, /d1 of 1970-01-01T00:00:00.000Z: stolen/);
  });

  it('counts for nothing where something was admitted before, signed or not: no signature more makes it stricter', () => {
    const policies = under(signedBy(one(by(A))), { onInconclusive: 'allow-admitted-before' });
    const question = { policies, request: { admittedBefore: true } };
    assert.equal(answer(question), 'allow inconclusive ERR_REGISTRY_UNREACHABLE');
    for (const signatures of [[], [signature(A)], [signature(B)]])
      assert.match(answer({ ...question, signatures, trust: { keys: keys('compromised') } }), /^deny rejected .*, settled$/);
  });
});

describe('what more evidence could lift', () => {
  const found = { signatures: [signature(A)] };
  const OPEN = 'deny inconclusive ERR_REGISTRY_UNREACHABLE';

  it('is open: a date from before, another key, another signer of several', () => {
    for (const state of ['superseded', 'suspended', 'retired'] as const) assert.equal(answer({ ...found, trust: { keys: keys(state) } }), OPEN, state);
    const witnessed = under(signedBy(one(by(A))), { strictness: { compromised: 'accept-witnessed' } as ImagePolicy['strictness'] });
    assert.equal(answer({ ...found, policies: witnessed, trust: { keys: keys('compromised') } }), OPEN);
    assert.equal(answer({ ...found, policies: under(signedBy(of(1, one(by(A)), one(by(B))))), trust: { keys: keys('revoked-all') } }), OPEN);
    const both = under(signedBy(of(2, one(by(A)), one(by(B)))));
    assert.equal(answer({ ...found, policies: both, trust: { keys: keys('revoked-all') } }), 'deny rejected KEY_REVOKED, settled');
    const half = { signatures: [signature(B)], policies: both, trust: { keys: keys('revoked-all') } };
    assert.equal(answer(half), 'deny rejected KEY_REVOKED, settled');
    const open = { ...half, trust: {} };
    assert.match(decided({ facts: silent, ...open }).message, /no place that answered holds another/);
    assert.match(decided(open).message, /nobody else signed/);
    const anyTwo = { ...found, policies: under(signedBy(of(2, one(by(A)), one(by(B)), one(identity('maria'))))), trust: { keys: keys('revoked-all') } };
    assert.equal(answer(anyTwo), OPEN);
  });

  it('is open: a signature or a run that is denied, and not its key; a key that trust does not know', () => {
    const [denied] = found.signatures;
    const denials: Denial[] = [{ id: 'd1', kind: 'signature', document: denied?.document ?? '', reason: 'by mistake', addedAt: 0 }];
    assert.equal(answer({ ...found, trust: { denials } }), OPEN);
    const { isSettled, code } = decided({ ...found, trust: { denials } });
    assert.deepEqual([code, isSettled], ['DENIED', false], 'when every place answered, too: somebody may sign again');
    assert.equal(answer({ policies: under(signedBy(one(by('e'.repeat(64))))) }), OPEN);
  });

  it('is asked of certificate authorities and of attestations alike', () => {
    const authority = keys('revoked-all', CA).map((one) => ({ ...one, role: 'certificate-authority' as const }));
    const byMaria = under(signedBy(one(identity('maria'))));
    assert.equal(answer({ signatures: [certified('maria')], policies: byMaria, trust: { keys: authority } }), 'deny rejected KEY_REVOKED, settled');
    assert.equal(answer({ signatures: [certified('maria')], policies: byMaria, trust: { keys: keys('revoked-all') } }), 'allow verified VERIFIED');
    const scan = (...from: string[]): Requirement => ({
      name: 'scan',
      kind: 'attestation',
      predicateTypes: ['https://scan.test/v1'],
      from: from.map((id) => by(id)),
      atLeast: 1,
      conditions: [],
    });
    const attestations = { signatures: [attested(A, 's')], trust: { keys: keys('revoked-all') } };
    assert.equal(answer({ ...attestations, policies: under(scan(A)) }), 'deny rejected KEY_REVOKED, settled');
    assert.equal(answer({ ...attestations, policies: under(scan(A, B)) }), OPEN);
  });

  it('is nothing that only warns, that an exception excuses, or that one of several policies asks for', () => {
    const lost = { ...found, trust: { keys: keys('revoked-all') } };
    assert.equal(answer({ ...lost, policies: under(signedBy(one(by(A))), { mode: 'warn' }) }), 'warn rejected KEY_REVOKED, settled');
    assert.equal(answer({ ...lost, policies: { ...under(signedBy(one(by(A)))), exceptions: [exception()] } }), 'allow verified EXCEPTED');
    const second = set([policy([signedBy(one(by(B)))], { name: 'b' }), policy([signedBy(one(by(A)))], { name: 'a' })]);
    assert.equal(answer({ ...lost, policies: second }), 'deny rejected KEY_REVOKED, settled', 'each policy must be satisfied');
  });
});

describe('a settled denial', () => {
  const met: Record<string, number> = {};
  after(() => assert.ok((met['settled'] ?? 0) > 50 && (met['open'] ?? 0) > 50, JSON.stringify(met)));

  it('stays one whatever is found, whoever answers', () => {
    const id = fc.constantFrom(A, B);
    const authority = fc.oneof(
      id.map((anchor) => by(anchor)),
      fc.constant(identity('maria')),
    );
    const requirement: fc.Arbitrary<Requirement> = fc.oneof(
      fc
        .array(authority, { minLength: 1, maxLength: 3 })
        .chain((all) => fc.integer({ min: 1, max: all.length }).map((count) => signedBy(of(count, ...all.map(one))))),
      fc.array(id, { minLength: 1, maxLength: 2 }).map(
        (from): Requirement => ({
          name: 'scan',
          kind: 'attestation',
          predicateTypes: ['https://scan.test/v1'],
          from: from.map((one) => by(one)),
          atLeast: 1,
          conditions: [],
        }),
      ),
    );
    const times = fc
      .array(fc.tuple(fc.integer({ min: NOW - 9, max: NOW }), fc.constantFrom(LOG.id, OWN_LOG.id)), { maxLength: 2 })
      .map((all) => all.map(([at, log]) => dated(at, log)));
    const signed: fc.Arbitrary<SignatureFacts> = fc.oneof(
      fc.tuple(id, times).map(([anchor, at]) => signature(anchor, { times: at })),
      times.map((at) => certified('maria', {}, { times: at })),
      fc.tuple(id, times).map(([anchor, at]) => attested(anchor, 's', { times: at })),
    );
    const state = fc.constantFrom<KeyState>('active', 'retired', 'superseded', 'compromised', 'revoked-all');
    const held = fc
      .array(fc.tuple(fc.constantFrom(A, B, CA), state), { maxLength: 3 })
      .map((all) =>
        all.map(([anchor, name]) => version(anchor, { state: name, invalidFrom: NOW - 5, ...(anchor === CA ? { role: 'certificate-authority' } : {}) })),
      );
    const denials = fc.option(id, { nil: undefined, freq: 3 }).map((anchor) => (anchor === undefined ? [] : keyDenied(anchor)));
    const policies = fc.array(fc.tuple(requirement, fc.constantFrom<'deny' | 'accept-witnessed'>('deny', 'accept-witnessed')), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(policies, held, denials, fc.array(signed, { maxLength: 3 }), fc.array(signed, { maxLength: 6 }), (asked, known, denied, before, more) => {
        const question = {
          policies: set(asked.map(([wanted, compromised], at) => policy([wanted], { name: `p${at}`, strictness: { compromised } }))),
          trust: { keys: known, denials: denied },
        };
        const first = decided({ ...question, signatures: before, facts: silent });
        const kind = first.isSettled ? 'settled' : 'open';
        met[kind] = (met[kind] ?? 0) + 1;
        if (!first.isSettled) return;
        // What is worked out beforehand is what comes out of the signatures.
        assert.ok(first.policies.some(({ requirements }) => requirements.some(({ outcome }) => outcome !== 'verified')));
        for (const facts of [silent, {}]) {
          const then = decided({ ...question, signatures: [...before, ...more], facts });
          assert.deepEqual([then.action, then.code, then.message], ['deny', first.code, first.message]);
          assert.ok(then.policies.some(({ requirements }) => requirements.some(({ outcome }) => outcome !== 'verified')));
        }
      }),
      { numRuns: 500 },
    );
  });
});
