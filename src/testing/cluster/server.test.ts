import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ClientOptions, KubernetesClient, RESOURCES, WatchList } from '../../clients/kubernetes/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { fails } from '../../../test/loopback.ts';
import { FixedClock } from '../fixed-clock.ts';
import { objectAt, textAt } from './members.ts';
import { ClusterServer } from './server.ts';

const metadata = (name: string, more: JsonObject = {}): JsonObject => ({ metadata: { name, ...more } });
const pod = (name: string, more: JsonObject = {}): JsonObject => ({
  ...metadata(name, more),
  spec: { containers: [{ name: 'app', image: 'a.example/app:1' }] },
});
const WEB = { namespace: 'default', name: 'web' };

async function started(t: TestContext, options: ClientOptions = {}): Promise<{ cluster: ClusterServer; client: KubernetesClient }> {
  const cluster = await ClusterServer.start();
  const client = new KubernetesClient(cluster.access(), options);
  t.after(async () => {
    client.close();
    await cluster.close();
  });
  return { cluster, client };
}

test('an object is made, changed by every patch and taken away', async (t) => {
  const { cluster, client } = await started(t);
  const made = await client.create(RESOURCES.pods, 'default', pod('web', { labels: { app: 'web' } }));
  assert.match(made.uid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(made.json['status'], { phase: 'Pending' });
  await assert.rejects(client.create(RESOURCES.pods, 'default', pod('web')), fails('ERR_OBJECT_CONFLICT'));
  await assert.rejects(client.create(RESOURCES.pods, 'nowhere', pod('web')), fails('ERR_OBJECT_NOT_FOUND'));
  const merged = await client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { metadata: { labels: { app: null, tier: 'front' } } } });
  assert.deepEqual([...merged.labels], [['tier', 'front']]);
  const patched = await client.patch(RESOURCES.pods, WEB, {
    type: 'json',
    patch: [{ op: 'replace', path: '/spec/containers/0/image', value: 'a.example/app:2' }],
  });
  assert.notEqual(patched.resourceVersion, merged.resourceVersion);
  await client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { status: { phase: 'Failed' } } });
  assert.deepEqual((await client.get(RESOURCES.pods, WEB))?.json['status'], { phase: 'Pending' }, 'a status is written apart');
  await client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { status: { phase: 'Running' } } }, { subresource: 'status' });
  assert.deepEqual((await client.get(RESOURCES.pods, WEB))?.json['status'], { phase: 'Running' });
  const stale = { ...made.json, metadata: { name: 'web', resourceVersion: made.resourceVersion } };
  await assert.rejects(client.replace(RESOURCES.pods, WEB, stale), fails('ERR_OBJECT_CONFLICT'));
  await assert.rejects(client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { spec: { hostNetwork: true } } }), fails('ERR_CLUSTER_REFUSED'));
  await assert.rejects(
    client.patch(RESOURCES.pods, WEB, { type: 'json', patch: [{ op: 'test', path: '/metadata/name', value: 'x' }] }),
    fails('ERR_CLUSTER_REFUSED'),
  );
  await assert.rejects(client.delete(RESOURCES.pods, WEB, { uid: 'another' }), fails('ERR_OBJECT_CONFLICT'));
  assert.equal(await client.delete(RESOURCES.pods, WEB, { dryRun: true }), true);
  assert.equal(cluster.objects('pods').length, 1);
  assert.equal(await client.delete(RESOURCES.pods, WEB), true);
  assert.equal(await client.delete(RESOURCES.pods, WEB), false);
});

