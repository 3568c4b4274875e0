import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { Ajv } from 'ajv';
import { RE2JS } from 're2js';
import { type Document, parse as parseYaml, parseAllDocuments } from 'yaml';
import { policyFile } from '../../../test/policies.ts';
import type { JsonObject, JsonValue } from '../encoding/index.ts';
import { imagePolicyDefinition } from './custom-resource.ts';

interface Schema {
  readonly [keyword: string]: JsonValue | undefined;
}

const definition = imagePolicyDefinition();
const version = ((definition['spec'] as JsonObject)['versions'] as JsonObject[])[0] as JsonObject;
const root = (version['schema'] as JsonObject)['openAPIV3Schema'] as Schema;
const spec = (root['properties'] as JsonObject)['spec'] as JsonObject;

/** Every schema of it with its path. */
function* schemas(schema: Schema, path = ''): Generator<readonly [path: string, schema: Schema]> {
  yield [path, schema];
  for (const [name, member] of Object.entries((schema['properties'] ?? {}) as JsonObject)) yield* schemas(member as Schema, `${path}.${name}`);
  if (schema['items'] !== undefined) yield* schemas(schema['items'] as Schema, `${path}[]`);
  if (schema['additionalProperties'] !== undefined) yield* schemas(schema['additionalProperties'] as Schema, `${path}.*`);
}

/** apiextensions.k8s.io/v1, JSONSchemaProps, without what a structural schema may not have. */
const KNOWN = new Set(
  [
    'type description properties required items additionalProperties enum pattern format minLength maxLength',
    'minimum maximum minItems maxItems minProperties x-kubernetes-preserve-unknown-fields x-kubernetes-validations',
  ].flatMap((some) => some.split(' ')),
);

describe('ImagePolicy as a kind of Kubernetes', () => {
  it('has a structural schema of keywords that Kubernetes takes', () => {
    let seen = 0;
    for (const [path, schema] of schemas(root)) {
      seen++;
      for (const keyword of Object.keys(schema)) assert.ok(KNOWN.has(keyword), `${path}: ${keyword}`);
      const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
      assert.ok(open || typeof schema['type'] === 'string', `${path} has no type`);
      if (schema['type'] === 'array') assert.ok(schema['items'], `${path} has no items`);
      assert.ok(!(schema['properties'] && schema['additionalProperties']), `${path} says both`);
      if (schema['type'] === 'object')
        assert.ok(open || schema['properties'] || schema['additionalProperties'] || path === '.metadata', `${path} would lose everything`);
      // Kubernetes compiles them with RE2.
      if (typeof schema['pattern'] === 'string') assert.ok(RE2JS.compile(schema['pattern']), path);
      for (const name of (schema['required'] ?? []) as string[]) assert.ok(Object.hasOwn(schema['properties'] as JsonObject, name), `${path}: ${name}`);
    }
    assert.ok(seen > 100);
    assert.deepEqual(Object.keys(root['properties'] as JsonObject).sort(), ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
  });

  it('has rules over members alone that rules can see: with a type, and lists and maps of what has one', () => {
    let seen = 0;
    for (const [path, schema] of schemas(root))
      for (const { rule } of (schema['x-kubernetes-validations'] ?? []) as { rule: string }[])
        for (const [, words = ''] of rule.matchAll(/\bself\.([\w.]+)/g)) {
          seen++;
          let at = schema;
          for (const word of words.split('.')) at = ((at['properties'] ?? {}) as Record<string, Schema>)[word] ?? assert.fail(`${path}: ${words} is not there`);
          assert.ok(isVisible(at), `${path}: no rule can see ${words}`);
        }
    assert.equal(seen, 7);
  });

  it('is small enough to be applied by kubectl, which keeps it in an annotation', () => {
    assert.ok(JSON.stringify(definition).length < 256 * 1024);
  });

  const valid = new Ajv({ strict: false, formats: { 'date-time': true } }).compile(root);

  it('takes every policy that the compiler takes, and knows each of its members', () => {
    const documents = (parseAllDocuments(policyFile('everything.yaml')) as Document[])
      .map((one) => one.toJS() as JsonObject)
      .filter(({ kind }) => kind === 'ImagePolicy');
    assert.ok(documents.length > 0);
    for (const document of documents) {
      assert.ok(valid(document), JSON.stringify(valid.errors));
      for (const [path, value] of Object.entries(document['spec'] as JsonObject))
        assert.ok(pruned(value, (spec['properties'] as JsonObject)[path] as Schema, path));
    }
    assert.equal(valid({ spec: { mode: 'enforced' } }), false);
  });

  const asked = (schema: JsonObject, self: object): (boolean | string)[] =>
    (schema['x-kubernetes-validations'] as { rule: string }[]).map(({ rule }) => {
      const value = plan(celEnv(), parse(rule))({ self } as never);
      return isCelError(value) ? value.message : value === true;
    });

  it('lets nobody who signed nothing bring keys, certificates or other namespaces', () => {
    const authority = ((spec['properties'] as JsonObject)['authorities'] as JsonObject)['items'] as JsonObject;
    for (const [self, holds] of [
      [{ name: 'a', key: { trustKey: 'release' } }, true],
      [{ name: 'a', key: { fingerprint: '11' } }, true],
      [{ name: 'a', keyless: {} }, true],
      [{ name: 'a', key: { pem: 'x' } }, false],
      [{ name: 'a', key: { file: 'x' } }, false],
      [{ name: 'a', certificate: { pem: 'x' } }, false],
    ] as const)
      assert.deepEqual(asked(authority, self), [holds], JSON.stringify(self));
    for (const [self, holds] of [
      [{}, true],
      [{ match: { images: ['x'] } }, true],
      [{ match: { namespaces: ['x'] } }, false],
      [{ match: { namespaceLabels: {} } }, false],
    ] as const)
      assert.deepEqual(asked(spec, self), [holds], JSON.stringify(self));
  });
});

/** Kubernetes, "Validation rules": what has no type is accessible to none, nor is what consists of it. */
function isVisible({ type, items, additionalProperties }: Schema): boolean {
  if (type === undefined) return false;
  return [items, additionalProperties].every((inner) => inner === undefined || isVisible(inner as Schema));
}

/** Whether pruning, which takes away what a schema does not name, would leave a value as it is. */
function pruned(value: JsonValue, schema: Schema | undefined, path: string): boolean {
  if (!schema) assert.fail(`${path} would be pruned`);
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return true;
  if (Array.isArray(value)) return value.every((one, i) => pruned(one, schema['items'] as Schema, `${path}[${i}]`));
  if (value === null || typeof value !== 'object') return true;
  return Object.entries(value).every(([name, one]) =>
    pruned(one, (schema['additionalProperties'] ?? (schema['properties'] as JsonObject | undefined)?.[name]) as Schema | undefined, `${path}.${name}`),
  );
}

test('deploy/chart/sealward/crds/imagepolicies.yaml is that definition', () => {
  const published = readFileSync(new URL('../../../deploy/chart/sealward/crds/imagepolicies.yaml', import.meta.url), 'utf8');
  assert.deepEqual(parseYaml(published), definition);
});
