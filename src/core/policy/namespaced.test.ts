import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyFile } from '../../../test/policies.ts';
import { LIMITS } from '../encoding/index.ts';
import type { KeyVersion } from '../trust/index.ts';
import { addNamespaced, loadPolicyCompiler, type PolicySet } from './index.ts';
import type { NamespacedObject } from './namespaced.ts';

const compiler = await loadPolicyCompiler();
const keys: readonly KeyVersion[] = [{ name: 'release', version: 3, anchor: '44'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } }];
const signed = ((): PolicySet => {
  const result = compiler.compilePolicies([
    { name: 'p', text: document({ authorities: [{ name: 'a', key: { fingerprint: '11'.repeat(32) } }], signatures: 'a' }, { name: 'signed' }) },
  ]);
  assert.ok(result.ok);
  return result.policies;
})();

function document(spec: object, metadata: object, kind = 'ImagePolicy'): string {
  return JSON.stringify({ apiVersion: 'sealward.dev/v1alpha1', kind, metadata, spec });
}
const BY_RELEASE = { authorities: [{ name: 'r', key: { trustKey: 'release' } }], signatures: 'r' };
const object = (namespace: string, name: string, spec: object = BY_RELEASE, kind?: string): NamespacedObject => ({
  namespace,
  name,
  text: document(spec, { name, namespace, uid: 'u', resourceVersion: '7', managedFields: [{ manager: 'kubectl' }] }, kind),
});
const names = ({ policies }: PolicySet): string[] => policies.map(({ name, namespace }) => `${namespace ?? ''}/${name}`).sort();

describe('policies of namespaces', () => {
  it('stand beside the signed ones as the API server gives them, each in its own namespace', () => {
    const { policies, refused } = addNamespaced(signed, [object('shop', 'more'), object('bank', 'more')], compiler, { keys });
    assert.deepEqual(refused, []);
    assert.deepEqual(names(policies), ['/signed', 'bank/more', 'shop/more']);
    assert.deepEqual([policies.exceptions, policies.defaultRule, policies.anchors], [signed.exceptions, signed.defaultRule, signed.anchors]);
  });

  it('are in force in whatever order they come', () => {
    const objects = [object('shop', 'a'), object('shop', 'b', { refuse: 'gone' }), object('bank', 'c')];
    const digests = [objects, [...objects].reverse()].map((all) => addNamespaced(signed, all, compiler, { keys }).policies.digest);
    assert.equal(digests[0], digests[1]);
  });

  const MORE: readonly (readonly [what: string, object: NamespacedObject, says: RegExp])[] = [
    [
      'a key of its own',
      object('shop', 'x', { authorities: [{ name: 'a', key: { pem: policyFile('release.pub') } }], signatures: 'a' }),
      /may not bring keys or certificates/,
    ],
    ['a default', object('shop', 'x', { action: 'allow' }, 'DefaultRule'), /counts only when the trust state's roles have signed it/],
    [
      'an exception',
      object(
        'shop',
        'x',
        { match: { images: ['**'] }, reason: 'r', approvedBy: ['a@example.test'], from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z' },
        'ImageException',
      ),
      /counts only when the trust state's roles have signed it/,
    ],
    ['authorities for others', object('shop', 'x', { authorities: BY_RELEASE.authorities }, 'Authorities'), /counts only when/],
    ['another namespace', object('shop', 'x', { ...BY_RELEASE, match: { namespaces: ['bank'] } }), /holds in that namespace alone/],
    ['to stand elsewhere', { ...object('bank', 'x'), namespace: 'shop' }, /names another/],
    [
      'a key that the trust state does not have',
      object('shop', 'x', { authorities: [{ name: 'a', key: { trustKey: 'gone' } }], signatures: 'a' }),
      /has no key gone/,
    ],
    ['what nobody understands', { namespace: 'shop', name: 'x', text: '\0' }, /cannot stand in YAML/],
  ];
  for (const [what, more, says] of MORE) {
    it(`do not get ${what}, and take nothing from others by asking for it`, () => {
      const { policies, refused } = addNamespaced(signed, [more, object('bank', 'more'), object('shop', 'more')], compiler, { keys });
      assert.deepEqual(names(policies), ['/signed', 'bank/more', 'shop/more']);
      assert.equal(refused.length, 1);
      assert.deepEqual([refused[0]?.namespace, refused[0]?.name, refused[0]?.earlierHolds], ['shop', 'x', false]);
      assert.match(refused[0]?.problems.map(({ message }) => message).join('\n') ?? '', says);
    });
  }

  it('stay as they were when a new version is refused, and end when they are taken away', () => {
    const first = addNamespaced(signed, [object('shop', 'more')], compiler, { keys });
    const broken = addNamespaced(signed, [object('shop', 'more', { sginatures: 'r' })], compiler, { keys, before: first.inForce });
    assert.equal(broken.policies.digest, first.policies.digest);
    assert.deepEqual(
      broken.refused.map(({ earlierHolds, problems }) => [earlierHolds, problems[0]?.code]),
      [[true, 'ERR_POLICY_INVALID']],
    );
    assert.deepEqual(names(addNamespaced(signed, [], compiler, { keys, before: broken.inForce }).policies), ['/signed']);
  });

  it('are read anew only when they, or the keys of the trust state, have changed', () => {
    let read = 0;
    const counting = {
      ...compiler,
      compileNamespaced: (...all: Parameters<typeof compiler.compileNamespaced>) => {
        read++;
        return compiler.compileNamespaced(...all);
      },
    };
    const objects = [object('shop', 'a'), object('shop', 'b')];
    const first = addNamespaced(signed, objects, counting, { keys });
    const changed = addNamespaced(signed, [objects[0] as NamespacedObject, object('shop', 'b', { refuse: 'gone' })], counting, { keys, before: first.inForce });
    assert.equal(read, 3);
    addNamespaced(signed, objects, counting, { keys: [...keys], before: changed.inForce });
    assert.equal(read, 4);
    addNamespaced(signed, objects, counting, { keys: keys.map((key) => ({ ...key, state: 'suspended' })), before: changed.inForce });
    assert.equal(read, 6);
  });

  it('are so many in one namespace, and that many take nothing from another', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => object('shop', `p${String(i).padStart(4, '0')}`, { refuse: 'gone' }));
    assert.deepEqual(addNamespaced(signed, many(LIMITS.policiesPerNamespace), compiler).refused, []);
    const { policies, refused } = addNamespaced(signed, [...many(LIMITS.policiesPerNamespace + 1), object('zoo', 'z', { refuse: 'gone' })], compiler);
    assert.deepEqual(
      refused.map(({ name, problems }) => [name, problems[0]?.code]),
      [[`p${String(LIMITS.policiesPerNamespace).padStart(4, '0')}`, 'ERR_TOO_LARGE']],
    );
    assert.equal(policies.policies.length, LIMITS.policiesPerNamespace + 2);
  });
});