test('a dry run answers as the real one would and keeps nothing; names are generated; finalizers hold', async (t) => {
  const { cluster, client } = await started(t);
  const { spec } = pod('x');
  const dry = await client.create(RESOURCES.pods, 'default', { metadata: { generateName: 'web-' }, spec: spec ?? null }, { dryRun: true });
  assert.match(dry.name, /^web-[a-z0-9]{5}$/);
  assert.deepEqual(cluster.objects('pods'), []);
  await client.create(RESOURCES.pods, 'default', pod('web', { finalizers: ['a.example/hold'] }));
  await client.delete(RESOURCES.pods, WEB);
  assert.ok((await client.get(RESOURCES.pods, WEB))?.json, 'marked, not gone');
  await client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { metadata: { finalizers: null } } });
  assert.equal(await client.get(RESOURCES.pods, WEB), undefined);
});

test('apply takes back what the same manager applied before and nothing else', async (t) => {
  const { client } = await started(t);
  await client.apply(RESOURCES.configMaps, WEB, { data: { a: '1', b: '2' } });
  await client.patch(RESOURCES.configMaps, WEB, { type: 'merge', patch: { data: { c: '3' } } });
  const { json } = await client.apply(RESOURCES.configMaps, WEB, { data: { a: '4' } });
  assert.deepEqual(json['data'], { a: '4', c: '3' });
});

test('a CustomResourceDefinition makes its kind one that is served', async (t) => {
  const { client } = await started(t);
  const report = { summary: { pass: 1 } };
  await assert.rejects(client.create(RESOURCES.policyReports, 'default', { ...metadata('r'), ...report }), fails('ERR_OBJECT_NOT_FOUND'));
  const definitions = {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  };
  const spec = {
    group: 'wgpolicyk8s.io',
    scope: 'Namespaced',
    names: { plural: 'policyreports', kind: 'PolicyReport' },
    versions: [{ name: 'v1alpha2', served: true, storage: true }],
  };
  await client.create(definitions, undefined, { ...metadata('policyreports.wgpolicyk8s.io'), spec });
  await client.apply(RESOURCES.policyReports, { namespace: 'default', name: 'r' }, report);
  assert.deepEqual(
    (await client.list(RESOURCES.policyReports)).objects.map(({ json }) => json['summary']),
    [{ pass: 1 }],
  );
});

test('who asks is known by token or certificate, and what is not allowed is said in the words of RBAC', async (t) => {
  const { cluster } = await started(t);
  const reader = { name: 'reader', rules: [{ namespace: 'default', rule: { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] } }] };
  const { cert, key } = cluster.certify(reader);
  const { server, tls } = cluster.access();
  const clients = [new KubernetesClient(cluster.access(cluster.addUser(reader))), new KubernetesClient({ server, tls: { ...tls, cert, key } })];
  for (const client of clients) {
    await client.list(RESOURCES.pods, { namespace: 'default' });
    await assert.rejects(
      client.list(RESOURCES.pods),
      /pods is forbidden: User \\"reader\\" cannot list resource \\"pods\\" in API group \\"\\" at the cluster scope/,
    );
    await assert.rejects(client.get(RESOURCES.secrets, WEB), fails('ERR_CLUSTER_DENIED'));
  }
  const [stranger, forger] = [new KubernetesClient({ server, tls }), new KubernetesClient(cluster.access('no-such-token'))];
  await assert.rejects(stranger.list(RESOURCES.pods), /system:anonymous/);
  await assert.rejects(forger.list(RESOURCES.pods), /401: \\"Unauthorized\\"|401: "Unauthorized"/);
  for (const client of [...clients, stranger, forger]) client.close();
});

