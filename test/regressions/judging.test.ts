/** Regressions of others, held here: thresholds, time, policies and who may lift them. The names are those of the public advisories. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileTrusted, loadAppraiser, loadPolicyCompiler, type PolicySet } from '../../src/core/policy/index.ts';
import {
  A,
  B,
  by,
  type Case,
  certified,
  code,
  dated,
  decided,
  exception,
  EVERYWHERE,
  LOG,
  NOW,
  of,
  one,
  OWN_LOG,
  policy,
  PQ,
  set,
  signature,
  signedBy,
  text,
  version,
} from '../hand-made.ts';

const { compilePolicies, compileNamespaced } = await loadPolicyCompiler();
const { appraise } = await loadAppraiser();
const DAY = 86_400_000;
const header = (kind: string, name: string): string => `apiVersion: sealward.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

function compiled(spec: string): PolicySet {
  const result = compilePolicies([{ name: 'p', text: `${header('ImagePolicy', 'p')}spec: ${spec}` }]);
  if (!result.ok) assert.fail(JSON.stringify(result.problems));
  return result.policies;
}

function refused(spec: string): string {
  const result = compilePolicies([{ name: 'p', text: `${header('ImagePolicy', 'p')}spec: ${spec}` }]);
  return result.ok ? '' : result.problems.map(({ message }) => message).join('; ');
}

describe('thresholds', () => {
  it('@sigstore/verify 4.1.1, CVE-2026-49834: one log counts once, by the same entry and by another', () => {
    const two = set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 2, timestamps: 0, any: 0 } } })]);
    const entries = (...all: [string, string][]) => all.map(([anchor, index]) => ({ anchor, index, included: true, promisedAt: NOW - 1 }));
    const held = (...all: [string, string][]) => code({ policies: two, signatures: [signature(A, { times: [dated(NOW - 1)], entries: entries(...all) })] });
    assert.equal(held([LOG.id, '7'], [LOG.id, '7']), 'THRESHOLD_NOT_MET');
    assert.equal(held([LOG.id, '7'], [LOG.id, '8']), 'THRESHOLD_NOT_MET');
    assert.equal(held([LOG.id, '7'], [OWN_LOG.id, '7']), 'VERIFIED');
  });

  it('PYSEC-2020-145: a person who signs by key and by identity is one', () => {
    const principals = [{ name: 'maria', keys: [A], identities: [{ issuer: 'https://issuer.test', subject: 'maria' }] }];
    const maria = {
      kind: 'keyless',
      name: 'maria',
      identities: [{ issuer: text('https://issuer.test'), subject: text('maria'), claims: [] }],
      anchors: [],
      certificateLog: false,
    } as const;
    const policies = set([policy([signedBy(of(2, one(by(A)), one(maria)))])]);
    const signatures = [signature(A), certified('maria', {}, {}, {})].map((found, at) =>
      at === 0 ? found : { ...found, signers: found.signers.map((signer) => ({ ...signer, key: 'e'.repeat(64) })) },
    );
    assert.equal(code({ policies, signatures, trust: { principals } }), 'SIGNERS_MISSING');
    assert.equal(code({ policies, signatures }), 'VERIFIED');
  });
});

describe('time', () => {
  it('CVE-2024-23332: an old signature does not pass where an age is asked for, and not in silence where it is only watched', () => {
    const aged = (mode: 'enforce' | 'warn' | 'audit', at: number) =>
      decided({ signatures: [signature(A, { times: [dated(at)] })], policies: set([policy([signedBy(one(by(A)))], { mode, strictness: { maxAge: DAY } })]) });
    assert.equal(aged('enforce', NOW - DAY).action, 'allow');
    for (const [mode, action] of [
      ['enforce', 'deny'],
      ['warn', 'warn'],
      ['audit', 'allow'],
    ] as const) {
      const { action: done, code: why, outcome } = aged(mode, NOW - DAY - 1);
      assert.deepEqual([done, why, outcome], [action, 'SIGNATURE_TOO_OLD', 'rejected']);
    }
    // A later date beside the old one makes nothing younger.
    const redated = signature(A, { times: [dated(NOW - 2 * DAY), dated(NOW, OWN_LOG.id)] });
    assert.equal(code({ signatures: [redated], policies: set([policy([signedBy(one(by(A)))], { strictness: { maxAge: DAY } })]) }), 'SIGNATURE_TOO_OLD');
  });

  it('CVE-2024-56138: a timestamp authority that was revoked dates nothing', () => {
    const stamp = { ...dated(NOW - 5), by: 'timestamp-authority' } as const;
    const policies = set([policy([signedBy(one(by(A)))], { strictness: { dated: { logs: 0, timestamps: 1, any: 0 } } })]);
    const found = (...keys: Parameters<typeof version>[1][]) =>
      code({
        policies,
        signatures: [signature(A, { times: [stamp] })],
        trust: { keys: keys.map((key) => version(LOG.id, { role: 'timestamp-authority', ...key })) },
      });
    assert.equal(found(), 'VERIFIED');
    assert.equal(found({}), 'VERIFIED');
    for (const state of ['revoked-all', 'compromised', 'suspended'] as const) assert.equal(found({ state }), 'THRESHOLD_NOT_MET', state);
    assert.equal(found({ state: 'retired', retiredAt: NOW - 6 }), 'THRESHOLD_NOT_MET');
  });

  it('GHSA-wqqc-jjcq-vfxm: a key counts within its window alone, both ends included', () => {
    const at = (time: number) =>
      code({ signatures: [signature(A, { times: [dated(time)] })], trust: { keys: [version(A, { window: { from: NOW - 9, to: NOW - 5 } })] } });
    assert.deepEqual([at(NOW - 10), at(NOW - 9), at(NOW - 5), at(NOW - 4)], ['KEY_NOT_ACTIVE', 'VERIFIED', 'VERIFIED', 'KEY_OUTSIDE_WINDOW']);
  });
});

describe('policies', () => {
  it('CVE-2024-47534, CVE-2025-2886: of policies that overlap each must be satisfied, in whatever order they stand', () => {
    const policies = [
      policy([signedBy(one(by(A)))], { name: 'all' }),
      policy([signedBy(one(by(B)))], { name: 'ours', scope: { ...EVERYWHERE, clusters: [text('c')] } }),
      policy([signedBy(one(by(PQ)))], { name: 'here', scope: { ...EVERYWHERE, namespaces: [text('shop')] } }),
    ];
    for (const order of [policies, [...policies].reverse(), [policies[1], policies[2], policies[0]] as typeof policies]) {
      const all = [signature(A), signature(B), signature(PQ)];
      assert.equal(code({ policies: set(order), signatures: all }), 'VERIFIED');
      for (const missing of all) assert.equal(decided({ policies: set(order), signatures: all.filter((found) => found !== missing) }).action, 'deny');
    }
  });

  it('CVE-2025-29778, CVE-2026-48815: every part of an identity that can be written is compared', () => {
    const certificate = {
      sourceRepository: 'sourceRepositoryUri',
      sourceRepositoryId: 'sourceRepositoryId',
      sourceOwner: 'sourceRepositoryOwnerUri',
      sourceOwnerId: 'sourceRepositoryOwnerId',
      sourceRef: 'sourceRepositoryRef',
      sourceDigest: 'sourceRepositoryDigest',
      sourceVisibility: 'sourceRepositoryVisibility',
      buildSigner: 'buildSignerUri',
      buildSignerDigest: 'buildSignerDigest',
      buildConfig: 'buildConfigUri',
      buildConfigDigest: 'buildConfigDigest',
      buildTrigger: 'buildTrigger',
      runInvocation: 'runInvocationUri',
      runnerEnvironment: 'runnerEnvironment',
      deploymentEnvironment: 'deploymentEnvironment',
      tokenSubject: 'tokenSubject',
      workflowName: 'githubWorkflowName',
      workflowRepository: 'githubWorkflowRepository',
      workflowRef: 'githubWorkflowRef',
      workflowSha: 'githubWorkflowSha',
      workflowTrigger: 'githubWorkflowTrigger',
    };
    const judge = (identity: string, claims: Record<string, string>) =>
      code({
        policies: compiled(`{ authorities: [{ name: ci, keyless: { certificateLog: false, identities: [{ ${identity} }] } }], signatures: ci }`),
        signatures: [certified('maria', claims)],
      });
    const who = 'issuer: "https://issuer.test", subject: maria';
    assert.equal(judge(who, {}), 'VERIFIED');
    assert.equal(judge('issuer: "https://issuer.test", subject: tom', {}), 'IDENTITY_MISMATCH');
    assert.equal(judge('issuer: "https://other.test", subject: maria', {}), 'ISSUER_MISMATCH');
    for (const [member, claim] of Object.entries(certificate)) {
      assert.equal(judge(`${who}, ${member}: wanted`, { [claim]: 'wanted' }), 'VERIFIED', member);
      assert.equal(judge(`${who}, ${member}: wanted`, { [claim]: 'wanted2' }), 'CLAIM_MISMATCH', member);
      assert.equal(judge(`${who}, ${member}: wanted`, {}), 'CLAIM_MISMATCH', member);
    }
  });

  it('CVE-2026-22772, CVE-2026-25542: patterns match whole values, so that no address hides behind another', () => {
    const issued = (pattern: string, issuer: string) =>
      code({
        policies: compiled(
          `{ authorities: [{ name: ci, keyless: { certificateLog: false, identities: [{ issuer: ${pattern}, subject: maria }] } }], signatures: ci }`,
        ),
        signatures: [certified('maria', { issuer })],
      });
    for (const pattern of ['"https://good.test"', '"https://good.test/*"', '{ regex: "https://good[.]test(/.*)?" }'])
      for (const evil of [
        'https://evil.test/?x=https://good.test',
        'https://good.test.evil.test',
        'https://evil.test\nhttps://good.test',
        ' https://good.test',
      ])
        assert.equal(issued(pattern, evil), 'ISSUER_MISMATCH', `${pattern} ${evil}`);
    assert.equal(issued('"https://good.test"', 'https://good.test'), 'VERIFIED');
  });

  it('CVE-2021-41087, GHSA-pmwq-pjrm-6p5r: a glob has stars and nothing else, the same everywhere', () => {
    const matches = (pattern: string, namespace: string) =>
      decided({
        request: { place: { namespace } },
        policies: {
          ...set([
            policy([{ name: 'no', kind: 'refusal', reason: 'x' }], {
              scope: { ...EVERYWHERE, namespaces: compiled(`{ match: { namespaces: [${pattern}] }, refuse: x }`).policies[0]?.scope.namespaces ?? [] },
            }),
          ]),
          defaultRule: { action: 'allow', stated: true },
        },
      }).action === 'deny';
    assert.ok(matches('"a*"', 'ab') && matches('"*"', 'ab') && !matches('"a*"', 'ba'));
    for (const pattern of ['"[!x]b"', '"[^x]b"', '"{a,b}b"', '"?b"'])
      assert.match(refused(`{ match: { namespaces: [${pattern}] }, refuse: x }`), /cannot be used/, pattern);
  });
});

describe('what a policy may reach', () => {
  it('CVE-2022-36085, CVE-2025-46569, CVE-2026-22039, GHSA-8wfp-579w-6r25, CVE-2026-29773: nothing but the statement it is about', () => {
    const condition = (expression: string) =>
      refused(
        `{ authorities: [{ name: a, key: { fingerprint: "${'1'.repeat(64)}" } }], attestations: [{ type: "https://x.test/v1", from: [a], condition: ${JSON.stringify(expression)} }] }`,
      );
    assert.equal(condition('predicate.ok == true'), '');
    for (const reach of [
      'http.send({})',
      'fetch("https://x.test")',
      'env("HOME")',
      'readFile("/etc/passwd")',
      'now() > timestamp("2026-01-01T00:00:00Z")',
      'kubernetes.get("secrets")',
      'request.namespace == "x"',
    ])
      assert.match(condition(reach), /there is no function|it names/, reach);
    for (const member of ['context: [{ apiCall: { urlPath: /api } }]', 'globalContext: x', 'verifyImages: []'])
      assert.match(refused(`{ refuse: x, ${member} }`), /is not known here/, member);
  });

  it('CVE-2025-47281, CVE-2026-41485, CVE-2026-23881: and so many steps, the same on every machine', () => {
    const list = Array.from({ length: 2000 }, (_, at) => at);
    const statement = { version: 'v1', subjects: [], predicateType: 'https://x.test/v1', predicate: { list } } as const;
    const judged = (expression: string) => appraise(statement, { id: 'sha256:0', text: 'it', kind: 'cel', expression });
    assert.equal(judged('predicate.list.all(x, x >= 0)').value, 'holds');
    for (const expression of [
      'predicate.list.all(x, predicate.list.all(y, predicate.list.exists(z, z == x + y || true)))',
      'predicate.list.map(x, predicate.list.map(y, predicate.list)).size() > 0',
    ]) {
      const found = judged(expression);
      assert.deepEqual([found.value, found.value === 'inconclusive' && found.code], ['inconclusive', 'ERR_CONDITION_COST']);
    }
  });
});

describe('exceptions', () => {
  const asked = policy([signedBy(one(by(A)))]);
  const lifted = (...exceptions: ReturnType<typeof exception>[]) => decided({ policies: set([asked, { ...asked, name: 'q' }], { exceptions }) });

  it('CVE-2024-48921: nobody of a namespace makes one', () => {
    const document = `${header('ImageException', 'x')}spec: { reason: r, approvedBy: [a], from: 2026-01-01T00:00:00Z, until: 2027-01-01T00:00:00Z, match: { images: ["**"] } }`;
    const result = compileNamespaced({ name: 'x', text: document }, 'shop', { keys: [] });
    assert.ok(!result.ok);
    const byPolicies = compileTrusted(
      { policies: [{ path: 'policy/x.yaml', digest: 'sha256:0', text: document }], exceptions: [], keys: [] },
      { compilePolicies },
    );
    assert.ok(!byPolicies.ok, 'nor does who signs policies');
  });

  it('GHSA-gg4x-fgg2-h9w9: of two the laxer lifts nothing but what it names, and an ended one nothing', () => {
    const [p, q] = [exception({ name: 'p', policies: ['p'] }), exception({ name: 'q', policies: ['q'] })];
    assert.equal(lifted(p, q).code, 'EXCEPTED');
    assert.deepEqual([lifted(p).action, lifted(q).action], ['deny', 'deny']);
    const ended = exception({ name: 'wide', window: { from: 0, to: NOW - 1 } });
    for (const order of [
      [ended, p],
      [p, ended],
    ])
      assert.equal(lifted(...order).action, 'deny');
    const digest = exception({ name: 'one image', digests: ['sha256:other'] });
    assert.equal(lifted(digest).action, 'deny');
    const denials = [{ id: 'd', kind: 'key', key: A, reason: '', addedAt: 0 }] as const;
    const denied: Case = { policies: set([asked], { exceptions: [exception()] }), trust: { denials }, signatures: [signature(A)] };
    assert.equal(code(denied), 'EXCEPTED', 'said so, and by name');
    assert.equal(decided(denied).policies[0]?.requirements[0]?.code, 'DENIED');
  });
});
