import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignedText } from '../trust/index.ts';
import { compileTrusted, loadPolicyCompiler } from './index.ts';

const compiler = await loadPolicyCompiler();

const policy = (name: string): string =>
  `apiVersion: sealward.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: ${name} }\nspec: { authorities: [{ name: a, key: { fingerprint: "${'1'.repeat(64)}" } }], signatures: a }\n`;
const exception = (name: string): string =>
  `apiVersion: sealward.dev/v1alpha1\nkind: ImageException\nmetadata: { name: ${name} }\nspec:\n  digests: ["sha256:${'3'.repeat(64)}"]\n  policies: [app]\n  reason: r\n  approvedBy: [a@example.test, b@example.test]\n  from: 2026-11-01T00:00:00Z\n  until: 2026-11-08T00:00:00Z\n`;
const RULE = 'apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: rule }\nspec: { action: allow }\n';
const shared = (name: string): string =>
  `apiVersion: sealward.dev/v1alpha1\nkind: Authorities\nmetadata: { name: shared }\nspec: { authorities: [{ name: ${name}, key: { fingerprint: "${'2'.repeat(64)}" } }] }\n`;
const signed = (path: string, ...documents: string[]): SignedText => ({ path, digest: '', text: documents.join('---\n') });

function problems(policies: SignedText[], exceptions: SignedText[]): string[] {
  const result = compileTrusted({ policies, exceptions, keys: [] }, compiler);
  return result.ok ? [] : result.problems.map(({ source, line, message }) => `${source}:${line}: ${message}`);
}

test('policies and exceptions count in the role that may sign them', () => {
  const result = compileTrusted(
    { policies: [signed('policy/a.yaml', policy('app'), RULE)], exceptions: [signed('exceptions/x.yaml', exception('hotfix'))], keys: [] },
    compiler,
  );
  assert.ok(result.ok);
  assert.deepEqual(
    [result.policies.policies.map(({ name }) => name), result.policies.exceptions.map(({ name }) => name), result.policies.defaultRule.action],
    [['app'], ['hotfix'], 'allow'],
  );
});

test('an exception that the role of policies signed, and anything else that the role of exceptions signed, is refused whole', () => {
  const app = signed('policy/a.yaml', policy('app'));
  assert.deepEqual(problems([signed('policy/a.yaml', policy('app'), exception('hotfix'))], []), [
    'policy/a.yaml:6: the ImageException hotfix is signed by the role of policies',
  ]);
  assert.deepEqual(problems([app], [signed('exceptions/x.yaml', policy('other'))]), [
    'exceptions/x.yaml:1: the ImagePolicy other is signed by the role of exceptions',
  ]);
  assert.deepEqual(problems([app], [signed('exceptions/x.yaml', RULE)]), ['exceptions/x.yaml:1: a DefaultRule is signed by the role of exceptions']);
  // Whom a policy trusts is said by those who sign policies.
  const borrowed = signed('policy/b.yaml', policy('app').replace(/spec: .*/, 'spec: { signatures: elsewhere }'));
  assert.match(problems([borrowed], [signed('exceptions/x.yaml', shared('elsewhere'))])[0] ?? '', /^policy\/b\.yaml:4: .*elsewhere/);
});

test('what cannot be understood is a problem with its place, whoever signed it', () => {
  assert.match(problems([signed('policy/a.yaml', 'kind: ImagePolicy\n')], [])[0] ?? '', /^policy\/a\.yaml:1: /);
  assert.match(
    problems([signed('policy/a.yaml', policy('app'))], [signed('exceptions/x.yaml', exception('x').replace('reason: r', 'raeson: r'))])[0] ?? '',
    /^exceptions\/x\.yaml:\d+: /,
  );
});
