/** Documents as an import writes them: names, scopes of what is refused, several documents and their order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imported, PEM, quotedPem, refusalOf } from '../../../../test/imports.ts';
import { loadPolicyImporter } from '../index.ts';
import { plainName, writePolicy } from './written.ts';

const { importPolicies } = await loadPolicyImporter();
const cip = (name: string, spec: string): string =>
  `{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: ${name}}, spec: {${spec}}}`;
const signed = `images: [{glob: r.test/a}], authorities: [{name: k, key: {data: ${quotedPem}}}]`;
const rule = (verify: string, more = ''): string =>
  `{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p${more}}, spec: {validationFailureAction: Enforce, rules: [{name: r, verifyImages: [{${verify}}]}]}}`;
const attestors = `attestors: [{entries: [{keys: {publicKeys: ${quotedPem}}}]}]`;

describe('names', () => {
  it('are those of Kubernetes, whatever another tool allows', () => {
    for (const [parts, name] of [
      [['Signed By_Us!'], 'signed-by-us'],
      [['-a-', '', '--', 'b.'], 'a-b'],
      [[''], 'imported'],
      [['...'], 'imported'],
      [['a', 0], 'a-0'],
      [['a'.repeat(252), 'b'], 'a'.repeat(252)],
      [['a'.repeat(253)], 'a'.repeat(253)],
      [['a'.repeat(254)], 'a'.repeat(253)],
    ] as const)
      assert.equal(plainName(...parts), name, parts.join(' '));
  });
  it('are told apart where two documents have the same', () => {
    assert.deepEqual(imported(cip('one', signed), cip('one', signed), cip('ONE', signed)).names, ['one', 'one-2', 'one-3']);
    const long = 'a'.repeat(253);
    assert.deepEqual(imported(cip(long, signed), cip(long, signed)).names, [long, `${'a'.repeat(245)}-2`]);
  });
});

describe('what is refused', () => {
  it('keeps its scope and its mode, and nothing else', () => {
    assert.deepEqual(
      writePolicy({
        name: 'x',
        mode: 'warn',
        match: { images: ['r.test/a'], exclude: [] },
        authorities: [{ name: 'a' }],
        signatures: 'a',
        attestations: [],
        strictness: { dated: 'log' },
        refuse: ['one', 'two'],
      }),
      {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name: 'x' },
        spec: { match: { images: ['r.test/a'] }, mode: 'warn', refuse: 'This policy could not be carried over: one; two.' },
      },
    );
    assert.equal((writePolicy({ name: 'x', refuse: ['y'.repeat(3000)] }).spec as { refuse: string }).refuse.length, 2000);
  });
  it('has no members that say nothing', () => {
    assert.deepEqual(writePolicy({ name: 'x', mode: 'enforce', match: {}, authorities: [], attestations: [], strictness: {} }).spec, {});
  });
  it('because the compiler would refuse it, in the mode and the scope that it had', () => {
    const identity = (issuer: string): string =>
      `images: [{glob: r.test/a}], mode: warn, authorities: [{name: k, keyless: {identities: [{issuerRegExp: '${issuer}'}]}}]`;
    const { specs, report } = imported(cip('one', identity('(')));
    assert.deepEqual(Object.keys(specs[0] ?? {}), ['match', 'mode', 'refuse']);
    assert.deepEqual([specs[0]?.['match'], specs[0]?.['mode']], [{ images: ['r.test/a'] }, 'warn']);
    assert.match(String(refusalOf(cip('one', identity('(')))), /the regular expression "\(" cannot be used/);
    assert.ok(report.some((line) => line.startsWith('not-mapped the document: the regular expression')));
    assert.deepEqual(
      Object.keys(imported(rule(`imageReferences: ['r.test/A'], ${attestors}`)).specs[0] ?? {}),
      ['refuse'],
      'nobody knows which images were meant',
    );
  });
});

describe('several documents', () => {
  it('in a list, of which one is of no tool that is known', () => {
    assert.deepEqual(imported(`{kind: List, items: [${cip('a', signed)}, ${cip('b', signed)}]}`).names, ['a', 'b']);
    const mixed = importPolicies([{ name: 'x', text: `{kind: List, items: [${cip('a', signed)}, {kind: Pod, apiVersion: v1}]}` }]);
    assert.deepEqual(mixed.ok ? [] : mixed.problems, [
      {
        source: 'x',
        line: 1,
        column: 1,
        code: 'ERR_POLICY_INVALID',
        message: 'this is no policy of a tool that is known',
        hint: 'Known are policy-controller, Kyverno, containers policy.json and registries.d, and OpenShift.',
      },
    ]);
  });
  it('are told of in the order of their sources and lines', () => {
    const lines = (name: string): string => cip(name, `\nimages: [{glob: r.test/a}],\n mode: enforce,\n authorities: [{name: k, key: {data: ${quotedPem}}}]`);
    const result = importPolicies(['b', 'a', 'c'].map((name) => ({ name, text: lines(name) })));
    assert.deepEqual(
      result.ok && result.report.map(({ source, line }) => `${source}:${line}`),
      ['a', 'b', 'c'].flatMap((name) => [`${name}:2`, `${name}:3`, `${name}:4`]),
    );
  });
  it('of kinds that other tools have under the same names', () => {
    for (const text of [
      '{kind: ClusterPolicy, apiVersion: other.test/v1}',
      '{kind: ImageValidatingPolicy, apiVersion: other.test/v1}',
      '{kind: Other, apiVersion: kyverno.io/v1}',
      '{kind: Other, apiVersion: policies.kyverno.io/v1}',
      '{kind: Other, apiVersion: config.openshift.io/v1}',
      '{apiVersion: other.test/v1, default: [{type: reject}]}',
      '{apiVersion: other.test/v1, docker: {}}',
      '{a: b}',
      '[x]',
      'x',
    ])
      assert.equal(importPolicies([{ name: 'x', text }]).ok, false, text);
    assert.deepEqual(imported('{default: [{type: reject}]}').specs, [{ action: 'deny' }]);
    assert.deepEqual(imported('{transports: {docker: {"": [{type: reject}]}}}').specs, [{ action: 'deny' }]);
  });
  it('a namespace of what belongs to the whole cluster changes nothing', () =>
    assert.equal(imported(rule(attestors, ', namespace: shop')).specs[0]?.['match'], undefined));
  it('a policy of Kyverno that asks for nothing refuses', () =>
    assert.equal(refusalOf(rule("imageReferences: ['r.test/a']")), 'This policy could not be carried over: it names no attestor.'));
  it('is written as YAML that reads as itself', () => {
    const result = importPolicies([{ name: 'x', text: `[${cip('a', signed)}]`.slice(1, -1) }]);
    assert.ok(result.ok && result.text.includes('-----BEGIN PUBLIC KEY-----') && result.text.split('\n').every((line) => line.length <= 120) && PEM.length > 0);
  });
});
