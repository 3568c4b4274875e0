/** The explanation: of each policy and requirement what was asked, of each candidate whether it counts, as whom, or why not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  A,
  attested,
  B,
  by,
  type Case,
  certified,
  dated,
  decided,
  exception,
  HEX,
  identity,
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
} from '../../../test/hand-made.ts';
import type { Requirement } from '../policy/index.ts';
import type { SignatureFacts } from './facts.ts';
import type { RequirementJudgement } from './index.ts';

const ask = (requirement: Requirement, question: Case): RequirementJudgement => {
  const [judged] = decided({ ...question, policies: set([policy([requirement])]) }).policies[0]?.requirements ?? [];
  assert.ok(judged);
  return judged;
};
const key = (id: string): string => `key ${id.slice(0, 6)}`;
const CONDITIONS = ['low', 'high'].map((id) => ({ id, text: `it is ${id}`, kind: 'cel', expression: 'true' }) as const);
const scan = (more: Partial<Extract<Requirement, { kind: 'attestation' }>> = {}): Requirement => ({
  name: 'scan',
  kind: 'attestation',
  predicateTypes: ['https://scan.test/v1', 'https://scan.test/v2'],
  from: [by(A), by(B)],
  atLeast: 1,
  conditions: [],
  ...more,
});

describe('an explanation', () => {
  it('of a policy names it, where it stands, its mode, and whom to ask', () => {
    const people = { owner: 'platform', contact: '#images', runbook: 'https://run.test', message: 'ask' };
    const about = { policy: 'p', digest: `sha256:${HEX}`, source: 'p.yaml:1' };
    const of = (more: object, question: Case = {}) => {
      const [judged] = decided({ ...question, policies: set([policy([signedBy(one(by(A)))], more)]) }).policies;
      const { requirements, ...rest } = judged as { requirements: readonly RequirementJudgement[] };
      assert.equal(requirements.length, 1);
      return rest;
    };
    assert.deepEqual(of(people), { ...about, mode: 'enforce', outcome: 'rejected', action: 'deny', code: 'NO_SIGNATURE', ...people });
    assert.deepEqual(of({ modes: [{ environment: 'prod', mode: 'warn' }] }), {
      ...about,
      mode: 'warn',
      outcome: 'rejected',
      action: 'warn',
      code: 'NO_SIGNATURE',
    });
    assert.deepEqual(of({}, { signatures: [signature(A)] }), { ...about, mode: 'enforce', outcome: 'verified', action: 'allow', code: 'VERIFIED' });
  });

  it('says when a signature was there at the latest, by the first of those that are trusted to say so', () => {
    const signatures = [signature(A, { times: [dated(NOW - 50), dated(NOW - 70, OWN_LOG.id), dated(NOW - 90, 'f'.repeat(64))] }), signature(B)];
    const judged = ask(signedBy(of(1, one(by(A)), one(by(B)))), { signatures });
    assert.deepEqual(
      new Map(judged.candidates.map(({ signer, counts, datedAt }) => [signer, [counts, datedAt]])),
      new Map([
        [`the key ${A.slice(0, 16)}`, [true, NOW - 70]],
        [`the key ${B.slice(0, 16)}`, [true, undefined]],
      ]),
    );
  });

  it('lists policies by name and digest, in whatever order they were given', () => {
    const named = (name: string, digest: string) => policy([signedBy(one(by(A)))], { name, digest });
    const all = [named('b', '2'), named('a', '3'), named('b', '1'), named('c', '0')];
    for (const order of [all, [...all].reverse(), [...all].sort((a, b) => (a.digest < b.digest ? -1 : 1))])
      assert.deepEqual(
        decided({ policies: set(order) }).policies.map((judged) => `${judged.policy}${judged.digest}`),
        ['a3', 'b1', 'b2', 'c0'],
      );
  });

  it('of an exception names it, beside what would have been said without it', () => {
    const [judged] = decided({ policies: set([policy([signedBy(one(by(A)))])], { exceptions: [exception()] }) }).policies;
    assert.deepEqual([judged?.code, judged?.exception, judged?.outcome, judged?.requirements[0]?.code], ['EXCEPTED', 'e1', 'verified', 'NO_SIGNATURE']);
  });

  it('of signatures lists every candidate: who it is, as whom it counts, or what it lacks', () => {
    const [good, bad] = [signature(A), signature(B)];
    const nobody: SignatureFacts = { ...signature(PQ), signers: [] };
    const strange = signature(A, { role: 'unknown', predicateType: 'https://odd.test/v1' });
    const beside = attested(A, 'sha256:s');
    const requirement = signedBy(of(2, one(by(A)), one(by(PQ))));
    const judged = ask(requirement, { signatures: [bad, good, nobody, strange, beside] });
    const nearest = `it was made with the key ${B.slice(0, 16)}`;
    const place = 'referrers-api';
    const [first, second] = [key(A), key(PQ)].sort();
    assert.deepEqual(judged, {
      name: 'signatures',
      outcome: 'rejected',
      wanted: `2 of ${key(A)}, ${key(PQ)}`,
      code: 'SIGNERS_MISSING',
      detail: `signed by key:${A}; wanted was 2 of ${key(A)}, ${key(PQ)}; ${nearest}`,
      candidates: [
        { document: good.document, place, signer: `the key ${A.slice(0, 16)}`, authority: key(A), principal: `key:${A}`, counts: true },
        { document: bad.document, place, signer: `the key ${B.slice(0, 16)}`, counts: false, authority: first, code: 'KEY_MISMATCH', detail: nearest },
        {
          document: nobody.document,
          place,
          signer: 'somebody who is not trusted',
          counts: false,
          authority: first,
          code: 'SIGNATURE_INVALID',
          detail: 'no key that is trusted made it',
        },
        {
          document: strange.document,
          place,
          predicateType: 'https://odd.test/v1',
          signer: `the key ${A.slice(0, 16)}`,
          counts: false,
          authority: first,
          code: 'FORMAT_UNSUPPORTED',
          detail: '',
        },
      ],
    });
    assert.ok(second);
  });

  it('of signatures of one authority calls none the latest: each counts', () => {
    const signatures = [signature(A, { times: [dated(NOW - 9)] }), signature(A, { times: [dated(NOW - 5)] })];
    assert.deepEqual(
      ask(signedBy(one(by(A))), { signatures }).candidates.map(({ counts }) => counts),
      [true, true],
    );
  });

  it('lists the signatures of one document by signer', () => {
    const document = 'sha256:same';
    const pair = [signature(A, { document }), signature(PQ, { document })];
    for (const signatures of [pair, [...pair].reverse()]) {
      const { candidates } = ask(signedBy(one(by(B))), { signatures });
      assert.deepEqual(
        candidates.map(({ signer }) => signer),
        [A, PQ].map((id) => `the key ${id.slice(0, 16)}`).sort(),
      );
    }
  });

  it('names a certificate by its name and issuer, or by its subject', () => {
    const signer = (found: SignatureFacts) => ask(signedBy(one(identity('maria'))), { signatures: [found] }).candidates[0]?.signer;
    assert.equal(signer(certified('maria')), 'maria (https://issuer.test)');
    assert.equal(signer(certified('', {}, {}, { names: ['tom', 'ann'] })), 'tom (https://issuer.test)');
    assert.equal(signer(certified('', {}, {}, { names: [], subject: 'CN=ci' })), 'CN=ci (https://issuer.test)');
    assert.equal(signer(certified('maria', { issuer: undefined as never })), 'maria');
  });

  it('says what is asked of attestations: type, by whom, how many, and so that what', () => {
    const wanted = (more: object) => ask(scan(more), {}).wanted;
    const [types, both] = ['https://scan.test/v1 or https://scan.test/v2', `${key(A)}, ${key(B)}`];
    assert.equal(wanted({}), `${types} by ${both}`);
    assert.equal(wanted({ atLeast: 2 }), `${types} by 2 of ${both}`);
    assert.equal(wanted({ conditions: CONDITIONS }), `${types} by ${both}, so that it is low and it is high`);
    assert.equal(ask({ name: 'no', kind: 'refusal', reason: 'given up' }, {}).wanted, 'no image of this name');
    const image: Requirement = { name: 'image', kind: 'image', repositories: [], tags: [], labels: [] };
    assert.deepEqual(ask(image, { signatures: [signature(A)] }), {
      name: 'image',
      outcome: 'verified',
      wanted: 'names and labels of the image',
      code: 'VERIFIED',
      candidates: [],
    });
    assert.equal(ask(signedBy(of(1, of(1, one(by(A)), one(by(B))))), {}).wanted, `(1 of ${both})`);
    assert.equal(ask(signedBy(of(2, one(by(PQ)), of(1, one(by(A)), one(by(B))))), {}).wanted, `2 of ${key(PQ)}, (1 of ${both})`);
  });

  it('of attestations says which was replaced by a later one, and which does not say what is asked', () => {
    const [old, late, others] = [
      attested(A, 'old', { times: [dated(NOW - 9)] }),
      attested(A, 'late', { times: [dated(NOW - 5)] }),
      attested(B, 'others', { times: [dated(NOW - 7)] }),
    ];
    const question: Case = {
      signatures: [old, late, others],
      appraisals: (statement) => (statement === 'late' ? { value: 'holds' } : { value: 'fails', detail: `${statement} is bad` }),
    };
    const told = (requirement: Requirement) =>
      ask(requirement, question).candidates.map(({ document, counts, authority, principal, code, detail, predicateType }) => {
        assert.equal(predicateType, 'https://scan.test/v1');
        return [[old, late, others].findIndex((one) => one.document === document), counts, authority, principal, code, detail];
      });
    const expected = [
      [1, true, key(A), `key:${A}`, undefined, undefined],
      [0, false, key(A), `key:${A}`, 'NOT_THE_LATEST', 'a later one takes its place'],
      [2, false, key(B), `key:${B}`, 'CONDITION_FAILED', 'it is low: others is bad'],
    ];
    assert.deepEqual(told(scan({ conditions: CONDITIONS.slice(0, 1) })), expected);
    assert.deepEqual(told(scan({ conditions: CONDITIONS.slice(0, 1), atLeast: 2 })), expected);
    const team = scan({ from: [by(A, { anchors: [A, B] })], conditions: CONDITIONS.slice(0, 1) });
    const codes = (requirement: Requirement) => ask(requirement, question).candidates.map(({ code }) => code);
    assert.deepEqual(codes(team), [undefined, 'NOT_THE_LATEST', 'NOT_THE_LATEST']);
    assert.deepEqual(codes({ ...team, atLeast: 2 } as Requirement), [undefined, 'NOT_THE_LATEST', 'CONDITION_FAILED'], 'each signer of its own');
    assert.deepEqual(codes(scan({ predicateTypes: ['https://other.test/v1'] })), [
      'PREDICATE_TYPE_MISMATCH',
      'PREDICATE_TYPE_MISMATCH',
      'PREDICATE_TYPE_MISMATCH',
    ]);
  });

  it('tells what is open apart from what is refused', () => {
    const silent = { facts: { places: [{ name: 'sig-tag', where: 'the tag', state: 'not-asked' } as const] } };
    const open = ask(signedBy(one(by(A))), silent);
    assert.deepEqual(
      [open.outcome, open.code, open.detail],
      ['inconclusive', 'PLACE_NOT_ASKED', 'the tag: it was not asked; no place that answered holds one'],
    );
    assert.equal(ask(signedBy(one(by(A))), { ...silent, signatures: [signature(A)] }).outcome, 'verified');
  });

  it('does not depend on the order in which anything was found, and reading it changes no answer', () => {
    const signatures = [signature(B), signature(A, { times: [dated(NOW - 5)] }), signature(PQ), signature(A), certified('maria')];
    const policies = set([policy([signedBy(of(2, one(by(A)), one(by(PQ)), one(identity('tom'))))], { strictness: { maxAge: 10 } })]);
    const first = decided({ policies, signatures });
    const { until } = first;
    const told = JSON.stringify(first.policies);
    assert.equal(first.until, until);
    for (const turned of [[...signatures].reverse(), [...signatures.slice(2), ...signatures.slice(0, 2)], [...signatures.slice(3), ...signatures.slice(0, 3)]])
      assert.equal(JSON.stringify(decided({ policies, signatures: turned }).policies), told);
  });

  it('does not depend on the order of signatures over one payload, nor of documents that nobody can read', () => {
    const payload = `sha256:${'7'.repeat(64)}`;
    const signatures = [A, B, PQ, RSA].map((key, at) => signature(key, { document: payload, times: [dated(NOW - 50 - at)] }));
    const policies = set([policy([signedBy(of(2, ...[PQ, B, A, RSA].map((key) => one(by(key)))))], { strictness: { maxAge: 10 } })]);
    const unreadable = ['no JSON', 'too deep', 'no object'].map((detail, at) => ({
      document: `sha256:${String(at).repeat(64)}`,
      place: 'sig-tag' as const,
      code: at === 1 ? ('ALGORITHM_REFUSED' as const) : ('BUNDLE_MALFORMED' as const),
      detail,
    }));
    const told = (some: typeof signatures, broken: typeof unreadable): string =>
      JSON.stringify(
        [some, []]
          .map((one) => decided({ policies, signatures: one, facts: { unreadable: broken } }))
          .map(({ message, policies: judged }) => [message, judged]),
      );
    for (const at of [0, 1, 2, 3])
      assert.equal(
        told([...signatures.slice(at), ...signatures.slice(0, at)].reverse(), [...unreadable.slice(at % 3), ...unreadable.slice(0, at % 3)]),
        told(signatures, unreadable),
      );
  });
});
