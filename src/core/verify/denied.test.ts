/** Denials: what was denied counts for nothing, by whichever of its names, and nothing beside it is touched. */
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
  HEX,
  identity,
  LOG,
  NOW,
  one,
  OWN_LOG,
  policy,
  set,
  signature,
  signedBy,
  trust,
} from '../../../test/hand-made.ts';
import type { Denial } from '../trust/index.ts';
import type { SignatureFacts } from './facts.ts';

const T = NOW - 1_000_000;
const denial = (more: Record<string, unknown>): Denial => ({ id: 'd1', reason: 'stolen', addedAt: 0, ...more }) as unknown as Denial;
const denying = (...all: Record<string, unknown>[]) => ({ denials: all.map((one, at) => denial({ id: `d${at + 1}`, ...one })) });
const byMaria = set([policy([signedBy(one(identity('maria')))])]);
const asMaria = (found: SignatureFacts, ...all: Record<string, unknown>[]) => code({ policies: byMaria, signatures: [found], trust: denying(...all) });

describe('a denied image', () => {
  it('is denied by each of its digests, and by those of the indexes that list it', () => {
    const facts = { digests: { sha256: HEX, sha512: 'b'.repeat(128) }, indexes: ['sha256:1', 'sha256:2'] };
    const denied = (digest: string) => code({ signatures: [signature(A)], facts, trust: denying({ kind: 'digest', digest }) });
    for (const digest of [`sha256:${HEX}`, `sha512:${'b'.repeat(128)}`, 'sha256:1', 'sha256:2']) assert.equal(denied(digest), 'DENIED', digest);
    for (const digest of ['sha256:3', HEX, `sha384:${HEX}`]) assert.equal(denied(digest), 'VERIFIED', digest);
    assert.equal(code({ signatures: [signature(A)], request: { digest: 'sha256:9' }, trust: denying({ kind: 'digest', digest: 'sha256:9' }) }), 'DENIED');
  });

  it('tells which denial it was', () => {
    const { message } = decided({ trust: denying({ kind: 'digest', digest: 'sha256:9' }, { kind: 'digest', digest: `sha256:${HEX}`, reason: 'mined coins' }) });
    assert.match(message, /d2: mined coins/);
  });
});

describe('a denied signer', () => {
  const run = { runInvocationUri: 'https://ci.test/1' };

  it('is told with the denial, its day and its reason', () => {
    const judged = decided({ signatures: [signature(A)], trust: denying({ kind: 'key', key: A, addedAt: T }) }).policies[0]?.requirements[0];
    assert.equal(judged?.detail, `d1 of ${new Date(T).toISOString()}: stolen`);
  });

  it('is the key itself, whichever certificate holds it', () => {
    const { signers } = certified('maria');
    assert.equal(asMaria(certified('maria'), { kind: 'key', key: signers[0]?.key }), 'DENIED');
    assert.equal(asMaria(certified('maria'), { kind: 'key', key: B }), 'VERIFIED');
  });

  it('is a run, or a certificate, and no other one', () => {
    assert.equal(asMaria(certified('maria', run), { kind: 'run', run: 'https://ci.test/1' }), 'DENIED');
    assert.equal(asMaria(certified('maria', run), { kind: 'run', run: 'https://ci.test/2' }), 'VERIFIED');
    assert.equal(asMaria(certified('maria'), { kind: 'run', run: 'undefined' }), 'VERIFIED');
    assert.equal(asMaria(certified('maria'), { kind: 'certificate', certificate: 'd'.repeat(64) }), 'DENIED');
    assert.equal(asMaria(certified('maria'), { kind: 'certificate', certificate: 'e'.repeat(64) }), 'VERIFIED');
    assert.equal(asMaria(certified('maria', run), { kind: 'run', run: 'https://ci.test/2' }, { kind: 'certificate', certificate: 'd'.repeat(64) }), 'DENIED');
  });

  it('is what a denied authority certified, unless another chain stands beside it', () => {
    const link = (fingerprint: string) => ({ fingerprint, from: 0, to: NOW * 2 });
    const issuer = (...chain: string[]) => ({ anchor: CA, purposes: ['1.3.6.1.5.5.7.3.3'], chain: chain.map(link) });
    const through = (...issuers: ReturnType<typeof issuer>[]) => certified('maria', {}, {}, { fingerprint: 'leaf', issuers });
    const denied = { kind: 'certificate', certificate: 'bad' };
    assert.equal(asMaria(through(issuer('leaf', 'bad', 'top')), denied), 'DENIED');
    assert.equal(asMaria(through(issuer('leaf', 'good', 'top')), denied), 'VERIFIED');
    assert.equal(asMaria(through(issuer('leaf', 'bad', 'top'), issuer('leaf', 'good', 'top')), denied), 'VERIFIED');
    assert.equal(asMaria(through(issuer('leaf', 'good', 'top'), issuer('leaf', 'bad', 'top')), denied), 'VERIFIED');
    assert.equal(asMaria(through(issuer('leaf', 'bad', 'x'), issuer('leaf', 'y', 'worse')), denied, { kind: 'certificate', certificate: 'worse' }), 'DENIED');
    assert.equal(asMaria(through(), { kind: 'certificate', certificate: 'leaf' }), 'DENIED', 'itself, whoever issued it');
    assert.equal(asMaria(through(), denied), 'CERTIFICATE_UNTRUSTED', 'nothing stands behind it, and nothing of it is denied');
  });

  it('is an identity within a window: dated before it counts, certified after it too', () => {
    const maria = (time: number | undefined, window: object, fact: object = {}, claims: Record<string, string> = {}) =>
      asMaria(certified('maria', claims, { times: time === undefined ? [] : [dated(time)] }, fact), {
        kind: 'identity',
        issuer: 'https://issuer.test',
        subject: 'maria',
        window,
      });
    assert.equal(maria(T - 1, { from: T }), 'VERIFIED');
    assert.equal(maria(T, { from: T }), 'DENIED');
    assert.equal(maria(undefined, { from: T }), 'DENIED', 'nobody dated it');
    assert.equal(maria(undefined, { from: 0, to: T }, { from: T + 1 }), 'VERIFIED');
    assert.equal(maria(undefined, { from: 0, to: T }, { from: T }), 'DENIED');
    assert.equal(maria(T + 9, { from: 0, to: T }, { from: T }), 'DENIED', 'a later date can be had by whoever signed within');
    assert.equal(maria(T, { from: T }, {}, { issuer: 'https://other.test' }), 'ISSUER_MISMATCH', 'somebody else of that name');
  });

  it('that several parties dated was there when the first of them says so', () => {
    const twice = certified('maria', {}, { times: [dated(T + 5), dated(T - 5, OWN_LOG.id)] });
    assert.equal(asMaria(twice, { kind: 'identity', issuer: 'https://issuer.test', subject: 'maria', window: { from: T } }), 'VERIFIED');
  });

  it('is denied by any of its names, and by any of several windows', () => {
    const names = certified('', {}, { times: [dated(T)] }, { names: ['maria', 'maria@x.test'] });
    const one = (subject: string, from: number, to?: number) => ({
      kind: 'identity',
      issuer: 'https://issuer.test',
      subject,
      window: { from, ...(to === undefined ? {} : { to }) },
    });
    assert.equal(asMaria(names, one('maria@x.test', 0)), 'DENIED');
    assert.equal(asMaria(names, one('maria', T + 1), one('maria', T - 5)), 'DENIED');
    assert.equal(asMaria(names, one('maria', T + 1), one('tom', 0)), 'VERIFIED');
  });

  it('whose certificate states no issuer is the one that is denied without one', () => {
    const nobody = set([policy([signedBy(one(identity('maria', { identities: [] })))])]);
    const found = certified('maria', { issuer: undefined as never });
    const denied = (issuer: string) =>
      code({ policies: nobody, signatures: [found], trust: denying({ kind: 'identity', issuer, subject: 'maria', window: { from: 0 } }) });
    assert.deepEqual([denied(''), denied('undefined')], ['DENIED', 'VERIFIED']);
  });

  it('is a single signature, also one that nobody can vouch for', () => {
    const found = { ...signature(A), signers: [] };
    const denials = denying({ kind: 'signature', document: found.document });
    assert.equal(code({ signatures: [found], trust: denials }), 'DENIED');
    assert.equal(code({ signatures: [{ ...found, document: 'sha256:other' }], trust: denials }), 'SIGNATURE_INVALID');
  });
});

