import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SealwardError } from '../../core/errors.ts';
import { parseControllerConfig, readControllerConfig } from './config.ts';

const LEAST = 'trust: { from: /trust }\nevidence: /evidence\n';
const parse = (text: string) => parseControllerConfig('/etc/sealward/controller.yaml', text);

test('a whole configuration is read', () => {
  const { operations, lease, exemptNamespaces, policyReports, events, namespacedPolicies, containment, canary, logLevel, cluster } =
    parse(`${LEAST}cluster: eu-1
operations: 127.0.0.1:9445
lease: sealward-system/sealward-controller
exemptNamespaces: [kube-system]
policyReports: false
events: false
namespacedPolicies: true
containment:
  dryRun: false
  perMinute: 3
  rules:
    - { action: evict, policies: [release], namespaces: [shop] }
    - { action: label }
canary:
  namespace: sealward-canary
  every: 2m
  configuration: guard
  images: [{ name: unsigned, image: "r.example/unsigned:1" }]
logLevel: warn
`);
  assert.deepEqual(
    [operations, lease, [...exemptNamespaces]],
    [{ host: '127.0.0.1', port: 9445 }, { namespace: 'sealward-system', name: 'sealward-controller' }, ['kube-system']],
  );
  assert.deepEqual([policyReports, events, namespacedPolicies, logLevel, cluster], [false, false, true, 'warn', 'eu-1']);
  assert.deepEqual(containment, {
    dryRun: false,
    perMinute: 3,
    rules: [
      { action: 'evict', policies: ['release'], namespaces: ['shop'] },
      { action: 'label', policies: [], namespaces: [] },
    ],
  });
  assert.deepEqual(canary, {
    namespace: 'sealward-canary',
    everyMs: 120_000,
    configuration: 'guard',
    images: [{ name: 'unsigned', image: 'r.example/unsigned:1' }],
  });
});

test('what is not said touches nothing', () => {
  const { containment, canary, lease, policyReports, events } = parse(LEAST);
  assert.deepEqual([containment, canary, lease, policyReports, events], [{ dryRun: true, perMinute: 5, rules: [] }, undefined, undefined, true, true]);
});

test('every fault is told at once', () => {
  const broken = `${LEAST}lease: one\ncontainment: { rules: [{ action: delete, namespaces: ["A b"] }], perMinute: 0 }\ncanary: { namespace: c, images: [] }\nmore: 1\n`;
  assert.throws(
    () => parse(broken),
    (error: SealwardError) => {
      for (const part of [
        'lease must name',
        'action must be one of label, scale-to-zero, evict',
        'namespaces must be names',
        'perMinute must be',
        'canary.images must be',
        'more is not known',
      ])
        assert.ok(error.message.includes(part), `${part} in\n${error.message}`);
      return error.code === 'ERR_CONFIG_INVALID';
    },
  );
  assert.throws(() => parse(`${LEAST}canary: { namespace: c, images: [{ name: a, image: x }, { name: a, image: y }] }\n`), /names that differ/);
  assert.throws(() => parse(`${LEAST}exemptNamespaces: [c]\ncanary: { namespace: c, images: [{ name: a, image: x }] }\n`), /is one of exemptNamespaces/);
  assert.throws(() => readControllerConfig('/nowhere/x.yaml'), { code: 'ERR_FILE_UNREADABLE' });
});
