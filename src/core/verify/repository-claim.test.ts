/** What a policy asks of the repository that was signed for, and of authorities by their kind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  A,
  by,
  CA,
  certified,
  code,
  dated,
  identity,
  LOG,
  NOW,
  one,
  OWN_LOG,
  policy,
  set,
  signature,
  signedBy,
  text,
  trust,
  version,
} from '../../../test/hand-made.ts';
import type { Authority, Strictness } from '../policy/index.ts';
import type { KeyVersion } from '../trust/index.ts';
import type { TimeFact } from './facts.ts';

type Claim = Strictness['repositoryClaim'];
const ask = (claim: Partial<Claim>, repository: string, claimed: string, where: 'simple-signing' | 'statement' = 'simple-signing') =>
  code({
    signatures: [signature(A, { claimed: { in: where, repository: claimed } })],
    policies: set([policy([signedBy(one(by(A)))], { strictness: { repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false, ...claim } } })]),
    request: { repository },
  });
const holds = (...question: Parameters<typeof ask>): boolean => ask(...question) === 'VERIFIED';

describe('the repository that was signed for', () => {
  it('of Docker Hub has two names', () => {
    assert.ok(holds({}, 'docker.io/library/nginx', 'index.docker.io/library/nginx'));
    assert.ok(holds({}, 'index.docker.io/library/nginx', 'docker.io/library/nginx'));
    assert.ok(!holds({}, 'docker.io/library/nginx', 'index.docker.io.evil.test/library/nginx'));
    assert.ok(!holds({}, 'x.test/index.docker.io/', 'x.test/'));
    assert.ok(!holds({}, 'registry.test/app', 'index.registry.test/app'));
  });

  it('may be that of any mirror that the policy maps', () => {
    const mirrors = [
      { from: 'mirror.test/hub', to: 'docker.io' },
      { from: 'mirror.test/hub/team', to: 'team.test' },
    ];
    assert.ok(holds({ mirrors }, 'mirror.test/hub/library/nginx', 'docker.io/library/nginx'));
    assert.ok(holds({ mirrors }, 'mirror.test/hub/team/app', 'team.test/app'));
    assert.ok(holds({ mirrors }, 'mirror.test/hub/team/app', 'docker.io/team/app'));
    assert.ok(holds({ mirrors }, 'mirror.test/hub', 'docker.io'), 'itself');
    assert.ok(!holds({ mirrors }, 'mirror.test/hubs/app', 'docker.ios/app'));
    assert.ok(!holds({ mirrors }, 'mirror.test/hub/app', 'docker.io/other'));
    assert.ok(holds({ mirrors: [{ from: 'mirror.test/', to: 'up.test/' }] }, 'mirror.test/app', 'up.test/app'));
  });

  it('may stand below a prefix, which ends where a part of the name ends', () => {
    const below = { rule: 'prefix', prefix: 'up.test/team' } as const;
    assert.ok(holds(below, 'registry.test/app', 'up.test/team/app'));
    assert.ok(holds(below, 'registry.test/app', 'up.test/team'));
    assert.ok(!holds(below, 'registry.test/app', 'up.test/team2/app'));
    assert.ok(!holds(below, 'registry.test/app', 'up.test'));
    assert.ok(holds({ ...below, prefix: 'up.test/team/' }, 'registry.test/app', 'up.test/team/app'));
    assert.ok(!holds({ ...below, prefix: 'up.test/team/' }, 'registry.test/app', 'up.test/teams'));
    assert.ok(holds({ rule: 'prefix' }, 'registry.test/app', 'registry.test/app/sub'), 'its own, where none is given');
    assert.ok(!holds({ rule: 'prefix' }, 'registry.test/app', 'registry.test/other'));
    assert.ok(!holds({}, 'registry.test/app', 'registry.test/app/sub'), 'otherwise it is the whole name');
    const nameless = policy([signedBy(one(by(A)))], { strictness: { repositoryClaim: { ...below, mirrors: [], tag: false } } });
    assert.equal(code({ signatures: [signature(A)], policies: set([nameless]) }), 'CLAIMED_REPOSITORY_MISMATCH', 'and there must be one');
  });

  it('in a statement may be a file, which is no claim at all', () => {
    assert.ok(holds({}, 'registry.test/app', 'app-1.0.tar.gz', 'statement'));
    assert.ok(!holds({}, 'registry.test/app', 'app-1.0.tar.gz', 'simple-signing'));
    for (const image of ['other.test/app', 'localhost/app', 'other:5000/app']) assert.ok(!holds({}, 'registry.test/app', image, 'statement'), image);
    for (const file of ['bin/app', 'app', './app', '../app', 'dir/app.tar']) assert.ok(holds({}, 'registry.test/app', file, 'statement'), file);
  });
});

describe('an authority', () => {
  const judge = (authority: Authority, found: ReturnType<typeof signature>, strictness: Partial<Strictness> = {}) =>
    code({ signatures: [found], policies: set([policy([signedBy(one(authority))], { strictness })]) });

  it('that is a key asks nothing of certificates', () => {
    assert.equal(judge(by(A), signature(A)), 'VERIFIED');
    const withBoth = certified('maria', { issuer: 'https://other.test' });
    const both = { ...withBoth, signers: withBoth.signers.map((signer) => ({ ...signer, anchor: A })) };
    assert.equal(judge(by(A), both), 'VERIFIED', 'a trusted key stays one, whoever certified it');
  });

  it('that is private is the one that was named, for its purposes, and of all names one', () => {
    const issued = (...purposes: string[]) =>
      certified('ci.test', {}, {}, { issuers: [{ anchor: CA, chain: [], purposes }], subject: 'CN=ci', names: ['a.test', 'ci.test'] });
    const own = (more: object = {}): Authority => ({ kind: 'certificate', name: 'private', anchors: [CA], names: [], extendedKeyUsage: [], ...more });
    assert.equal(judge(own(), issued('1.3.6.1.5.5.7.3.3')), 'VERIFIED');
    assert.equal(judge(own(), issued('1.2.3')), 'CERTIFICATE_PURPOSE');
    assert.equal(judge(own({ extendedKeyUsage: ['1.2.3'] }), issued('1.2.3')), 'VERIFIED');
    assert.equal(judge(own({ extendedKeyUsage: ['1.2.3', '1.2.4'] }), issued('1.2.3')), 'CERTIFICATE_PURPOSE', 'all of them');
    assert.equal(judge(own({ extendedKeyUsage: ['1.2.3', '1.2.4'] }), issued('1.2.3', '1.2.4')), 'VERIFIED');
    const here = issued('1.3.6.1.5.5.7.3.3');
    assert.equal(judge(own({ names: [text('x.test'), text('ci.test')] }), here), 'VERIFIED');
    assert.equal(judge(own({ names: [text('ci.test')], subject: text('CN=ci') }), here), 'VERIFIED');
    assert.equal(judge(own({ names: [text('ci.test')], subject: text('CN=other') }), here), 'IDENTITY_MISMATCH', 'name and subject, not either');
  });

  it('counts where one of several that issued the certificate does, for the same purpose, then', () => {
    const link = (from: number, to: number) => ({ fingerprint: 'd'.repeat(64), from, to });
    const issuer = (anchor: string, purpose: string, ...chain: ReturnType<typeof link>[]) => ({ anchor, purposes: [purpose], chain });
    const SIGNING = '1.3.6.1.5.5.7.3.3';
    const judged = (...issuers: ReturnType<typeof issuer>[]) => judge(identity('maria'), certified('maria', {}, { times: [dated(NOW - 5)] }, { issuers }));
    const [valid, expired] = [link(0, NOW), link(0, NOW - 6)];
    assert.equal(judged(issuer(CA, SIGNING, valid)), 'VERIFIED');
    assert.equal(judged(issuer(CA, SIGNING, valid, expired)), 'CERTIFICATE_EXPIRED', 'every link');
    assert.equal(judged(issuer(CA, SIGNING, expired), issuer(CA, SIGNING, valid)), 'VERIFIED');
    assert.equal(judged(issuer(CA, SIGNING, expired), issuer(CA, '1.2.3', valid)), 'CERTIFICATE_EXPIRED', 'not the purpose of one with the time of the other');
    assert.equal(judged(issuer(CA, SIGNING, expired), issuer('e'.repeat(64), SIGNING, valid)), 'CERTIFICATE_EXPIRED');
    assert.equal(judged(issuer(CA, '1.2.3', valid), issuer(CA, SIGNING, valid)), 'VERIFIED');
    const two: Authority = { kind: 'certificate', name: 'private', anchors: [CA], names: [], extendedKeyUsage: ['1.2.3', '1.2.4'] };
    const half = { ...issuer(CA, '1.2.3', valid) };
    const whole = { ...issuer(CA, '1.2.3', expired), purposes: ['1.2.3', '1.2.4'] };
    assert.equal(
      judge(two, certified('maria', {}, { times: [dated(NOW - 5)] }, { issuers: [half, whole] })),
      'CERTIFICATE_EXPIRED',
      'all purposes of one, then',
    );
  });

  it('of the trusted roots is any of theirs, and none that a policy brought for others', () => {
    const mine = 'f'.repeat(64);
    const found = certified('maria', {}, {}, { issuers: [{ anchor: mine, purposes: ['1.3.6.1.5.5.7.3.3'], chain: [] }] });
    const [certifier] = trust().anchors.authorities;
    const brought = { anchors: { ...trust().anchors, authorities: certifier ? [{ ...certifier, id: mine }] : [] } };
    const policies = (anchors: string[]) => set([policy([signedBy(one(identity('maria', { anchors })))])], brought);
    assert.equal(code({ signatures: [found], policies: policies([]) }), 'CERTIFICATE_UNTRUSTED');
    assert.equal(code({ signatures: [found], policies: policies([mine]) }), 'VERIFIED');
  });

  it('whose certificate must be logged counts by any log that was trusted then', () => {
    const logged = (...at: number[]) => certified('maria', {}, {}, { loggedBy: at.map((time) => ({ anchor: A, at: time })) });
    const asked = (found: ReturnType<typeof certified>, from = 0, to = NOW) =>
      code({
        signatures: [found],
        policies: set([policy([signedBy(one(identity('maria', { certificateLog: true })))])]),
        trust: { anchors: { ...trust().anchors, keys: trust().anchors.keys.map((key) => ({ ...key, window: { from, to } })) } },
      });
    assert.equal(asked(logged(5)), 'VERIFIED');
    assert.equal(asked(logged(5, 9), 9, 9), 'VERIFIED');
    assert.equal(asked(logged(5), 6, 9), 'SCT_INVALID');
    const told = (finding: 'SCT_MISSING' | 'SCT_INVALID') => asked(certified('maria', {}, {}, { findings: [{ code: finding, detail: '' }] }));
    assert.deepEqual([told('SCT_MISSING'), told('SCT_INVALID')], ['SCT_MISSING', 'SCT_INVALID']);
  });

  it('is trusted by a window at every time that is proven, not at one of them', () => {
    const times = [dated(NOW - 9), dated(NOW - 5)];
    for (const order of [times, [...times].reverse()]) {
      assert.equal(judge(by(A, { window: { from: NOW - 9, to: NOW - 5 } }), signature(A, { times: order })), 'VERIFIED');
      assert.equal(judge(by(A, { window: { from: NOW - 8, to: NOW - 5 } }), signature(A, { times: order })), 'AUTHORITY_OUTSIDE_WINDOW');
      assert.equal(judge(by(A, { window: { from: NOW - 9, to: NOW - 6 } }), signature(A, { times: order })), 'AUTHORITY_OUTSIDE_WINDOW');
    }
    const keyed = (from: number, to: number) =>
      code({
        signatures: [signature(A, { times })],
        trust: { anchors: { ...trust().anchors, keys: trust().anchors.keys.map((key) => ({ ...key, window: { from, to } })) } },
      });
    assert.deepEqual([keyed(NOW - 9, NOW - 5), keyed(NOW - 8, NOW - 5), keyed(NOW - 9, NOW - 6)], ['VERIFIED', 'KEY_OUTSIDE_WINDOW', 'KEY_OUTSIDE_WINDOW']);
  });
});

describe('who dates', () => {
  const logged = (keys: Parameters<typeof version>[1], time = NOW - 5) =>
    code({
      signatures: [signature(A, { times: [dated(time)] })],
      policies: set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 1, timestamps: 0, any: 0 } } })]),
      trust: { keys: [version(dated(0).anchor, { role: 'log', ...keys })] },
    });

  it('is believed within the window of its own key, both ends included, and until it ended', () => {
    const T = NOW - 5;
    const table: readonly [Parameters<typeof version>[1], boolean][] = [
      [{ window: { from: T, to: T } }, true],
      [{ window: { from: T + 1 } }, false],
      [{ window: { from: 0, to: T - 1 } }, false],
      [{ state: 'pre-active', window: { from: T, to: T } }, true],
      [{ state: 'retired', retiredAt: T }, true],
      [{ state: 'retired', retiredAt: T - 1 }, false],
      [{ state: 'retired', window: { from: T } }, true],
      [{ state: 'retired', window: { from: T - 1 } }, false],
      [{ state: 'superseded', invalidFrom: T + 1 }, true],
      [{ state: 'superseded', invalidFrom: T }, false],
      [{ state: 'superseded', window: { from: T } }, false],
      [{ state: 'suspended', suspendedAt: NOW }, false],
      [{ state: 'compromised', invalidFrom: NOW }, false],
      [{ state: 'revoked-all' }, false],
    ];
    assert.equal(table.filter(([, believed]) => believed).length, 5);
    for (const [key, believed] of table) assert.equal(logged(key), believed ? 'VERIFIED' : 'LOG_OUTSIDE_WINDOW', JSON.stringify(key));
  });

  it('without a promise holds an entry by any time that others prove, or as of now', () => {
    const entry = { anchor: LOG.id, index: '7', included: true };
    const stamp = (at: number) => ({ ...dated(at, OWN_LOG.id), by: 'timestamp-authority' as const });
    const held = (dating: Partial<Strictness['dated']>, times: readonly TimeFact[], keys: readonly KeyVersion[], window = { from: 0, to: NOW }) =>
      code({
        signatures: [signature(A, { times, entries: [entry] })],
        policies: set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 0, timestamps: 0, any: 0, ...dating } } })]),
        trust: { keys, anchors: { ...trust().anchors, logs: [{ ...LOG, window }, OWN_LOG] } },
      });
    const log = (more: Partial<KeyVersion>) => [version(LOG.id, { role: 'log', ...more })];
    assert.equal(held({ logs: 1 }, [], log({})), 'VERIFIED');
    assert.equal(held({ logs: 1 }, [], log({ state: 'retired', retiredAt: NOW - 1 })), 'LOG_OUTSIDE_WINDOW');
    assert.equal(held({ logs: 1 }, [], log({}), { from: 0, to: NOW - 1 }), 'LOG_OUTSIDE_WINDOW');
    assert.equal(held({ logs: 1 }, [stamp(NOW - 9), stamp(NOW - 5)], log({ state: 'retired', retiredAt: NOW - 7 })), 'VERIFIED', 'by then it was there');
    assert.equal(held({ logs: 1 }, [stamp(NOW - 6), stamp(NOW - 5)], log({ state: 'retired', retiredAt: NOW - 7 })), 'LOG_OUTSIDE_WINDOW');
    assert.equal(held({ any: 1 }, [], []), 'VERIFIED', 'a log that holds it vouches for it');
    assert.equal(held({ any: 1 }, [], log({ state: 'revoked-all' })), 'THRESHOLD_NOT_MET');
    assert.equal(held({ any: 2 }, [stamp(NOW - 5)], []), 'VERIFIED');
    assert.equal(
      code({ signatures: [signature(A)], policies: set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 0, timestamps: 0, any: 1 } } })]) }),
      'THRESHOLD_NOT_MET',
    );
  });
});
