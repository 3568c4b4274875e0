/** The rights that the chart gives are enough for what the webhook and the controller do, and for nothing else. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { secretKeeper } from '../src/apps/admission/cluster/secret-keeper.ts';
import { webhookPublisher } from '../src/apps/admission/cluster/patch-webhooks.ts';
import { SelfMadeCertificates } from '../src/apps/admission/certificates/self-made.ts';
import { objectsFor } from '../src/apps/admission/install/install.ts';
import { placed } from '../src/apps/admission/install/resources.ts';
import { EventRecorder, KubernetesClient, LeaderElection, RESOURCES, WatchList } from '../src/clients/kubernetes/index.ts';
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../src/core/encoding/index.ts';
import { lookAround } from '../src/sdk/agent/index.ts';
import { CLUSTERS, type ClusterKind, type TestCluster } from './clusters.ts';
import { fails } from './loopback.ts';

const NAMESPACE = 'sealward-system';
const VALUES: JsonObject = {
  image: { repository: 'registry.example/sealward' },
  trust: { configMap: 'sealward-trust', root: '{}' },
  caller: { proof: 'path-secret' },
  pullSecretsOf: ['shop'],
  // Nobody answers for the webhook here.
  webhooks: { exemptNamespaces: ['kube-system', 'shop', 'sealward-canary'] },
  controller: {
    policyReports: false,
    containment: { dryRun: false, rules: [{ action: 'label' }, { action: 'evict' }, { action: 'scale-to-zero' }] },
    canary: { namespace: 'sealward-canary', images: [{ name: 'unsigned', image: 'registry.example/canary:1' }] },
  },
};

const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** What this account may do by the objects of the chart, as the API server would find it. */
function rulesFor(objects: readonly JsonObject[], account: string): { readonly namespace?: string; readonly rule: JsonValue }[] {
  return objects.flatMap((binding) => {
    const kind = stringOf(binding['kind']) ?? '';
    if (!kind.endsWith('RoleBinding') || stringOf(memberOf(list(binding['subjects'])[0], 'name')) !== account) return [];
    const namespace = stringOf(memberOf(binding['metadata'], 'namespace'));
    const role = objects.find(
      (one) =>
        one['kind'] === memberOf(binding['roleRef'], 'kind') &&
        memberOf(one['metadata'], 'name') === memberOf(binding['roleRef'], 'name') &&
        stringOf(memberOf(one['metadata'], 'namespace')) === namespace,
    );
    assert.ok(role, `the role of ${JSON.stringify(binding['metadata'])}`);
    return list(role['rules']).map((rule) => ({ ...(namespace === undefined ? {} : { namespace }), rule }));
  });
}

async function installed(
  t: TestContext,
  { start }: ClusterKind,
  account: string,
): Promise<{ readonly cluster: TestCluster; readonly client: KubernetesClient }> {
  const cluster = await start();
  const administrator = new KubernetesClient(cluster.access());
  const objects = objectsFor(NAMESPACE, VALUES);
  for (const name of ['shop', 'blog', 'sealward-canary'])
    await cluster.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const { of, namespace, name, object } of placed(objects))
    await administrator.apply(of, { name, ...(namespace === undefined ? {} : { namespace }) }, object);
  const token = await cluster.account(NAMESPACE, account, rulesFor(objects, account));
  const client = new KubernetesClient(cluster.access(token));
  t.after(async () => {
    client.close();
    administrator.close();
    await cluster.close();
  });
  return { cluster, client };
}

const denied = fails('ERR_CLUSTER_DENIED');

