import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestKey } from '../../testing/index.ts';
import { listedKey, TrustRepository } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import type { TrustState } from './state.ts';
import { supposeFiles, supposeRenewed, supposeRevoked } from './suppose.ts';

const other = createTestKey().publicKey;
function state(): TrustState {
  const repository = new TrustRepository();
  repository.keys = [
    listedKey(),
    listedKey({ version: 2, state: 'retired', retiredAt: NOW }, other),
    listedKey({ name: 'gone', state: 'revoked-all' }, createTestKey().publicKey),
  ];
  repository.publishTrust();
  return repository.first().state;
}

test('a revocation is supposed of one version, of all, or of a key by its digest', () => {
  const before = state();
  const states = (after: TrustState): unknown[] => after.keys.map(({ state: is, invalidFrom }) => [is, invalidFrom]);
  assert.deepEqual(states(supposeRevoked(before, 'release/1', NOW)), [
    ['compromised', NOW],
    ['retired', undefined],
    ['revoked-all', undefined],
  ]);
  assert.deepEqual(states(supposeRevoked(before, 'release')), [
    ['compromised', NOW - 1000],
    ['compromised', NOW - 1000],
    ['revoked-all', undefined],
  ]);
  assert.deepEqual(states(supposeRevoked(before, other.fingerprint, NOW - 500)), [
    ['active', undefined],
    ['compromised', NOW - 500],
    ['revoked-all', undefined],
  ]);
  assert.deepEqual(states(supposeRevoked(before, 'gone')), states(before));
  const digests = [before, supposeRevoked(before, 'release/1'), supposeRevoked(before, 'release/1', NOW)].map(({ digest }) => digest);
  assert.equal(new Set(digests).size, 3);
  const stranger = supposeRevoked(before, 'ab'.repeat(32));
  assert.deepEqual(stranger.denials, [{ id: 'supposed', kind: 'key', key: 'ab'.repeat(32), reason: 'supposed', addedAt: before.lease.issuedAt }]);
});

test('nothing is supposed that could not be', () => {
  assert.throws(() => supposeRevoked(state(), 'nobody'), { code: 'ERR_TRUST_PLAN' });
  assert.throws(() => supposeRevoked(state(), 'release/2', NOW + 1000), { code: 'ERR_TRUST_TRANSITION' });
  const revokedBefore = supposeRevoked(state(), 'release/1', NOW);
  assert.equal(supposeRevoked(revokedBefore, 'release/1', NOW - 1).keys[0]?.invalidFrom, NOW - 1);
  assert.throws(() => supposeRevoked(revokedBefore, 'release/1', NOW + 1), { code: 'ERR_TRUST_TRANSITION' });
});

test('a revocation of all versions from a moment on leaves those that ended earlier as they are', () => {
  const after = supposeRevoked(state(), 'release', NOW + 1000);
  assert.deepEqual(
    after.keys.map(({ state: is, invalidFrom }) => [is, invalidFrom]),
    [
      ['compromised', NOW + 1000],
      ['retired', undefined],
      ['revoked-all', undefined],
    ],
  );
});

test('a lease is supposed to be renewed until after a moment', () => {
  const before = state();
  const after = supposeRenewed(before, before.lease.endsAt + 5000);
  assert.deepEqual(after.lease, { issuedAt: before.lease.endsAt + 5000, endsAt: before.lease.endsAt + 5001 });
  assert.notEqual(after.digest, before.digest);
});

test('with the files that were signed it is the state that was signed, and with other files another one', () => {
  const repository = new TrustRepository();
  repository.keys = [listedKey()];
  repository.publishTrust();
  const chain = repository.first();
  assert.deepEqual(supposeFiles(chain, chain.files), chain.state);
  const retired = new TrustRepository();
  retired.keys = [listedKey({ state: 'retired', retiredAt: NOW })];
  retired.publishTrust();
  const then = supposeFiles(chain, retired.first().files);
  assert.deepEqual([then.keys[0]?.state, then.versions, then.lease], ['retired', chain.state.versions, chain.state.lease]);
  assert.notEqual(then.digest, chain.state.digest);
  assert.deepEqual(supposeFiles(chain, new Map()).keys, []);
  assert.throws(() => supposeFiles(chain, new Map([['keys/keys.json', new Uint8Array([1])]])), { code: /ERR_/ });
});
