/**
 * What an API server of Kubernetes answers, case by case: the status and how the message begins are those of kube-apiserver 1.36.
 * They are held against the one of src/testing always, and against a real one where SEALWARD_KUBE_BIN names it; what is found to
 * differ becomes a line here. Known to differ, and left out: the schemas of built-in kinds (unknown members stay), older versions of
 * apps, which webhooks are tried with, and namespaces that end at once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../src/core/encoding/index.ts';
import { type Case, MERGE, pod, POD_CASES, PODS } from './cluster-cases.ts';
import { CLUSTERS } from './clusters.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const APPLY = 'application/apply-patch+yaml';

const map = (name: string, data: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const lease = (name: string, spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, ...metadata },
  spec,
});

const CASES: Readonly<Record<string, readonly Case[]>> = {
  pods: POD_CASES,
  'config maps and what is applied': [
    ['cm create', 201, '', 'POST', MAPS, map('a', { x: '1' })],
    [
      'cm number',
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
      'POST',
      MAPS,
      map('n', { x: 1 }),
    ],
    ['cm put no rv', 200, '', 'PUT', `${MAPS}/a`, map('a', { x: '2' })],
    ['cm delete', 200, '', 'DELETE', `${MAPS}/a`],
    [
      'apply no manager',
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      'PATCH',
      `${MAPS}/ap`,
      map('ap', { a: '1' }),
      APPLY,
    ],
    ['apply', 201, '', 'PATCH', `${MAPS}/ap?fieldManager=m1`, map('ap', { a: '1', b: '2' }), APPLY],
    ['apply no kind', 400, 'invalid object type: /, Kind=', 'PATCH', `${MAPS}/ap?fieldManager=m1`, { data: { a: '1' } }, APPLY],
    ['apply conflict', 409, 'Apply failed with 1 conflict: conflict with "m1": .data.a', 'PATCH', `${MAPS}/ap?fieldManager=m2`, map('ap', { a: '9' }), APPLY],
    ['apply forced', 200, '', 'PATCH', `${MAPS}/ap?fieldManager=m2&force=true`, map('ap', { a: '9' }), APPLY],
    ['apply takes back', 200, '', 'PATCH', `${MAPS}/ap?fieldManager=m1`, map('ap', {}), APPLY],
    ['apply m1 again', 200, '', 'PATCH', `${MAPS}/ap?fieldManager=m1`, map('ap', { b: '1', c: '1' }), APPLY],
    ['apply same value', 200, '', 'PATCH', `${MAPS}/ap?fieldManager=m3`, map('ap', { b: '1' }), APPLY],
    ['apply m1 lets go', 200, '', 'PATCH', `${MAPS}/ap?fieldManager=m1`, map('ap', { c: '1' }), APPLY],
    ['apply over a merge', 200, '', 'PATCH', `${MAPS}/ap`, { data: { c: '7' } }, MERGE],
    [
      'apply after a merge',
      409,
      'Apply failed with 1 conflict: conflict with "unknown" using v1: .data.c',
      'PATCH',
      `${MAPS}/ap?fieldManager=m1`,
      map('ap', { c: '8' }),
      APPLY,
    ],
    [
      'apply with managedFields',
      400,
      'metadata.managedFields must be nil',
      'PATCH',
      `${MAPS}/ap?fieldManager=m1`,
      map('ap', {}, { managedFields: [{ manager: 'x' }] }),
      APPLY,
    ],
    [
      'apply uid of another',
      422,
      'ConfigMap "ap" is invalid: metadata.uid: Invalid value: "11111111-1111-1111-1111-111111111111": field is immutable',
      'PATCH',
      `${MAPS}/ap?fieldManager=m1`,
      map('ap', {}, { uid: '11111111-1111-1111-1111-111111111111' }),
      APPLY,
    ],
    [
      'apply other name',
      400,
      'the name of the object (zz) does not match the name on the URL (ap)',
      'PATCH',
      `${MAPS}/ap?fieldManager=m1`,
      map('zz', {}),
      APPLY,
    ],
    [
      'force without apply',
      422,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      'PATCH',
      `${MAPS}/ap?force=true`,
      { data: {} },
      MERGE,
    ],
  ],
  'leases and events': [
    [
      'lease',
      201,
      '',
      'POST',
      LEASES,
      lease('l', {
        holderIdentity: 'a',
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-01T00:00:00.000000Z',
        renewTime: '2026-01-01T00:00:00.000000Z',
        leaseTransitions: 0,
      }),
    ],
    [
      'lease bad time',
      400,
      'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
      'POST',
      LEASES,
      lease('l2', { holderIdentity: 'a', renewTime: '2026-01-01T00:00:00Z' }),
    ],
    [
      'lease ms time',
      400,
      'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-01T00:00:00.123Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse ".123Z" as ".000000"',
      'POST',
      LEASES,
      lease('l3', { holderIdentity: 'a', renewTime: '2026-01-01T00:00:00.123Z' }),
    ],
    [
      'lease 0 secs',
      422,
      'Lease.coordination.k8s.io "l4" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'POST',
      LEASES,
      lease('l4', { holderIdentity: 'a', leaseDurationSeconds: 0 }),
    ],
    [
      'lease put no rv',
      422,
      'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
      'PUT',
      `${LEASES}/l`,
      lease('l', { holderIdentity: 'b' }),
    ],
    [
      'lease put stale',
      409,
      'Operation cannot be fulfilled on leases.coordination.k8s.io "l": the object has been modified; please apply your changes to the latest version and try again',
      'PUT',
      `${LEASES}/l`,
      lease('l', { holderIdentity: 'b' }, { resourceVersion: '1' }),
    ],
    ['lease put missing', 201, '', 'PUT', `${LEASES}/none`, lease('none', { holderIdentity: 'b' })],
    [
      'lease merge stale',
      409,
      'Operation cannot be fulfilled on leases.coordination.k8s.io "l": the object has been modified; please apply your changes to the latest version and try again',
      'PATCH',
      `${LEASES}/l`,
      { metadata: { resourceVersion: '1' }, spec: { holderIdentity: 'c' } },
      MERGE,
    ],
    ['lease ns missing', 404, 'namespaces "nowhere" not found', 'POST', '/apis/coordination.k8s.io/v1/namespaces/nowhere/leases', lease('l', {})],
    [
      'event core',
      201,
      '',
      'POST',
      '/api/v1/namespaces/default/events',
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e.1' },
        involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' },
        reason: 'X',
        message: 'y',
        type: 'Warning',
        reportingComponent: 'a.b/c',
        reportingInstance: 'i',
        action: 'A',
        eventTime: '2026-01-01T00:00:00.000000Z',
      },
    ],
    [
      'event other ns',
      422,
      'Event "e.2" is invalid: involvedObject.namespace: Invalid value: "shop": does not match event.namespace',
      'POST',
      '/api/v1/namespaces/default/events',
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e.2' },
        involvedObject: { kind: 'Pod', name: 'web', namespace: 'shop' },
        reason: 'X',
        message: 'y',
        type: 'Warning',
      },
    ],
  ],
  'deployments and their scale': [
    [
      'deploy',
      201,
      '',
      'POST',
      '/apis/apps/v1/namespaces/default/deployments',
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd' },
        spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } } },
      },
    ],
    [
      'deploy bad labels',
      422,
      'Deployment.apps "d2" is invalid: spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
      'POST',
      '/apis/apps/v1/namespaces/default/deployments',
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd2' },
        spec: { selector: { matchLabels: { a: 'c' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } } },
      },
    ],
    ['scale get', 200, '', 'GET', '/apis/apps/v1/namespaces/default/deployments/d/scale'],
    [
      'scale put',
      200,
      '',
      'PUT',
      '/apis/apps/v1/namespaces/default/deployments/d/scale',
      { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd', namespace: 'default' }, spec: { replicas: 0 } },
    ],
    ['scale patch', 200, '', 'PATCH', '/apis/apps/v1/namespaces/default/deployments/d/scale', { spec: { replicas: 2 } }, MERGE],
    [
      'scale negative',
      422,
      'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0',
      'PATCH',
      '/apis/apps/v1/namespaces/default/deployments/d/scale',
      { spec: { replicas: -2 } },
      MERGE,
    ],
    ['deploy delete', 200, '', 'DELETE', '/apis/apps/v1/namespaces/default/deployments/d'],
  ],
  evictions: [
    ['evict missing', 404, 'pods "none" not found', 'POST', `${PODS}/none/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'none' } }],
    ['pod for evict', 201, '', 'POST', PODS, pod('ev')],
    ['evict', 201, '', 'POST', `${PODS}/ev/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'ev' } }],
    ['evict gone?', 404, 'pods "ev" not found', 'GET', `${PODS}/ev`],
    [
      'evict wrong name',
      400,
      'name in URL does not match name in Eviction object',
      'POST',
      `${PODS}/ev/eviction`,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'zz' } },
    ],
  ],
  namespaces: [
    ['ns create', 201, '', 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }],
    ['ns label', 200, '', 'PATCH', '/api/v1/namespaces/shop', { metadata: { labels: { 'kubernetes.io/metadata.name': 'x' } } }, MERGE],
    ['ns delete', 200, '', 'DELETE', '/api/v1/namespaces/shop'],
  ],
  secrets: [
    ['secret', 201, '', 'POST', '/api/v1/namespaces/default/secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' } }],
    [
      'secret bad b64',
      400,
      'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0',
      'POST',
      '/api/v1/namespaces/default/secrets',
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's2' }, data: { a: '!!' } },
    ],
    [
      'secret type change',
      422,
      'Secret "s" is invalid: type: Invalid value: "x/y": field is immutable',
      'PATCH',
      '/api/v1/namespaces/default/secrets/s',
      { type: 'x/y' },
      MERGE,
    ],
    ['secret immutable', 200, '', 'PATCH', '/api/v1/namespaces/default/secrets/s', { immutable: true }, MERGE],
    [
      'secret immutable 2',
      422,
      'Secret "s" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      'PATCH',
      '/api/v1/namespaces/default/secrets/s',
      { stringData: { a: 'c' } },
      MERGE,
    ],
  ],
};

for (const { name, start } of CLUSTERS) {
  test(`${name} answers as kube-apiserver does`, async (t) => {
    const cluster = await start();
    t.after(() => cluster.close());
    for (const [group, cases] of Object.entries(CASES)) {
      await t.test(group, async () => {
        for (const [what, status, message, method, path, body, contentType] of cases) {
          const answer = await cluster.request(method, path, body, contentType === undefined ? {} : { contentType });
          const said = typeof answer.body['message'] === 'string' && answer.body['status'] === 'Failure' ? answer.body['message'] : '';
          assert.deepEqual([answer.status, said.slice(0, message.length)], [status, message], `${what}: ${said}`);
          assert.equal(said === '', message === '', `${what}: ${said}`);
        }
      });
    }
  });
}
