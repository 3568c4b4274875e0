/** The decision: signatures, thresholds, key states, time, denials, exceptions, modes; each field of a policy once obeyed and once not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  A,
  attested,
  B,
  by,
  CA,
  type Case,
  certified,
  code,
  dated,
  decided,
  exception,
  HEX,
  identity,
  IMAGE,
  LOG,
  NOW,
  of,
  one,
  OWN_LOG,
  policy,
  PQ,
  RSA,
  set,
  signature,
  signedBy,
  text,
  version,
} from '../../../test/hand-made.ts';

import type { ImagePolicy, Requirement, Strictness } from '../policy/index.ts';
import type { Denial, KeyVersion } from '../trust/index.ts';

const DAY = 86_400_000;
const strict = (strictness: Partial<Strictness>, ...requirements: Requirement[]) =>
  set([policy(requirements.length > 0 ? requirements : [signedBy(one(by(A)))], { strictness })]);

describe('who signed', () => {
  it('must be whom the policy trusts', () => {
    assert.equal(code({ signatures: [signature(A)] }), 'VERIFIED');
    assert.equal(code({ signatures: [signature(B)] }), 'KEY_MISMATCH');
    assert.equal(code({ signatures: [] }), 'NO_SIGNATURE');
    assert.equal(code({ signatures: [signature(A, { broken: [{ code: 'LOG_PROOF_INVALID', detail: '' }] })] }), 'LOG_PROOF_INVALID');
    const { about: _, ...elsewhere } = signature(A);
    assert.equal(code({ signatures: [elsewhere] }), 'DIGEST_MISMATCH');
    assert.equal(code({ signatures: [], facts: { places: [{ name: 'sig-tag', where: 'x', state: 'complete', left: 3 }] } }), 'TOO_MANY');
  });

  it('may be an identity, matched whole, under the trusted authorities alone', () => {
    const policies = (more = {}) => set([policy([signedBy(one(identity('maria', more)))])]);
    assert.equal(code({ signatures: [certified('maria')], policies: policies() }), 'VERIFIED');
    assert.equal(code({ signatures: [certified('maria2')], policies: policies() }), 'IDENTITY_MISMATCH');
    assert.equal(code({ signatures: [certified('maria', { issuer: 'https://other.test' })], policies: policies() }), 'ISSUER_MISMATCH');
    assert.equal(code({ signatures: [certified('maria')], policies: policies({ anchors: ['e'.repeat(64)] }) }), 'CERTIFICATE_UNTRUSTED');
    assert.equal(code({ signatures: [certified('maria')], policies: policies({ certificateLog: true }) }), 'SCT_INVALID');
    const identities = [{ issuer: text('https://issuer.test'), claims: [{ claim: 'buildTrigger', pattern: text('push') }] }] as const;
    assert.equal(code({ signatures: [certified('maria', { buildTrigger: 'push' })], policies: policies({ identities }) }), 'VERIFIED');
    assert.equal(code({ signatures: [certified('maria', { buildTrigger: 'pull_request' })], policies: policies({ identities }) }), 'CLAIM_MISMATCH');
  });

  it('may be a certificate of a private authority, by subject, names and purpose', () => {
    const policies = (more: object) =>
      set([policy([signedBy(one({ kind: 'certificate', name: 'private', anchors: [CA], names: [], extendedKeyUsage: [], ...more }))])]);
    const signatures = [certified('ci.test', {}, {}, { subject: 'CN=ci' })];
    assert.equal(code({ signatures, policies: policies({ subject: text('CN=ci') }) }), 'VERIFIED');
    assert.equal(code({ signatures, policies: policies({ subject: text('CN=other') }) }), 'IDENTITY_MISMATCH');
    assert.equal(code({ signatures, policies: policies({ names: [text('ci.test')] }) }), 'VERIFIED');
    assert.equal(code({ signatures, policies: policies({ names: [text('other.test')] }) }), 'IDENTITY_MISMATCH');
    assert.equal(code({ signatures, policies: policies({ extendedKeyUsage: ['1.2.3'] }) }), 'CERTIFICATE_PURPOSE');
    assert.equal(code({ signatures, policies: policies({ anchors: [] }) }), 'CERTIFICATE_UNTRUSTED');
  });

  it('is trusted by the policy within its window, both ends included', () => {
    const within = (from: number, to: number, time: number) =>
      code({ signatures: [signature(A, { times: [dated(time)] })], policies: set([policy([signedBy(one(by(A, { window: { from, to } })))])]) });
    assert.deepEqual(
      [within(5, 9, 5), within(5, 9, 9), within(5, 9, 4), within(5, 9, 10)],
      ['VERIFIED', 'VERIFIED', 'AUTHORITY_OUTSIDE_WINDOW', 'AUTHORITY_OUTSIDE_WINDOW'],
    );
  });
});

describe('thresholds', () => {
  const policies = set([policy([signedBy(of(2, one(by(A)), one(by(B)), one(identity('maria'))))])]);

  it('count distinct principals', () => {
    assert.equal(code({ policies, signatures: [signature(A), signature(B)] }), 'VERIFIED');
    assert.equal(code({ policies, signatures: [signature(A), signature(A)] }), 'SIGNERS_MISSING');
    assert.equal(code({ policies, signatures: [signature(A), certified('maria')] }), 'VERIFIED');
  });

  it('PYSEC-2020-145, GHSA-3633-5h82-39pq: one key under two names, and one person with two keys, count once', () => {
    const twice = set([policy([signedBy(of(2, one(by(A, { name: 'x' })), one(by(A, { name: 'y' }))))])]);
    assert.equal(code({ policies: twice, signatures: [signature(A), signature(A)] }), 'SIGNERS_MISSING');
    const principals = [{ name: 'maria', keys: [A, B], identities: [{ issuer: 'https://issuer.test', subject: 'maria' }] }];
    assert.equal(code({ policies, signatures: [signature(A), signature(B), certified('maria')], trust: { principals } }), 'SIGNERS_MISSING');
    const byName = [{ name: 'maria', keys: ['release', B], identities: [] }];
    assert.equal(code({ policies, signatures: [signature(A), signature(B)], trust: { principals: byName, keys: [version(A, {})] } }), 'SIGNERS_MISSING');
  });

  it('count two workflows of one repository once', () => {
    const two = set([policy([signedBy(of(2, one(identity('a')), one(identity('b'))))])]);
    const claims = (repository: string) => ({ sourceRepositoryOwnerId: '1', sourceRepositoryId: repository });
    assert.equal(code({ policies: two, signatures: [certified('a', claims('2')), certified('b', claims('2'))] }), 'SIGNERS_MISSING');
    assert.equal(code({ policies: two, signatures: [certified('a', claims('2')), certified('b', claims('3'))] }), 'VERIFIED');
  });

  it('CVE-2026-23992: that are no counts are met by nothing', () => {
    for (const count of [0, -1, 3, 1.5, Number.NaN])
      assert.equal(
        code({ policies: set([policy([signedBy(of(count, one(by(A)), one(by(B))))])]), signatures: [signature(A), signature(B)] }),
        'SIGNERS_MISSING',
        String(count),
      );
  });
});

describe('the state of a key', () => {
  const T = NOW - 10 * DAY;
  const answer = (state: Partial<KeyVersion>, time: number | undefined, party = LOG.id, more: Case = {}) =>
    code({ ...more, signatures: [signature(A, { times: time === undefined ? [] : [dated(time, party)] })], trust: { keys: [version(A, state)] } });
  const legacy = strict({ compromised: 'accept-witnessed' });
  const warn = strict({ suspended: 'warn' });
  const again = { request: { admittedBefore: true } };
  const table: readonly [string, Partial<KeyVersion>, Case, readonly string[]][] = [
    // dated before T; at T; after T; before T by the key's own operator; not dated
    ['active, ends at T', { window: { from: 0, to: T } }, {}, ['VERIFIED', 'VERIFIED', 'KEY_OUTSIDE_WINDOW', 'VERIFIED', 'KEY_OUTSIDE_WINDOW']],
    ['pre-active, from T', { state: 'pre-active', window: { from: T } }, {}, ['KEY_NOT_ACTIVE', 'VERIFIED', 'VERIFIED', 'KEY_NOT_ACTIVE', 'VERIFIED']],
    ['suspended', { state: 'suspended', suspendedAt: T }, {}, ['KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED']],
    [
      'suspended, warn',
      { state: 'suspended', suspendedAt: T },
      { policies: warn },
      ['VERIFIED', 'KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED'],
    ],
    [
      'suspended, runs already',
      { state: 'suspended', suspendedAt: T },
      again,
      ['VERIFIED', 'KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED', 'KEY_SUSPENDED'],
    ],
    ['retired', { state: 'retired', retiredAt: T }, {}, ['VERIFIED', 'VERIFIED', 'KEY_RETIRED', 'VERIFIED', 'KEY_RETIRED']],
    ['retired by plan', { state: 'retired', retiredAt: T, acceptUndatedUntil: NOW }, {}, ['VERIFIED', 'VERIFIED', 'KEY_RETIRED', 'VERIFIED', 'VERIFIED']],
    [
      'retired, undated too late',
      { state: 'retired', retiredAt: T, acceptUndatedUntil: NOW - 1 },
      {},
      ['VERIFIED', 'VERIFIED', 'KEY_RETIRED', 'VERIFIED', 'KEY_RETIRED'],
    ],
    ['superseded', { state: 'superseded', invalidFrom: T }, {}, ['VERIFIED', 'KEY_SUPERSEDED', 'KEY_SUPERSEDED', 'KEY_SUPERSEDED', 'KEY_SUPERSEDED']],
    [
      'compromised',
      { state: 'compromised', invalidFrom: T },
      {},
      ['KEY_COMPROMISED', 'KEY_COMPROMISED', 'KEY_COMPROMISED', 'KEY_COMPROMISED', 'KEY_COMPROMISED'],
    ],
    [
      'compromised, witnessed',
      { state: 'compromised', invalidFrom: T },
      { policies: legacy },
      ['VERIFIED', 'KEY_COMPROMISED', 'KEY_COMPROMISED', 'KEY_COMPROMISED', 'KEY_COMPROMISED'],
    ],
    ['revoked', { state: 'revoked-all' }, { policies: legacy, ...again }, ['KEY_REVOKED', 'KEY_REVOKED', 'KEY_REVOKED', 'KEY_REVOKED', 'KEY_REVOKED']],
    ['of another role', { role: 'log' }, {}, ['KEY_MISMATCH', 'KEY_MISMATCH', 'KEY_MISMATCH', 'KEY_MISMATCH', 'KEY_MISMATCH']],
  ];
  for (const [name, state, more, expected] of table) {
    it(`${name}: dated before, at, after, by its own operator, not at all`, () => {
      const found = [
        answer(state, T - 1, LOG.id, more),
        answer(state, T, LOG.id, more),
        answer(state, T + 1, LOG.id, more),
        answer(state, T - 1, OWN_LOG.id, more),
        answer(state, undefined, LOG.id, more),
      ];
      assert.deepEqual(found, expected);
    });
  }

  it('without its date is as bad as it can be', () => {
    for (const state of ['suspended', 'superseded', 'compromised'] as const)
      assert.notEqual(answer({ state, window: { from: T } }, T + 1, LOG.id, { policies: legacy }), 'VERIFIED');
    assert.equal(answer({ state: 'retired', window: { from: T } }, T + 1), 'KEY_RETIRED');
  });

  it('of those who date counts too', () => {
    const policies = strict({ dated: { logs: 1, timestamps: 0, any: 0 } });
    const log = (state: Partial<KeyVersion>) =>
      code({ policies, signatures: [signature(A, { times: [dated(T)] })], trust: { keys: [version(LOG.id, { role: 'log', ...state })] } });
    assert.equal(log({}), 'VERIFIED');
    assert.equal(log({ state: 'retired', retiredAt: T }), 'VERIFIED');
    for (const state of [
      { state: 'retired', retiredAt: T - 1 },
      { state: 'superseded', invalidFrom: T },
      { state: 'suspended' },
      { state: 'compromised', invalidFrom: NOW },
      { state: 'revoked-all' },
      { window: { from: T + 1 } },
      { window: { from: 0, to: T - 1 } },
    ] as const)
      assert.notEqual(log(state), 'VERIFIED', JSON.stringify(state));
  });

  it('of a certificate authority is that of what it certified', () => {
    const policies = set([policy([signedBy(one(identity('maria')))])]);
    const authority = (state: Partial<KeyVersion>) =>
      code({
        policies,
        signatures: [certified('maria', {}, { times: [dated(T)] })],
        trust: { keys: [version(CA, { role: 'certificate-authority', ...state })] },
      });
    assert.equal(authority({}), 'VERIFIED');
    assert.equal(authority({ state: 'superseded', invalidFrom: T }), 'KEY_SUPERSEDED');
    assert.equal(authority({ state: 'superseded', invalidFrom: T + 1 }), 'VERIFIED');
  });
});

describe('what is denied', () => {
  const deny = (denial: Record<string, unknown>): Partial<Case> => ({
    trust: { denials: [{ id: 'd1', reason: 'stolen', addedAt: 0, ...denial } as unknown as Denial] },
  });
  const allowing = { exceptions: [exception()], defaultRule: { action: 'allow', stated: true } } as const;

  it('as a digest never runs, whatever mode, exception or default says', () => {
    for (const policies of [set([policy([signedBy(one(by(A)))], { mode: 'audit' })], allowing), set([], allowing)]) {
      const decision = decided({
        policies,
        signatures: [signature(A)],
        ...deny({ kind: 'digest', digest: `sha256:${HEX}` }),
        request: { admittedBefore: true },
      });
      assert.deepEqual([decision.action, decision.code], ['deny', 'DENIED']);
    }
    assert.equal(code({ signatures: [signature(A)], facts: { indexes: ['sha256:1'] }, ...deny({ kind: 'digest', digest: 'sha256:1' }) }), 'DENIED');
  });

  it('as key, document, certificate, run or identity makes signatures count for nothing', () => {
    assert.equal(code({ signatures: [signature(A)], ...deny({ kind: 'key', key: A }) }), 'DENIED');
    assert.equal(code({ signatures: [signature(A)], ...deny({ kind: 'key', key: B }) }), 'VERIFIED');
    const mine = signature(A);
    assert.equal(code({ signatures: [mine], ...deny({ kind: 'signature', document: mine.document }) }), 'DENIED');
    const policies = set([policy([signedBy(one(identity('maria')))])]);
    const run = certified('maria', { runInvocationUri: 'https://ci.test/1' }, { times: [dated(NOW - DAY)] });
    assert.equal(code({ policies, signatures: [run], ...deny({ kind: 'run', run: 'https://ci.test/1' }) }), 'DENIED');
    assert.equal(code({ policies, signatures: [run], ...deny({ kind: 'run', run: 'https://ci.test/2' }) }), 'VERIFIED');
    assert.equal(code({ policies, signatures: [run], ...deny({ kind: 'certificate', certificate: 'd'.repeat(64) }) }), 'DENIED');
    const identityDenied = (from: number, to: number) =>
      code({ policies, signatures: [run], ...deny({ kind: 'identity', issuer: 'https://issuer.test', subject: 'maria', window: { from, to } }) });
    assert.equal(identityDenied(NOW - 2 * DAY, NOW), 'DENIED');
    assert.equal(identityDenied(NOW - DAY + 1, NOW), 'VERIFIED');
    // Dated after it, but certified before its end: whoever signed within could have had the date later.
    assert.equal(identityDenied(0, NOW - 2 * DAY), 'DENIED');
  });

  it('as entries of a log date nothing and hold nothing', () => {
    const policies = strict({ dated: { logs: 1, timestamps: 0, any: 0 } });
    const signatures = [signature(A, { times: [dated(NOW - 1)] })];
    assert.equal(code({ policies, signatures, ...deny({ kind: 'log', anchor: LOG.id, fromIndex: '8' }) }), 'VERIFIED');
    assert.equal(code({ policies, signatures, ...deny({ kind: 'log', anchor: LOG.id, fromIndex: '7' }) }), 'LOG_OUTSIDE_WINDOW');
    assert.equal(code({ policies, signatures, ...deny({ kind: 'log', anchor: LOG.id }) }), 'LOG_OUTSIDE_WINDOW');
  });
});

describe('strictness', () => {
  const answer = (strictness: Partial<Strictness>, ...signatures: ReturnType<typeof signature>[]) => code({ policies: strict(strictness), signatures });

  it('holds algorithms, hashes and sizes', () => {
    assert.equal(answer({ algorithms: ['ed25519'] }, signature(A)), 'ALGORITHM_NOT_ALLOWED');
    assert.equal(answer({ algorithms: ['ecdsa-p256-sha256'] }, signature(A)), 'VERIFIED');
    assert.equal(answer({ hashes: ['sha512'] }, signature(A)), 'ALGORITHM_NOT_ALLOWED');
    assert.equal(answer({ hashes: ['sha256'] }, signature(A)), 'VERIFIED');
    assert.equal(answer({ minimumBits: { ecdsa: 384 } }, signature(A)), 'ALGORITHM_NOT_ALLOWED');
    assert.equal(answer({ minimumBits: { ecdsa: 256, rsa: 4096 } }, signature(A)), 'VERIFIED');
    const rsa = (bits: number) => code({ policies: strict({ minimumBits: { rsa: bits } }, signedBy(one(by(RSA)))), signatures: [signature(RSA)] });
    assert.deepEqual([rsa(3072), rsa(3073)], ['VERIFIED', 'ALGORITHM_NOT_ALLOWED']);
  });

  it('holds how it must be dated, per operator', () => {
    const [log, own] = [dated(NOW - 1), dated(NOW - 1, OWN_LOG.id)];
    assert.equal(answer({ dated: { logs: 1, timestamps: 0, any: 0 } }, signature(A)), 'LOG_ENTRY_MISSING');
    assert.equal(answer({ dated: { logs: 2, timestamps: 0, any: 0 } }, signature(A, { times: [log, own] })), 'VERIFIED');
    assert.equal(answer({ dated: { logs: 2, timestamps: 0, any: 0 } }, signature(A, { times: [log, log] })), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ dated: { logs: 0, timestamps: 1, any: 0 } }, signature(A, { times: [log] })), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ dated: { logs: 0, timestamps: 0, any: 2 } }, signature(A, { times: [log] })), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ dated: { logs: 0, timestamps: 0, any: 2 } }, signature(A, { times: [log, own] })), 'VERIFIED');
  });

  it('holds ages, and says until when', () => {
    const at = (time: number, strictness: Partial<Strictness>) =>
      decided({ policies: strict(strictness), signatures: [signature(A, { times: [dated(time)] })], trust: { lease: { issuedAt: 0, endsAt: NOW * 2 } } });
    assert.equal(at(NOW - DAY, { maxAge: DAY }).code, 'VERIFIED');
    assert.equal(at(NOW - DAY, { maxAge: DAY }).until, NOW + 1);
    assert.equal(at(NOW - DAY - 1, { maxAge: DAY }).code, 'SIGNATURE_TOO_OLD');
    assert.equal(at(NOW - DAY, { minAge: DAY }).code, 'VERIFIED');
    assert.equal(at(NOW - DAY + 1, { minAge: DAY }).code, 'SIGNATURE_TOO_YOUNG');
    assert.equal(at(NOW - DAY + 1, { minAge: DAY }).until, NOW + 1);
    assert.equal(answer({ maxAge: DAY }, signature(A)), 'TIME_MISSING');
    assert.equal(answer({ maxAge: DAY }, signature(A, { times: [dated(NOW - 2 * DAY), dated(NOW)] })), 'SIGNATURE_TOO_OLD');
  });

  it('holds what the signer named', () => {
    const claimed = (repository: string, tag?: string) =>
      signature(A, { claimed: { in: 'simple-signing', repository, ...(tag === undefined ? {} : { tag }) } });
    const claim = (more: Partial<Strictness['repositoryClaim']>) => ({
      repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false, ...more } as const,
    });
    assert.equal(answer(claim({}), signature(A)), 'VERIFIED');
    assert.equal(answer(claim({}), claimed(IMAGE)), 'VERIFIED');
    assert.equal(answer(claim({}), claimed('registry.test/other')), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(answer(claim({ rule: 'any' }), claimed('registry.test/other')), 'VERIFIED');
    assert.equal(answer(claim({ rule: 'exact' }), signature(A)), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(answer(claim({ mirrors: [{ from: 'registry.test', to: 'upstream.test/x' }] }), claimed('upstream.test/x/app')), 'VERIFIED');
    assert.equal(answer(claim({ mirrors: [{ from: 'registry.tes', to: 'upstream.test' }] }), claimed('upstream.testt/app')), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(answer(claim({ rule: 'prefix', prefix: 'up.test/team' }), claimed('up.test/team/app')), 'VERIFIED');
    assert.equal(answer(claim({ rule: 'prefix', prefix: 'up.test/team' }), claimed('up.test/teams/app')), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(answer(claim({}), claimed(IMAGE, '2')), 'VERIFIED');
    assert.equal(answer(claim({ tag: true }), claimed(IMAGE, '2')), 'CLAIMED_TAG_MISMATCH');
    assert.equal(answer(claim({ tag: true }), claimed(IMAGE, '1')), 'VERIFIED');
    assert.equal(answer({ annotations: [{ key: 'stage', value: text('release') }] }, signature(A)), 'ANNOTATION_MISMATCH');
    assert.equal(answer({ annotations: [{ key: 'stage', value: text('release') }] }, signature(A, { annotations: { stage: 'release' } })), 'VERIFIED');
  });

  it('holds that classical and post-quantum stand side by side, and that neither was stripped', () => {
    const both = { ...by(A), anchors: [A, PQ] };
    const ask = (postQuantum: Strictness['postQuantum'], ...signatures: ReturnType<typeof signature>[]) =>
      code({ policies: strict({ postQuantum }, signedBy(one(both))), signatures });
    const requiredAlgorithms = ['ecdsa-p256-sha256', 'ml-dsa-65'];
    assert.equal(ask('require', signature(A), signature(PQ)), 'VERIFIED');
    assert.equal(ask('require', signature(A)), 'POST_QUANTUM_MISSING');
    assert.equal(ask('require', signature(PQ)), 'POST_QUANTUM_MISSING');
    assert.equal(ask('prefer', signature(A)), 'VERIFIED');
    assert.equal(ask('prefer', signature(A, { requiredAlgorithms })), 'COMPANION_MISSING');
    assert.equal(ask('prefer', signature(A, { requiredAlgorithms }), signature(PQ, { requiredAlgorithms })), 'VERIFIED');
    assert.equal(ask('off', signature(A, { requiredAlgorithms })), 'VERIFIED');
  });
});

describe('attestations', () => {
  const CEL = { id: 'sha256:c', text: 'a condition', kind: 'cel', expression: 'true' } as const;
  const attestation = (more: Partial<Extract<Requirement, { kind: 'attestation' }>> = {}): Requirement => ({
    name: 'scan',
    kind: 'attestation',
    predicateTypes: ['https://scan.test/v1'],
    from: [by(A), by(B)],
    atLeast: 1,
    conditions: [CEL],
    ...more,
  });
  const values: Record<string, ReturnType<NonNullable<Case['appraisals']>>> = {
    good: { value: 'holds' },
    bad: { value: 'fails', detail: 'no' },
    costly: { value: 'inconclusive', code: 'ERR_CONDITION_COST', detail: 'steps' },
    vulnerable: { value: 'fails', detail: 'CVE', findings: [{ names: ['CVE-2026-1'], severity: 'high' }] },
  };
  const appraisals: NonNullable<Case['appraisals']> = (statement, condition) =>
    condition === 'vex'
      ? statement === 'vex'
        ? { value: 'holds', excuses: [{ names: ['CVE-2026-1'], status: 'not_affected', components: [] }] }
        : undefined
      : values[statement];
  const ask = (requirement: Requirement, ...signatures: ReturnType<typeof attested>[]) =>
    decided({ policies: set([policy([requirement])]), signatures, appraisals });

  it('must be there, of the type, by whom is asked, and say what is asked', () => {
    assert.equal(ask(attestation(), attested(A, 'good')).code, 'VERIFIED');
    assert.equal(ask(attestation()).code, 'NO_ATTESTATION');
    assert.equal(ask(attestation(), attested(PQ, 'good')).code, 'KEY_MISMATCH');
    assert.equal(ask(attestation(), attested(A, 'good', { predicateType: 'x' })).code, 'PREDICATE_TYPE_MISMATCH');
    assert.equal(ask(attestation(), attested(A, 'bad')).code, 'CONDITION_FAILED');
    assert.deepEqual(
      [ask(attestation(), attested(A, 'costly')).code, ask(attestation(), attested(A, 'costly')).outcome],
      ['ERR_CONDITION_COST', 'inconclusive'],
    );
    assert.deepEqual(
      [ask(attestation(), attested(A, 'unseen')).code, ask(attestation(), attested(A, 'unseen')).outcome],
      ['CONDITION_UNKNOWN', 'inconclusive'],
    );
  });

  it('count distinct principals', () => {
    assert.equal(ask(attestation({ atLeast: 2 }), attested(A, 'good'), attested(A, 'good')).code, 'SIGNERS_MISSING');
    assert.equal(ask(attestation({ atLeast: 2 }), attested(A, 'good'), attested(B, 'good')).code, 'VERIFIED');
    assert.equal(ask(attestation({ atLeast: Number.NaN }), attested(A, 'good')).outcome, 'rejected');
  });

  it('of one authority count only as the latest dated one', () => {
    const [old, late] = [{ times: [dated(NOW - DAY)] }, { times: [dated(NOW - 1)] }];
    assert.equal(ask(attestation(), attested(A, 'good', old), attested(A, 'bad', late)).code, 'CONDITION_FAILED');
    assert.equal(ask(attestation(), attested(A, 'bad', old), attested(A, 'good', late)).code, 'VERIFIED');
    assert.equal(ask(attestation(), attested(A, 'bad'), attested(A, 'good', late)).code, 'VERIFIED');
    assert.equal(ask(attestation(), attested(A, 'bad', late), attested(B, 'good', old)).code, 'VERIFIED');
    const candidates = ask(attestation(), attested(A, 'good', old), attested(A, 'bad', late)).policies[0]?.requirements[0]?.candidates;
    assert.deepEqual(candidates?.map((one) => one.code).sort(), ['CONDITION_FAILED', 'NOT_THE_LATEST']);
  });

  it('are excused by VEX of those who may', () => {
    const scan = { id: 'sha256:s', text: 'a scan', kind: 'scan', maximum: 'low', fixableOnly: false, vex: [by(B)], ignored: [] } as const;
    assert.equal(ask(attestation({ conditions: [scan] }), attested(A, 'vulnerable')).code, 'CONDITION_FAILED');
    assert.equal(
      ask(attestation({ conditions: [scan] }), attested(A, 'vulnerable'), attested(B, 'vex', { predicateType: 'https://openvex.dev/ns' })).code,
      'VERIFIED',
    );
    assert.equal(
      ask(attestation({ conditions: [scan] }), attested(A, 'vulnerable'), attested(A, 'vex', { predicateType: 'https://openvex.dev/ns' })).code,
      'CONDITION_FAILED',
    );
  });

  it('have an age, by what others prove and by their own word, whichever is earlier', () => {
    const aged = attestation({ maxAge: DAY });
    assert.equal(ask(aged, attested(A, 'good')).code, 'TIME_MISSING');
    assert.equal(ask(aged, attested(A, 'good', { times: [dated(NOW - DAY)] })).code, 'VERIFIED');
    assert.equal(ask(aged, attested(A, 'good', { times: [dated(NOW - DAY - 1)] })).code, 'SIGNATURE_TOO_OLD');
    values['stated'] = { value: 'holds', statedAt: NOW - DAY - 1 };
    assert.equal(ask(aged, attested(A, 'stated', { times: [dated(NOW)] })).code, 'SIGNATURE_TOO_OLD');
  });
});

describe('places', () => {
  const place = (more: object) => ({ name: 'sig-tag', where: 'the tag', state: 'complete', ...more }) as const;
  const silent = { places: [place({ state: 'unavailable', cause: { code: 'ERR_REGISTRY_THROTTLED', message: 'slow', hint: '' } })] };

  it('that did not answer leave it open what is missing, never what is there', () => {
    assert.equal(code({ facts: silent, signatures: [signature(A)] }), 'VERIFIED');
    const decision = decided({ facts: silent, signatures: [] });
    assert.deepEqual([decision.outcome, decision.code, decision.action], ['inconclusive', 'ERR_REGISTRY_THROTTLED', 'deny']);
    assert.equal(code({ facts: { places: [place({ state: 'not-asked' })] } }), 'PLACE_NOT_ASKED');
    assert.equal(code({ facts: { places: [] } }), 'PLACE_NOT_ASKED');
  });

  it('must have answered lately where only the latest will do', () => {
    const latest = (askedAt: number | undefined, signatures = [signature(A)]) =>
      code({
        signatures,
        facts: { places: [place(askedAt === undefined ? {} : { askedAt })] },
        policies: set([policy([{ ...signedBy(one(by(A))), latest: { maxLag: 10 } } as Requirement])]),
      });
    assert.deepEqual([latest(NOW - 10), latest(NOW - 11), latest(undefined)], ['VERIFIED', 'EVIDENCE_STALE', 'EVIDENCE_STALE']);
  });

  it('and modes: the table of outcomes', () => {
    const act = (more: Partial<ImagePolicy>, admittedBefore: boolean, found: Partial<Case>) =>
      decided({ ...found, request: { admittedBefore }, policies: set([policy([signedBy(one(by(A)))], more)]) }).action;
    const unclear = { facts: silent };
    assert.deepEqual(
      (['enforce', 'warn', 'audit'] as const).map((mode) => act({ mode }, false, {})),
      ['deny', 'warn', 'allow'],
    );
    assert.deepEqual(
      (['enforce', 'warn', 'audit'] as const).map((mode) => act({ mode }, false, unclear)),
      ['deny', 'warn', 'allow'],
    );
    assert.equal(act({ onInconclusive: 'allow-admitted-before' }, true, unclear), 'allow');
    assert.equal(act({ onInconclusive: 'allow-admitted-before' }, false, unclear), 'deny');
    assert.equal(act({ onInconclusive: 'allow-admitted-before' }, true, {}), 'deny');
    assert.equal(act({ modes: [{ environment: 'prod', mode: 'audit' }] }, false, {}), 'allow');
    assert.equal(act({ modes: [{ environment: 'dev', mode: 'audit' }] }, false, {}), 'deny');
  });
});
