/** Whom a signature counts for, what is looked up of trust, and that all of it is arranged once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, by, CA, certified, code, KEYS, NOW, one, policy, RSA, set, signature, signedBy, trust, version } from '../../../test/hand-made.ts';
import type { KeyAnchor, KeyState, Principal, TrustState } from '../trust/index.ts';
import { anchorsOf } from './decide.ts';
import type { SignatureFacts, SignerFact } from './facts.ts';
import { indexTrust, principalOf } from './trust-index.ts';

const signerOf = ({ signers }: SignatureFacts): SignerFact => signers[0] as SignerFact;
const named = (signature: SignatureFacts, { byKey = false, ...more }: Partial<TrustState> & { byKey?: boolean } = {}): string =>
  principalOf(signerOf(signature), indexTrust(trust(more)), byKey);

describe('the principal of a signature', () => {
  const maria: Principal = { name: 'maria', keys: ['release', B], identities: [{ issuer: 'https://issuer.test', subject: 'maria@shop.test' }] };
  const principals = [maria];

  it('is who has every version of a key by its name, and no other key', () => {
    const keys = [version(A, { name: 'release', version: 1 }), version(RSA, { name: 'release', version: 2 }), version(CA, { name: 'other' })];
    assert.deepEqual(
      [A, RSA, B, CA].map((anchor) => named(signature(anchor), { byKey: true, keys, principals })),
      ['maria', 'maria', 'maria', `key:${CA}`],
    );
  });

  it('is who has the key where that was asked for, and who has the identity where that was, whatever else stands there', () => {
    const both = certified('maria@shop.test');
    assert.equal(named(both, { byKey: true }), `key:${A}`);
    assert.equal(named(both), 'https://issuer.test maria@shop.test');
    assert.equal(named(both, { principals }), 'maria');
    assert.equal(named(certified('maria@shop.test', { issuer: 'https://other.test' }), { principals }), 'https://other.test maria@shop.test');
  });

  it('is the repository only where both ids are stated, and otherwise the first name, or the subject', () => {
    const [sourceRepositoryOwnerId, sourceRepositoryId] = ['7', '9'];
    assert.equal(named(certified('x', { sourceRepositoryOwnerId, sourceRepositoryId })), 'https://issuer.test owner 7 repository 9');
    assert.equal(named(certified('x', { sourceRepositoryOwnerId })), 'https://issuer.test x');
    assert.equal(named(certified('x', { sourceRepositoryId })), 'https://issuer.test x');
    assert.equal(named(certified('', {}, {}, { names: ['x', 'y'] })), 'https://issuer.test x');
    assert.equal(named(certified('', {}, {}, { names: [], subject: 'CN=ci' })), 'https://issuer.test CN=ci');
    const anonymous = { claims: {}, names: ['x'] };
    assert.equal(named(certified('', {}, {}, anonymous)), ' x', 'of no issuer');
    const known = [{ name: 'private', keys: [], identities: [{ issuer: '', subject: 'x' }] }];
    assert.equal(named(certified('', {}, {}, anonymous), { principals: known }), 'private');
  });
});

describe('a key under several names', () => {
  const WORST_FIRST: readonly KeyState[] = ['revoked-all', 'compromised', 'superseded', 'suspended', 'retired', 'pre-active', 'active'];

  it('is judged by the worst that is said of it, then by the name, in whatever order that is listed', () => {
    // By their names alone they would stand the other way round.
    const keys = WORST_FIRST.map((state, at) => version(A, { name: `k${9 - at}`, state }));
    for (const [i, a] of keys.entries()) {
      for (const b of keys.slice(i + 1)) {
        for (const listed of [
          [a, b],
          [b, a],
        ])
          assert.deepEqual(
            indexTrust(trust({ keys: listed }))
              .versions.get(A)
              ?.map(({ state }) => state),
            [a.state, b.state],
          );
      }
    }
    const [first, second] = [version(A, { version: 1 }), version(A, { version: 2 })];
    for (const listed of [
      [first, second],
      [second, first],
    ])
      assert.deepEqual(indexTrust(trust({ keys: listed })).versions.get(A), [first, second]);
  });
});

describe('an anchor for several windows', () => {
  it('is trusted now in any of them', () => {
    const [key] = KEYS as [KeyAnchor];
    const during = (...windows: KeyAnchor['window'][]) =>
      code({
        signatures: [signature(A)],
        policies: set([policy([signedBy(one(by(A)))])]),
        trust: { anchors: { ...trust().anchors, keys: windows.map((window) => ({ ...key, window })) } },
      });
    const [past, now] = [{ from: 0, to: NOW - 1 }, { from: NOW }];
    assert.deepEqual([during(past, now), during(now, past), during(past, past)], ['VERIFIED', 'VERIFIED', 'KEY_OUTSIDE_WINDOW']);
  });
});

describe('policies under one state of trust', () => {
  it('are arranged once, and for others anew', () => {
    const [policies, state] = [set([policy([signedBy(one(by(A)))])]), trust()];
    const anchors = anchorsOf(policies, state);
    assert.equal(anchorsOf(policies, state), anchors);
    assert.notEqual(anchorsOf(set([]), state), anchors);
    const other = trust({ anchors: { ...state.anchors, keys: [] } });
    assert.deepEqual(anchorsOf(policies, other).keys, []);
    assert.equal(anchorsOf(policies, state), anchors, 'whatever was asked in between');
  });
});
