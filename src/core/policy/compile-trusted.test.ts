import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignedText } from '../trust/index.ts';
import { compileBeside, compileTrusted, loadPolicyCompiler } from './index.ts';

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

const APP = signed('policy/a.yaml', policy('app'), RULE);
const HOTFIX = signed('exceptions/x.yaml', exception('hotfix'));

function beside(policies: SignedText[], exceptions: SignedText[], ...brought: string[]): { names?: string[]; says?: string[]; rule?: string } {
  const result = compileBeside({ policies, exceptions, keys: [] }, [{ name: 'mine.yaml', text: brought.join('---\n') }], compiler);
  if (!result.ok) return { says: result.problems.map(({ source, line, message }) => `${source}:${line}: ${message}`) };
  const { policies: all, exceptions: lifts, defaultRule } = result.policies;
  return { names: [...all.map(({ name }) => name), ...lifts.map(({ name }) => name)].sort(), rule: defaultRule.action };
}

test('what is brought beside policies in force is asked on top of them, and what both say counts once', () => {
  assert.deepEqual(beside([APP], [HOTFIX], policy('more')), { names: ['app', 'hotfix', 'more'], rule: 'allow' });
  assert.deepEqual(beside([APP], [HOTFIX], policy('app')), { names: ['app', 'hotfix'], rule: 'allow' });
  const stricter = policy('app').replace('1'.repeat(64), '4'.repeat(64));
  assert.deepEqual(beside([APP], [], stricter), { names: ['app', 'app'], rule: 'allow' });
});

test('what is brought beside policies in force lifts none of them', () => {
  assert.deepEqual(beside([APP], [], policy('app'), exception('mine')).says, [
    'mine.yaml:6: the ImageException mine stands beside the policies of a trust state, whose roles alone make exceptions',
  ]);
  assert.match(beside([APP], [], policy('more'), RULE).says?.join() ?? '', /a DefaultRule stands beside the policies of a trust state/);
  assert.equal(beside([signed('policy/a.yaml', 'kind: none')], [], 'kind: nothing').says?.length, 2);
});

test('where the trust state has no policies, what is brought says what holds, under the exceptions of the state', () => {
  assert.deepEqual(beside([], [HOTFIX], policy('app'), RULE), { names: ['app', 'hotfix'], rule: 'allow' });
  assert.match(beside([], [HOTFIX], policy('other')).says?.join() ?? '', /there is no policy app/);
  assert.match(beside([], [signed('exceptions/x.yaml', RULE)], policy('app')).says?.join() ?? '', /a DefaultRule is signed by the role of exceptions/);
});
