/** What is told where trust cannot be taken, and what is said of anchors and roots member by member. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey, createTestSigstore, type TestKey } from '../../testing/index.ts';
import { listedKey, TrustRepository } from '../../../test/trust-repository.ts';
import { DAY, NOW } from '../../../test/tuf-repository.ts';
import { encodePublicKeyPem, parseCertificate } from '../crypto/index.ts';
import { decodeHex, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { ALWAYS } from './anchor.ts';
import { composeTrustedRoot } from './compose-root.ts';
import { encodeSettings, parseKeyList, parseSettings } from './documents.ts';
import { certificateLogAnchor, keyAnchor, logAnchor } from './given.ts';
import { checkKeyTransition, effectiveKey } from './key-states.ts';
import { leaseAt } from './lease.ts';
import { advanceTrust } from './next.ts';
import type { KeyVersion } from './state.ts';

describe('anchors that are given by hand', () => {
  const { publicKey } = createTestKey();
  const pem = encodePublicKeyPem(publicKey);
  const id = publicKey.fingerprint;
  it('are what they are said to be, at any time', () => {
    assert.deepEqual(logAnchor(pem, 'a log'), { kind: 'log', id, name: 'a log', window: ALWAYS, key: publicKey, logId: decodeHex(id), baseUrl: '' });
    assert.deepEqual(certificateLogAnchor(pem, 'ct'), { kind: 'certificate-log', id, name: 'ct', window: ALWAYS, key: publicKey, logId: decodeHex(id) });
    assert.deepEqual(keyAnchor(publicKey, 'k'), { kind: 'key', id, name: 'k', window: ALWAYS, key: publicKey });
    assert.equal(keyAnchor(publicKey).name, `ECDSA P-256 key ${id.slice(0, 16)}`);
  });
});

describe('a root that is composed', () => {
  const [certificate] = createTestSigstore().authority.chain.map((der) => parseCertificate(der));
  const subjectOf = (subjectText: string): unknown => {
    const root = composeTrustedRoot({
      authorities: [{ url: 'https://ca.test', certificates: [{ ...(certificate as NonNullable<typeof certificate>), subjectText }] }],
      logs: [],
      certificateLogs: [],
      timestampAuthorities: [],
    });
    const [authority] = root['certificateAuthorities'] as Record<string, unknown>[];
    return authority?.['subject'];
  };
  it('names the organization and the common name, whichever of them are there', () => {
    assert.deepEqual(subjectOf('O=Acme, CN=root'), { organization: 'Acme', commonName: 'root' });
    assert.deepEqual(subjectOf('CN=root,O=Acme'), { organization: 'Acme', commonName: 'root' });
    assert.deepEqual(subjectOf('O=Acme'), { organization: 'Acme' });
    assert.deepEqual(subjectOf('CN=root'), { commonName: 'root' });
    assert.equal(subjectOf('OU=x'), undefined);
  });
});

describe('documents of a trust repository', () => {
  it('have at most so many bytes', () => {
    const text = new TextDecoder().decode(encodeSettings({ tiers: [] }));
    assert.deepEqual(parseSettings(utf8(text.padEnd(LIMITS.documentBytes)), 'trust.json'), { tiers: [] });
    assert.throws(() => parseSettings(utf8(text.padEnd(LIMITS.documentBytes + 1)), 'trust.json'), { code: 'ERR_TOO_LARGE' });
  });
  it('say why a key cannot be read', () => {
    const keys = [{ name: 'a', version: 1, role: 'artifact', state: 'active', publicKey: 'x', from: '2026-01-01T00:00:00Z' }];
    assert.throws(() => parseKeyList(utf8(JSON.stringify({ apiVersion: 'sealward.dev/v1alpha1', kind: 'KeyList', keys })), 'keys.json'), {
      code: 'ERR_TRUST_INVALID',
      message: /^keys\.json, keys\[0\]: publicKey cannot be read: .*PEM/,
    });
  });
});

describe('a change of a key that is refused', () => {
  const key = (rest: Partial<KeyVersion> = {}): KeyVersion => ({ ...effectiveKey(listedKey(), []), ...rest });
  const told = (before: KeyVersion, after: KeyVersion): string => {
    try {
      checkKeyTransition(before, after);
      return '';
    } catch (error) {
      assert.ok(error instanceof SealwardError && error.code === 'ERR_TRUST_TRANSITION');
      return error.message;
    }
  };
  const retired = (rest: object = {}): KeyVersion => key({ state: 'retired', retiredAt: NOW, ...rest });
  it('says which of its dates moved, or is gone', () => {
    const later = (which: string): string => `the key release/1 would count until a later moment than it did (${which}), and that only ever moves earlier`;
    assert.equal(told(retired(), retired({ retiredAt: NOW + 1 })), later('retiredAt'));
    assert.equal(told(retired(), key({ state: 'compromised', invalidFrom: NOW + 1 })), later('invalidFrom'));
    assert.equal(told(retired(), key({ state: 'retired' })), later('retiredAt'));
    assert.equal(
      told(retired(), retired({ acceptUndatedUntil: 0 })),
      'the key release/1 accepts undated signatures for longer than it did when it was retired',
    );
    assert.equal(told(key({ destroyedAt: NOW }), key()), 'the key release/1 was destroyed, and is said to be there again');
    assert.equal(told(key({ state: 'compromised', invalidFrom: NOW }), key()), 'the key release/1 was compromised and cannot become active');
    assert.equal(told(key(), key({ role: 'log' })), 'the key release/1 is another key, or in another role, than it was');
    assert.equal(told(key(), key({ window: { from: 5 } })), 'the key release/1 is active since another moment than it was');
  });
});

describe('a lease', () => {
  const told = (tiers: readonly string[], tier: string): string => {
    try {
      leaseAt({ lease: { issuedAt: 0, endsAt: 1 }, tiers: tiers.map((name) => ({ name, duration: 1 })) }, 0, tier);
    } catch (error) {
      if (error instanceof SealwardError) return `${error.message} ${error.hint}`;
    }
    return '';
  };
  it('of a tier that is not there names those that are', () => {
    assert.equal(told(['a', 'b'], 'c'), 'the trust state has no lease tier "c" Its tiers are: a, b.');
    assert.equal(told([], 'x'.repeat(81)), `the trust state has no lease tier ${JSON.stringify('x'.repeat(80))} Its tiers are: none.`);
  });
});

describe('a new lease', () => {
  it('keeps all that the next change is held against', () => {
    const repository = new TrustRepository();
    repository.texts.set('policy/a.yaml', 'a: 1');
    repository.denials = [{ id: 'd1', kind: 'run', run: 'x', reason: 'r', addedAt: NOW }];
    repository.publishTrust();
    const before = repository.first();
    repository.expires.timestamp = NOW + 2 * DAY;
    repository.publishTimestamp();
    const renewed = advanceTrust(before, repository.offer(), NOW);
    assert.deepEqual([renewed.keys, renewed.denials, renewed.files], [before.keys, before.denials, before.files]);
    repository.denials = [];
    assert.throws(() => advanceTrust(renewed, repository.publishTrust(), NOW), { code: 'ERR_TRUST_TRANSITION', message: 'the denial d1 is gone' });
  });
  it('a file that is none of its role is named, in at most 200 characters', () => {
    const repository = new TrustRepository();
    repository.texts.set(`policy/${'x'.repeat(250)}/y.yaml`, 'a: 1');
    repository.publishTrust();
    assert.throws(() => repository.first(), {
      code: 'ERR_TRUST_INVALID',
      message: `the role policy signed for ${JSON.stringify(`policy/${'x'.repeat(193)}`)}, which is no file of that role`,
    });
  });
});

describe('a suspension', () => {
  const by = (repository: TrustRepository, at: 0 | 1 | 2): TestKey => repository.people[at];
  const suspend = (repository: TrustRepository, at: 0 | 1 | 2, id = 's1'): void => {
    repository.denials = [
      ...repository.denials,
      { id, kind: 'suspension', name: 'release', version: 1, at: NOW, by: by(repository, at).publicKey.fingerprint, reason: 'r', addedAt: NOW },
    ];
  };
  it('that was signed for once may be carried on by others', () => {
    const repository = new TrustRepository();
    let chain = repository.first();
    suspend(repository, 0);
    chain = advanceTrust(chain, repository.publishTrust({ deny: [by(repository, 0)] }), NOW);
    chain = advanceTrust(chain, repository.publishTrust({ deny: [by(repository, 1)] }), NOW);
    assert.equal(chain.state.keys[0]?.state, 'suspended');
    suspend(repository, 0, 's2');
    assert.throws(() => advanceTrust(chain, repository.publishTrust({ deny: [by(repository, 1)] }), NOW), {
      code: 'ERR_TRUST_TRANSITION',
      message: 'the suspension s2 names somebody who did not sign it',
    });
  });
  it('is taken from the word of the rest by whoever missed the version in which it was made', () => {
    const repository = new TrustRepository();
    const chain = repository.first();
    suspend(repository, 0);
    repository.publishTrust({ deny: [by(repository, 0)] });
    assert.equal(advanceTrust(chain, repository.publishTrust({ deny: [by(repository, 1)] }), NOW).state.keys[0]?.state, 'suspended');
  });
  it('that was lifted stays so, whoever signs next, and whichever other keys there are', () => {
    const repository = new TrustRepository();
    const other = createTestKey().publicKey;
    repository.keys = [listedKey({ name: 'other' }, other), listedKey()];
    repository.publishTrust();
    let chain = repository.first();
    suspend(repository, 0);
    chain = advanceTrust(chain, repository.publishTrust({ deny: [by(repository, 0)] }), NOW);
    repository.keys = [listedKey({ name: 'other' }, other), listedKey({ lifted: ['s1'] })];
    assert.throws(() => advanceTrust(chain, repository.publishTrust({ keys: [by(repository, 0), by(repository, 1)] }), NOW), {
      code: 'ERR_TRUST_TRANSITION',
      message: 'the suspension s1 is lifted by 1 of the 2 others that it takes',
    });
    const lifting = new TrustRepository();
    lifting.keys = [listedKey({ name: 'other' }, other), listedKey()];
    lifting.publishTrust();
    chain = lifting.first();
    suspend(lifting, 0);
    chain = advanceTrust(chain, lifting.publishTrust({ deny: [by(lifting, 0)] }), NOW);
    lifting.keys = [listedKey({ name: 'other' }, other), listedKey({ lifted: ['s1'] })];
    chain = advanceTrust(chain, lifting.publishTrust({ keys: [by(lifting, 1), by(lifting, 2)] }), NOW);
    assert.deepEqual(
      chain.state.keys.map(({ state }) => state),
      ['active', 'active'],
    );
    lifting.keys = [...lifting.keys, listedKey({ name: 'third' }, createTestKey().publicKey)];
    chain = advanceTrust(chain, lifting.publishTrust({ keys: [by(lifting, 0), by(lifting, 1)] }), NOW);
    assert.equal(chain.state.keys.length, 3);
  });
});
