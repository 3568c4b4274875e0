/** Key states where dates are missing, keys stand under several names, or somebody dates who is not independent. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  A,
  B,
  by,
  CA,
  certified,
  code,
  dated,
  decided,
  identity,
  LOG,
  NOW,
  one,
  OWN_LOG,
  policy,
  set,
  signature,
  signedBy,
  version,
} from '../../../test/hand-made.ts';
import type { Strictness } from '../policy/index.ts';
import type { KeyVersion } from '../trust/index.ts';
import type { TimeFact } from './facts.ts';

const DAY = 86_400_000;
const T = NOW - 10 * DAY;
const stamped = (at: number, more: Partial<TimeFact> = {}): TimeFact => ({ anchor: 'e'.repeat(64), by: 'timestamp-authority', at, from: at, to: at, ...more });
const answer = (keys: readonly KeyVersion[], times: readonly TimeFact[], strictness: Partial<Strictness> = {}) =>
  code({ signatures: [signature(A, { times })], policies: set([policy([signedBy(one(by(A)))], { strictness })]), trust: { keys } });
const legacy = { compromised: 'accept-witnessed', suspended: 'warn' } as const;

describe('a key without the date of its state', () => {
  it('has been in it since it counts at all', () => {
    const since = (state: KeyVersion['state'], times: readonly TimeFact[], from: number) => answer([version(A, { state, window: { from } })], times, legacy);
    for (const state of ['suspended', 'superseded', 'compromised'] as const) {
      assert.match(since(state, [dated(T)], T), /^KEY_(SUSPENDED|SUPERSEDED|COMPROMISED)$/);
      assert.equal(since(state, [dated(T - 1)], T), 'KEY_NOT_ACTIVE');
    }
    assert.equal(since('retired', [dated(T)], T), 'VERIFIED');
    assert.equal(since('retired', [dated(T + 1)], T), 'KEY_RETIRED');
    assert.equal(since('retired', [], T), 'KEY_RETIRED');
  });
});

describe('whoever dates', () => {
  const keys = (operator?: string) => {
    const { operator: _, ...rest } = version(A, { state: 'superseded', invalidFrom: T });
    return [operator === undefined ? rest : { ...rest, operator }];
  };

  it('must be somebody else than the operator of the key', () => {
    assert.equal(answer(keys('release.test'), [dated(T - 1)]), 'VERIFIED');
    assert.equal(answer(keys('log.test'), [dated(T - 1)]), 'KEY_SUPERSEDED');
    assert.equal(answer(keys('release.test'), [dated(T - 1, OWN_LOG.id)]), 'KEY_SUPERSEDED');
    assert.equal(answer(keys('release.test'), [dated(T - 1, OWN_LOG.id), dated(T - 1)]), 'VERIFIED', 'one of several is enough');
    assert.equal(answer(keys(), [dated(T - 1, OWN_LOG.id)]), 'VERIFIED', 'of a key without an operator every party is another');
  });

  it('never is the key itself, as a log or behind a timestamp', () => {
    const self = { ...version(LOG.id, { role: 'log' }) };
    const party = (times: readonly TimeFact[]) => answer([self, ...keys()], times);
    assert.equal(party([dated(T - 1)]), 'VERIFIED');
    const own = (time: TimeFact) => answer(keys(), [time]);
    assert.equal(own({ ...dated(T - 1), principal: A }), 'KEY_SUPERSEDED');
    assert.equal(own({ ...dated(T - 1), principal: B }), 'VERIFIED');
  });

  it('that is no log is no witness of a key that was stolen', () => {
    const stolen = [version(A, { state: 'compromised', invalidFrom: T })];
    const timestamp = { ...dated(T - 1), by: 'timestamp-authority' } as const;
    assert.equal(answer(stolen, [timestamp], legacy), 'KEY_COMPROMISED');
    assert.equal(answer(stolen, [timestamp, dated(T - 1)], legacy), 'VERIFIED');
    assert.equal(answer(stolen, [timestamp, dated(T)], legacy), 'KEY_COMPROMISED');
    assert.equal(answer(stolen, [stamped(T - 1)], legacy), 'KEY_COMPROMISED');
  });
});

describe('of several times', () => {
  it('the earliest counts, in any order', () => {
    const retired = [version(A, { state: 'retired', retiredAt: T })];
    for (const times of [
      [dated(T), dated(T + 1, OWN_LOG.id)],
      [dated(T + 1, OWN_LOG.id), dated(T)],
      [dated(T + 2), dated(T, OWN_LOG.id), dated(T + 1)],
    ])
      assert.equal(answer(retired, times), 'VERIFIED');
    assert.equal(answer(retired, [dated(T + 2), dated(T + 1, OWN_LOG.id)]), 'KEY_RETIRED');
    const young = [version(A, { window: { from: T } })];
    assert.equal(answer(young, [dated(T), dated(T - 1, OWN_LOG.id)]), 'KEY_NOT_ACTIVE');
  });

  it('it is the upper end of the interval that is compared', () => {
    const time = { ...dated(T - 2), from: T - 2, to: T };
    assert.equal(answer([version(A, { state: 'superseded', invalidFrom: T })], [time]), 'KEY_SUPERSEDED');
    assert.equal(answer([version(A, { state: 'superseded', invalidFrom: T + 1 })], [time]), 'VERIFIED');
    assert.equal(answer([version(A, { state: 'retired', retiredAt: T - 1 })], [time]), 'KEY_RETIRED');
    assert.equal(answer([version(A, { window: { from: 0, to: T - 1 } })], [time]), 'KEY_OUTSIDE_WINDOW');
  });
});

describe('a key under several names', () => {
  it('is worth what its worst one is, in any order', () => {
    const [good, bad] = [version(A, { name: 'a' }), version(A, { name: 'z', state: 'revoked-all' })];
    for (const order of [
      [good, bad],
      [bad, good],
    ])
      assert.equal(answer(order, [dated(T)]), 'KEY_REVOKED');
    const states = ['active', 'retired', 'suspended', 'superseded', 'compromised', 'revoked-all'] as const;
    const codes = {
      retired: 'KEY_RETIRED',
      suspended: 'KEY_SUSPENDED',
      superseded: 'KEY_SUPERSEDED',
      compromised: 'KEY_COMPROMISED',
      'revoked-all': 'KEY_REVOKED',
    } as const;
    for (const [at, state] of states.entries())
      for (const milder of states.slice(0, at)) {
        const both = [state, milder].map((one) => version(A, { name: one, state: one, retiredAt: T - 1, suspendedAt: T - 1, invalidFrom: T - 1 }));
        if (state === 'active') continue;
        for (const order of [both, [...both].reverse()]) assert.equal(answer(order, [dated(T)]), codes[state], `${state} beside ${milder}`);
      }
  });

  it('is told by the first of its names, where they are as bad', () => {
    const twins = ['b', 'a'].map((name) => version(A, { name, state: 'retired', retiredAt: 0 }));
    for (const keys of [twins, [...twins].reverse()]) {
      const { policies } = decided({ signatures: [signature(A, { times: [dated(T)] })], trust: { keys } });
      assert.match(policies[0]?.requirements[0]?.detail ?? '', /^a\/1 was retired/);
    }
  });

  it('must count under each of them, also where the worst one still does', () => {
    const before = version(A, { name: 'old', state: 'superseded', invalidFrom: NOW });
    assert.equal(answer([before], [dated(T)]), 'VERIFIED');
    assert.equal(answer([before, version(A, { name: 'new', window: { from: T + 1 } })], [dated(T)]), 'KEY_NOT_ACTIVE');
    assert.equal(answer([before, version(A, { name: 'new', window: { from: 0, to: T - 1 } })], [dated(T)]), 'KEY_OUTSIDE_WINDOW');
  });

  it('says nothing of other keys', () => {
    assert.equal(answer([version(B, { state: 'revoked-all' })], [dated(T)]), 'VERIFIED');
  });
});

describe('a certificate of two authorities', () => {
  const other = 'f'.repeat(64);
  const link = { fingerprint: 'd'.repeat(64), from: 0, to: NOW * 2 };
  const issuer = (anchor: string) => ({ anchor, chain: [link], purposes: ['1.3.6.1.5.5.7.3.3'] });
  const found = certified('maria', {}, { times: [dated(T)] }, { issuers: [issuer(other), issuer(CA)] });
  const ask = (anchors: string[], ...keys: KeyVersion[]) =>
    code({ signatures: [found], policies: set([policy([signedBy(one(identity('maria', { anchors })))])]), trust: { keys } });
  const revoked = (anchor: string) => version(anchor, { role: 'certificate-authority', state: 'revoked-all' });

  it('counts as long as one of those that are trusted for it does', () => {
    assert.equal(ask([CA], revoked(other)), 'VERIFIED', 'the other one is not asked about');
    assert.equal(ask([CA, other], revoked(other)), 'VERIFIED');
    assert.equal(ask([CA, other], revoked(CA)), 'VERIFIED', 'one that has no state has none that is bad');
    assert.equal(ask([CA, other], revoked(CA), revoked(other)), 'KEY_REVOKED');
    assert.equal(ask([CA], revoked(CA)), 'KEY_REVOKED');
  });

  it('is judged by keys of authorities, not of artifacts', () => {
    assert.equal(ask([CA], version(CA, {})), 'KEY_MISMATCH');
  });
});