test('an eviction asks the disruption budgets, and scale is a subresource', async (t) => {
  const { cluster, client } = await started(t);
  await cluster.request('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', ...pod('web', { labels: { app: 'web' } }) });
  const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
  await cluster.request('PATCH', '/api/v1/namespaces/default/pods/web/status', ready, { contentType: 'application/merge-patch+json' });
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    ...metadata('keep'),
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  };
  await cluster.request('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', budget);
  assert.equal(await client.evict(WEB), 'blocked');
  await cluster.request('DELETE', '/apis/policy/v1/namespaces/default/poddisruptionbudgets/keep');
  assert.equal(await client.evict(WEB, { dryRun: true }), 'evicted');
  assert.equal(await client.evict({ ...WEB, uid: 'another' }), 'gone');
  assert.equal(cluster.objects('pods').length, 1);
  assert.equal(await client.evict(WEB), 'evicted');
  assert.equal(await client.evict(WEB), 'gone');
  assert.deepEqual(cluster.objects('pods'), []);
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'a' }] } };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', ...metadata('web'), spec: { selector: { matchLabels: { app: 'web' } }, template } };
  await cluster.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
  const toZero = { type: 'merge', patch: { spec: { replicas: 0 } } } as const;
  await client.patch(RESOURCES.deployments, WEB, toZero, { subresource: 'scale', dryRun: true });
  const scale = await client.get(RESOURCES.deployments, WEB, { subresource: 'scale' });
  assert.deepEqual([scale?.json['kind'], objectAt(scale?.json, 'spec')['replicas']], ['Scale', 1]);
  await client.patch(RESOURCES.deployments, WEB, toZero, { subresource: 'scale' });
  assert.equal(objectAt(cluster.objects('deployments.apps')[0], 'spec')['replicas'], 0);
  assert.equal(await client.get(RESOURCES.deployments, { ...WEB, name: 'none' }, { subresource: 'scale' }), undefined);
});

test('a list in pages is one of one moment, until that is compacted', async (t) => {
  const { cluster, client } = await started(t);
  for (const name of ['a', 'b', 'c']) await client.create(RESOURCES.pods, 'default', pod(name));
  const first = await cluster.request('GET', '/api/v1/pods?limit=2');
  await client.delete(RESOURCES.pods, { namespace: 'default', name: 'c' });
  const token = textAt(first.body, 'metadata', 'continue');
  const second = await cluster.request('GET', `/api/v1/pods?limit=2&continue=${token}`);
  assert.deepEqual([(first.body['items'] as unknown[]).length, (second.body['items'] as unknown[]).length], [2, 1]);
  cluster.compact();
  assert.equal((await cluster.request('GET', `/api/v1/pods?limit=2&continue=${token}`)).status, 410);
  assert.deepEqual(
    (await client.list(RESOURCES.pods, {}, { pageSize: 1 })).objects.map(({ name }) => name),
    ['a', 'b'],
  );
});

test('a watch list lives through labels that come and go, cuts, compactions, bookmarks and a server that was restored', async (t) => {
  const { cluster, client } = await started(t);
  const watcher = new KubernetesClient(cluster.access(), { clock: new FixedClock({ skipSleep: true }) });
  const told: string[] = [];
  let look = (): void => {};
  const held = new WatchList(watcher, RESOURCES.pods, {
    labelSelector: 'app=web',
    keep: ({ name }) => name,
    changed: ({ type, key }) => {
      told.push(`${type} ${key}`);
      look();
    },
  });
  const next = (): Promise<string> =>
    new Promise((resolve) => {
      look = () => void (told.length > 0 && resolve(told.shift() as string));
      look();
    });
  const label = (app: string): Promise<unknown> => client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { metadata: { labels: { app } } } });
  await held.synced;
  await client.create(RESOURCES.pods, 'default', pod('web', { labels: { app: 'other' } }));
  await label('web');
  assert.equal(await next(), 'added default/web');
  cluster.cutWatches('{"type":"MODI');
  await label('other');
  assert.equal(await next(), 'removed default/web');
  cluster.cutWatches();
  cluster.compact();
  await label('web');
  assert.equal(await next(), 'added default/web');
  cluster.bookmark();
  cluster.fault({ path: 'watch=true', status: 504, times: 4 });
  cluster.cutWatches();
  await label('other');
  assert.equal(await next(), 'removed default/web', 'after some answers that it is too new it lists');
  await held.close();
  watcher.close();
});