for (const kind of CLUSTERS) {
  test(`the webhook makes its authority, tells the API server, sees namespaces and their policies, and may do no more: ${kind.name}`, async (t) => {
    const { cluster, client } = await installed(t, kind, 'sealward-webhook');
    const DAY = 86_400_000;
    const certificates = new SelfMadeCertificates({
      keeper: secretKeeper(client, { namespace: NAMESPACE, name: 'sealward-authority' }),
      publisher: webhookPublisher(client, { configurations: ['sealward'], secretPath: true }),
      names: [`sealward.${NAMESPACE}.svc`],
      lifeMs: 7 * DAY,
      authorityLifeMs: 365 * DAY,
      settleMs: 600_000,
    });
    assert.equal(await certificates.tick(Date.now()), true);
    const configurations: JsonObject[] = [];
    for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])
      configurations.push(...(await cluster.objects(`${plural}.admissionregistration.k8s.io`)));
    const hooks = configurations.flatMap((one) => list(one['webhooks']));
    assert.equal(hooks.length, 3);
    for (const hook of hooks) {
      const config = memberOf(hook, 'clientConfig');
      assert.match(stringOf(memberOf(config, 'caBundle')) ?? '', /^LS0tLS1CRUdJTi/);
      assert.match(stringOf(memberOf(memberOf(config, 'service'), 'path')) ?? '', /^\/[0-9a-f]{64}\/(?:validate|mutate)$/);
    }
    const problems: string[] = [];
    const taken = Promise.withResolvers<void>();
    const around = lookAround(client, {
      namespaceLabels: true,
      namespacedPolicies: true,
      setNamespaced: async () => taken.resolve(),
      report: ({ code }) => void problems.push(code),
    });
    await taken.promise;
    await around.close();
    assert.deepEqual(problems, []);
    await client.list(RESOURCES.pods);
    assert.equal(await client.get(RESOURCES.configMaps, { namespace: NAMESPACE, name: 'sealward-trust' }), undefined);
    assert.equal(await client.get(RESOURCES.secrets, { namespace: 'shop', name: 'pull' }), undefined, 'it opted in');
    await Promise.all(
      [
        client.get(RESOURCES.secrets, { namespace: 'blog', name: 'pull' }),
        client.list(RESOURCES.secrets, { namespace: NAMESPACE }),
        client.get(RESOURCES.secrets, { namespace: NAMESPACE, name: 'another' }),
        client.create(RESOURCES.secrets, NAMESPACE, { metadata: { name: 'another' } }),
        client.delete(RESOURCES.pods, { namespace: 'shop', name: 'web' }),
        client.delete(RESOURCES.validatingWebhooks, { name: 'sealward' }),
        client.patch(RESOURCES.validatingWebhooks, { name: 'another' }, { type: 'merge', patch: {} }),
        client.get(RESOURCES.configMaps, { namespace: NAMESPACE, name: 'sealward' }),
      ].map((forbidden) => assert.rejects(forbidden, denied)),
    );
  });

  test(`the controller is elected, sees Pods, tells, contains and asks as a canary, and may do no more: ${kind.name}`, async (t) => {
    const { cluster, client } = await installed(t, kind, 'sealward-controller');
    const leading = Promise.withResolvers<void>();
    const problems: string[] = [];
    const report = ({ message }: { readonly message: string }): void => void problems.push(message);
    const election = new LeaderElection(client, {
      lease: { namespace: NAMESPACE, name: 'sealward-controller' },
      identity: 'one',
      lead: () => leading.resolve(),
      report,
    });
    await leading.promise;
    const pods = new WatchList(client, RESOURCES.pods, { keep: ({ name }) => name, report });
    await pods.synced;
    await pods.close();
    const pod = (name: string, image = 'registry.example/app:1'): JsonObject => ({ metadata: { name }, spec: { containers: [{ name: 'app', image }] } });
    const made = await cluster.request('POST', '/api/v1/namespaces/shop/pods', { apiVersion: 'v1', kind: 'Pod', ...pod('web') });
    const about = { resource: RESOURCES.pods, namespace: 'shop', name: 'web', uid: stringOf(memberOf(made.body['metadata'], 'uid')) ?? '' };
    const events = new EventRecorder(client, { component: 'sealward-controller', instance: 'one' }, report);
    events.record({ about, type: 'Warning', reason: 'ImageRejected', message: 'it is not signed' });
    await events.drained();
    assert.equal((await cluster.objects('events', 'shop')).length, 1);
    await client.patch(
      RESOURCES.pods,
      { namespace: 'shop', name: 'web' },
      { type: 'merge', patch: { metadata: { labels: { 'sealward.dev/verdict': 'UNSIGNED' } } } },
    );
    await cluster.request('POST', '/apis/apps/v1/namespaces/shop/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'a' }] } },
      },
    });
    const web = { namespace: 'shop', name: 'web' };
    assert.equal(memberOf((await client.get(RESOURCES.deployments, web))?.json['spec'], 'replicas'), 2);
    await client.patch(RESOURCES.deployments, web, { type: 'merge', patch: { metadata: { annotations: { was: '2' } }, spec: { replicas: 0 } } });
    assert.equal(await client.evict({ namespace: 'shop', name: 'web' }), 'evicted');
    await client.create(RESOURCES.pods, 'sealward-canary', pod('canary'), { dryRun: true });
    assert.ok(await client.get(RESOURCES.validatingWebhooks, { name: 'sealward' }));
    await Promise.all(
      [
        client.create(RESOURCES.pods, 'shop', pod('another')),
        client.delete(RESOURCES.pods, { namespace: 'shop', name: 'web' }),
        client.get(RESOURCES.secrets, { namespace: 'shop', name: 'pull' }),
        client.patch(RESOURCES.validatingWebhooks, { name: 'sealward' }, { type: 'merge', patch: {} }),
        client.get(RESOURCES.leases, { namespace: NAMESPACE, name: 'another' }),
        client.create(RESOURCES.leases, NAMESPACE, { metadata: { name: 'another' } }),
      ].map((forbidden) => assert.rejects(forbidden, denied)),
    );
    await election.close();
    assert.deepEqual(problems, []);
  });
}
