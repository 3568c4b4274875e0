import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lintPolicies, loadPolicyCompiler } from './index.ts';
import { LINT_RULES } from './lint.ts';

const { compilePolicies } = await loadPolicyCompiler();

function lints(text: string): string[] {
  const compiled = compilePolicies([{ name: 'p.yaml', text }], {
    keys: [{ name: 'release', version: 1, anchor: '22'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } }],
  });
  if (!compiled.ok) assert.fail(JSON.stringify(compiled.problems));
  return lintPolicies(compiled.policies).map(({ rule }) => rule);
}

const document = (kind: string, spec: unknown): string => JSON.stringify({ apiVersion: 'sealward.dev/v1alpha1', kind, metadata: { name: 'one' }, spec });
const DATED = { strictness: { dated: 'either' } };
const key = { fingerprint: '11'.repeat(32) };
const policy = (authority: object, rest: object = {}): string =>
  document('ImagePolicy', { authorities: [{ name: 'a', ...authority }], signatures: 'a', ...DATED, ...rest });
const keyless = (identity: object): string => policy({ keyless: { identities: [identity] } });

const GITHUB = 'https://token.actions.githubusercontent.com';
const WORKFLOW = 'https://github.com/team/app/.github/workflows/release.yml@refs/heads/main';
const exception = (rest: object): string =>
  document('ImageException', { reason: 'r', approvedBy: ['x'], from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z', ...rest });

const CASES: readonly (readonly [what: string, text: string, rules: readonly (keyof typeof LINT_RULES)[]])[] = [
  ['a key with an end', policy({ key, validUntil: '2027-01-01T00:00:00Z' }), []],
  ['a key without one', policy({ key }), ['key-without-end']],
  ['a key of the trust state ends there', policy({ key: { trustKey: 'release' } }), []],
  ['nothing dated', policy({ key, validUntil: '2027-01-01T00:00:00Z' }, { strictness: {} }), ['nothing-dated']],
  ['a refusal needs no date', document('ImagePolicy', { refuse: 'gone' }), []],
  ['a person', keyless({ issuer: 'https://accounts.example', subject: 'ann@corp.example' }), []],
  ['everybody of a company', keyless({ issuer: 'https://accounts.example', subject: '*@corp.example' }), []],
  ['everybody whom an issuer knows', keyless({ issuer: 'https://accounts.example' }), ['wide-identity']],
  ['the same in stars', keyless({ issuer: 'https://accounts.example', subject: '**' }), ['wide-identity']],
  ['the same as a regular expression', keyless({ issuer: 'https://accounts.example', subject: { regex: '.+@.+' } }), ['wide-identity']],
  ['any issuer', keyless({ issuer: '**', subject: 'ann@corp.example' }), ['wide-identity']],
  ['a workflow with an id', keyless({ issuer: GITHUB, subject: WORKFLOW, sourceRepositoryId: '1' }), []],
  ['a workflow by another claim', keyless({ issuer: GITHUB, buildConfig: WORKFLOW, sourceOwnerId: '1' }), []],
  ['a workflow by names alone', keyless({ issuer: GITHUB, subject: WORKFLOW }), ['name-can-change-hands']],
  [
    'every workflow',
    keyless({ issuer: GITHUB, subject: 'https://github.com/team/app/.github/workflows/*@refs/heads/main', sourceRepositoryId: '1' }),
    ['workflow-not-named'],
  ],
  [
    'every workflow of a repository',
    keyless({ issuer: GITHUB, sourceRepository: 'https://github.com/team/app' }),
    ['workflow-not-named', 'name-can-change-hands'],
  ],
  [
    'every workflow of GitLab',
    keyless({ issuer: 'https://gitlab.com', subject: 'https://gitlab.com/team/**', sourceRepositoryId: '1' }),
    ['workflow-not-named'],
  ],
  [
    'one of GitLab',
    keyless({ issuer: 'https://gitlab.com', subject: 'https://gitlab.com/team/app//.gitlab-ci.yml@refs/heads/main', sourceRepositoryId: '1' }),
    [],
  ],
  ['an exclusion of one registry', policy({ key, validUntil: '2027-01-01T00:00:00Z' }, { match: { exclude: ['r.example/**'] } }), []],
  ['an exclusion of every registry', policy({ key, validUntil: '2027-01-01T00:00:00Z' }, { match: { exclude: ['**/x'] } }), ['wide-exclude']],
  ['an exception', exception({ match: { images: ['r.example/app'] } }), []],
  ['an exception for everything', exception({ match: { images: ['**'] } }), ['wide-exception']],
  ['an exception for one and for everything', exception({ match: { images: ['r.example/app', '**'] } }), ['wide-exception']],
  ['an exception for 90 days', exception({ match: { images: ['r.example/app'] }, until: '2026-04-01T00:00:00Z' }), []],
  ['an exception for a second more', exception({ match: { images: ['r.example/app'] }, until: '2026-04-01T00:00:01Z' }), ['long-exception']],
  ['an exception for digests, everywhere', exception({ match: { images: ['**'] }, digests: [`sha256:${'1'.repeat(64)}`] }), []],
  ['an exception for ever', exception({ match: { images: ['r.example/app'] }, until: '2036-01-01T00:00:00Z' }), ['long-exception']],
  ['a default that denies', document('DefaultRule', { action: 'deny' }), []],
  ['a default that warns', document('DefaultRule', { action: 'warn' }), ['open-default']],
];

for (const [what, text, rules] of CASES) test(`lint: ${what}`, () => assert.deepEqual(lints(text), rules));

test('each rule of the linter has a case', () => {
  assert.deepEqual(
    Object.keys(LINT_RULES).filter((rule) => !CASES.some(([, , rules]) => (rules as readonly string[]).includes(rule))),
    [],
  );
});

test('authorities are found in groups, in attestations and behind VEX', () => {
  const authorities = ['a', 'b', 'c', 'd'].map((name) => ({ name, key }));
  const text = document('ImagePolicy', {
    authorities,
    ...DATED,
    signatures: { anyOf: ['a', { allOf: ['b'] }] },
    attestations: [{ vulnerabilities: { maximum: 'high', vex: ['d'] }, from: ['c'] }],
  });
  assert.deepEqual(lints(text), ['key-without-end', 'key-without-end', 'key-without-end', 'key-without-end']);
});

test('the reference lists each rule with what it says', () => {
  const page = readFileSync(new URL('../../../docs/reference/policy.md', import.meta.url), 'utf8');
  for (const [rule, says] of Object.entries(LINT_RULES)) assert.ok(page.includes(`| \`${rule}\` | ${says} |`), rule);
});
