/**
 * What the judge is given for a document with everything in it, member by member: test/policies/everything.compiled.json. Who
 * changes that on purpose writes it anew, and reads the difference before it is committed:
 * `RENEW=everything.compiled.json node --test src/core/policy/compiled-form.test.ts; npx biome format --write test/policies`
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Document, parseAllDocuments } from 'yaml';
import { policyFile } from '../../../test/policies.ts';
import { repositoryRoot } from '../../../test/vectors.ts';
import type { KeyVersion } from '../trust/index.ts';
import { loadPolicyCompiler } from './index.ts';
import { policyJsonSchema } from './json-schema.ts';

const keys: readonly KeyVersion[] = [
  { name: 'release', version: 3, anchor: '44'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } },
  { name: 'release', version: 4, anchor: '45'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } },
];

const WRITTEN = 'everything.compiled.json';

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
  const found = plain(result.policies);
  if (process.env['RENEW'] === WRITTEN) writeFileSync(join(repositoryRoot, 'test', 'policies', WRITTEN), JSON.stringify(found, null, 2));
  const written = JSON.parse(policyFile(WRITTEN)) as unknown;
  assert.deepEqual(found, written);
  const conditions = result.policies.policies
    .flatMap(({ requirements }) => requirements)
    .flatMap((one) => (one.kind === 'attestation' ? one.conditions : []))
    .map(({ id }) => id);
  assert.ok(conditions.length > 8);
  assert.equal(new Set(conditions).size, conditions.length, 'each condition has an id of its own');
});

test('the document with everything in it has every member that a policy and an exception may have, so that none is added without being tried', () => {
  const all = (parseAllDocuments(policyFile('everything.yaml')) as Document[]).map((one) => one.toJS() as Record<string, unknown>);
  const missing = (['ImagePolicy', 'ImageException'] as const).flatMap((kind) =>
    notIn(
      all.filter((one) => one['kind'] === kind).map((one) => one['spec']),
      (policyJsonSchema() as unknown as { $defs: Record<string, Schema> }).$defs[kind]?.properties?.['spec'],
      kind,
    ),
  );
  // Of a certificate authority either the file or its text; what exceptions match is written as in policies.
  assert.deepEqual(
    missing.filter((path) => !path.startsWith('ImageException.match.')),
    ['ImagePolicy.authorities.certificate.pem'],
  );
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Members that a schema names and that none of some values has; alternatives, as texts and combinations are, are not looked into. */
function notIn(values: readonly unknown[], schema: Schema | undefined, path: string): string[] {
  if (schema?.items) return notIn(values.flat(), schema.items, path);
  return Object.entries(schema?.properties ?? {}).flatMap(([name, member]) => {
    const found = values.flatMap((value) => (value !== null && typeof value === 'object' && name in value ? [(value as Record<string, unknown>)[name]] : []));
    return found.length === 0 ? [`${path}.${name}`] : notIn(found, member, `${path}.${name}`);
  });
}
