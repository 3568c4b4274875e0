/** What the judge is given for a document with everything in it, member by member: test/policies/everything.compiled.json. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyFile } from '../../../test/policies.ts';
import type { KeyVersion } from '../trust/index.ts';
import { loadPolicyCompiler } from './index.ts';

const keys: readonly KeyVersion[] = [
  { name: 'release', version: 3, anchor: '44'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } },
  { name: 'release', version: 4, anchor: '45'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } },
];

/** As JSON: patterns by their text, who may attest by name, and no digests, which name the engine as well. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (member, one: unknown) => {
      if (member === 'digest' || (member === 'id' && String(one).startsWith('sha256:'))) return undefined;
      if (member === 'key' && typeof one === 'object') return 'a key';
      if ((member === 'from' || member === 'vex') && Array.isArray(one)) return one.map(({ name }: { name: string }) => name);
      return member === 'certificates' ? (one as readonly unknown[]).length : one;
    }),
  );
}

test('a document with everything in it compiles to what is written down beside it', async () => {
  const { compilePolicies } = await loadPolicyCompiler();
  const result = compilePolicies([{ name: 'policy.yaml', text: policyFile('everything.yaml') }], { keys, readFile: policyFile });
  assert.ok(result.ok);
  const written = JSON.parse(policyFile('everything.compiled.json')) as unknown;
  assert.deepEqual(plain(result.policies), written);
  const conditions = result.policies.policies
    .flatMap(({ requirements }) => requirements)
    .flatMap((one) => (one.kind === 'attestation' ? one.conditions : []))
    .map(({ id }) => id);
  assert.ok(conditions.length > 8);
  assert.equal(new Set(conditions).size, conditions.length, 'each condition has an id of its own');
});
