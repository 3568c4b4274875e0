import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../core/encoding/index.ts';
import { weaknessesOf } from './webhook-strength.ts';

const exempt = new Set(['kube-system', 'sealward-system']);
const RULES = [
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods'], scope: 'Namespaced' },
  { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/ephemeralcontainers'] },
];
const SELECTOR = { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }] };
const configuration = (more: JsonObject = {}): JsonObject => ({
  webhooks: [
    { name: 'pods.sealward.dev', failurePolicy: 'Fail', matchPolicy: 'Equivalent', objectSelector: {}, namespaceSelector: SELECTOR, rules: RULES, ...more },
  ],
});
const weak = (more: JsonObject): string => weaknessesOf(configuration(more), { exempt }).join('; ');

test('a configuration that holds has no weakness', () => {
  assert.deepEqual(weaknessesOf(configuration(), { exempt }), []);
  assert.deepEqual(
    weaknessesOf(configuration({ namespaceSelector: {}, rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }] }), {
      exempt,
    }),
    [],
  );
});

test('each way to weaken it is told', () => {
  assert.match(weaknessesOf(undefined, { exempt }).join(), /not there/);
  assert.match(weak({ failurePolicy: 'Ignore' }), /does not answer/);
  assert.match(weak({ matchPolicy: 'Exact' }), /other versions/);
  assert.match(weak({ objectSelector: { matchLabels: { a: 'b' } } }), /objectSelector/);
  assert.match(weak({ matchConditions: [{ name: 'x', expression: 'false' }] }), /matchConditions/);
  assert.match(weak({ namespaceSelector: { matchLabels: { guarded: 'yes' } } }), /namespaces with labels/);
  assert.match(weak({ namespaceSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] } }), /leaves out namespaces by skip/);
  assert.match(
    weak({ namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'shop'] }] } }),
    /namespaces shop/,
  );
  assert.match(weak({ namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shop'] }] } }), /In/);
  assert.match(weak({ rules: [RULES[0] as JsonObject] }), /UPDATE of pods\/ephemeralcontainers/);
  assert.match(weak({ rules: [{ ...RULES[0], operations: ['CREATE'] }, RULES[1] as JsonObject] }), /UPDATE of pods$/);
  assert.match(weak({ rules: RULES.map((rule) => ({ ...rule, apiGroups: ['apps'] })) }), /CREATE of pods/);
  assert.match(weaknessesOf({ webhooks: 'x' }, { exempt }).join(), /nobody is asked/);
});

test('a weak webhook beside a strong one takes nothing away', () => {
  const both = { webhooks: [...(configuration({ failurePolicy: 'Ignore' })['webhooks'] as JsonObject[]), ...(configuration()['webhooks'] as JsonObject[])] };
  assert.deepEqual(weaknessesOf(both, { exempt }), []);
});