describe('a denied log', () => {
  const policies = set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 1, timestamps: 0, any: 0 } } })]);
  const at = (index: string, ...all: Record<string, unknown>[]) => {
    const time = { ...dated(T), index };
    const entries = [{ anchor: LOG.id, index, included: true, promisedAt: T }];
    return code({ policies, signatures: [signature(A, { times: [time], entries })], trust: denying(...all) });
  };

  it('counts up to the first index of any denial', () => {
    const from = (fromIndex: string) => ({ kind: 'log', anchor: LOG.id, fromIndex });
    assert.deepEqual([at('6', from('7')), at('7', from('7'))], ['VERIFIED', 'LOG_OUTSIDE_WINDOW']);
    for (const order of [
      [from('7'), from('9')],
      [from('9'), from('7')],
    ])
      assert.deepEqual([at('6', ...order), at('7', ...order), at('8', ...order)], ['VERIFIED', 'LOG_OUTSIDE_WINDOW', 'LOG_OUTSIDE_WINDOW']);
    assert.equal(at('9007199254740993', from('9007199254740993')), 'LOG_OUTSIDE_WINDOW');
    assert.equal(at('9007199254740992', from('9007199254740993')), 'VERIFIED');
    assert.equal(at('0', { kind: 'log', anchor: LOG.id }), 'LOG_OUTSIDE_WINDOW');
    assert.equal(at('7', { kind: 'log', anchor: OWN_LOG.id }), 'VERIFIED');
  });

  it('by its key dates nothing at all', () => {
    assert.equal(at('7', { kind: 'key', key: LOG.id }), 'LOG_OUTSIDE_WINDOW');
    assert.equal(at('7', { kind: 'key', key: OWN_LOG.id }), 'VERIFIED');
  });

  it('does not stop a timestamp authority, unless its own key is denied', () => {
    const stamp = (principal: string, ...all: Record<string, unknown>[]) =>
      code({
        policies: set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 0, timestamps: 1, any: 0 } } })]),
        signatures: [signature(A, { times: [{ anchor: LOG.id, by: 'timestamp-authority', principal, at: T, from: T, to: T }] })],
        trust: denying(...all),
      });
    assert.equal(stamp('tsa', { kind: 'key', key: 'tsa' }), 'THRESHOLD_NOT_MET');
    assert.equal(stamp('tsa', { kind: 'key', key: 'other' }), 'VERIFIED');
    assert.equal(stamp('tsa', { kind: 'log', anchor: LOG.id, fromIndex: '0' }), 'VERIFIED');
  });
});

describe('where nothing is denied', () => {
  it('nothing is', () => {
    assert.deepEqual(trust().denials, []);
    assert.equal(code({ signatures: [signature(A)] }), 'VERIFIED');
  });
});
