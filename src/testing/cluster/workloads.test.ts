import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startReviewServer } from '../../../test/review-server.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { listAt, numberAt, textAt } from './members.ts';
import { ClusterServer } from './server.ts';
import type { StoreChange } from './store.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const deployment = (image: string, replicas: number): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image }] } },
  },
});
const PATH = '/apis/apps/v1/namespaces/default/deployments';
const merge = { contentType: 'application/merge-patch+json' };

async function started(t: TestContext): Promise<ClusterServer> {
  const imageID = (image: string): string | undefined => (image.includes('@') ? undefined : `a.example/app@${digest('1')}`);
  const cluster = await ClusterServer.start({ workloads: { imageID } });
  t.after(() => cluster.close());
  return cluster;
}

const running = (cluster: ClusterServer): string[] => cluster.objects('pods').map((pod) => textAt(listAt(pod, 'status', 'containerStatuses')[0], 'imageID'));

test('a Deployment becomes Pods that are said to run, is scaled, rolled on, and takes its Pods with it', async (t) => {
  const cluster = await started(t);
  await cluster.request('POST', PATH, deployment('a.example/app:1', 2));
  await cluster.settled();
  assert.deepEqual(running(cluster), [`a.example/app@${digest('1')}`, `a.example/app@${digest('1')}`]);
  assert.match(textAt(cluster.objects('pods')[0], 'metadata', 'name'), /^web-[0-9a-f]{10}-[a-z0-9]{5}$/);
  assert.equal(numberAt(cluster.objects('deployments.apps')[0], 'status', 'availableReplicas'), 2);
  await cluster.request('PATCH', `${PATH}/web/scale`, { spec: { replicas: 1 } }, merge);
  await cluster.settled();
  assert.equal(running(cluster).length, 1);
  await cluster.request('PUT', `${PATH}/web`, deployment(`a.example/app:2@${digest('2')}`, 2));
  await cluster.settled();
  assert.deepEqual(running(cluster), [`a.example/app@${digest('2')}`, `a.example/app@${digest('2')}`], 'the new ones are there and the old ones gone');
  const [pod] = cluster.objects('pods');
  await cluster.request('DELETE', `/api/v1/namespaces/default/pods/${textAt(pod, 'metadata', 'name')}`);
  await cluster.settled();
  assert.equal(running(cluster).length, 2, 'one that went is made again');
  await cluster.request('DELETE', `${PATH}/web`);
  await cluster.settled();
  assert.deepEqual([cluster.objects('pods'), cluster.objects('replicasets.apps')], [[], []]);
});

test('each Pod is admitted as its own, asked for by its controller; what is refused leaves the old ones running and is tried again', async (t) => {
  const cluster = await started(t);
  const webhook = await startReviewServer();
  t.after(() => webhook.close());
  cluster.services.set('guard/webhook', webhook.address);
  let refuse = 'app:2';
  webhook.answer = ({ request }) => {
    const refused = refuse !== '' && JSON.stringify(request['object']).includes(refuse);
    return refused ? { allowed: false, status: { code: 403, reason: 'Forbidden', message: 'not signed' } } : { allowed: true };
  };
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }];
  const clientConfig = { caBundle: webhook.caBundle, service: { namespace: 'guard', name: 'webhook' } };
  await cluster.request('POST', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'judge' },
    webhooks: [{ name: 'judge.sealward.dev', admissionReviewVersions: ['v1'], sideEffects: 'None', clientConfig, rules }],
  });
  await cluster.request('POST', PATH, deployment('a.example/app:1', 2));
  await cluster.settled();
  assert.deepEqual(
    cluster.webhookCalls.map(({ resource, name, outcome }) => [resource, name, outcome]),
    [
      ['pods', '', 'allowed'],
      ['pods', '', 'allowed'],
    ],
  );
  assert.equal(textAt(webhook.seen[0]?.request, 'userInfo', 'username'), 'system:serviceaccount:kube-system:replicaset-controller');
  await cluster.request('PUT', `${PATH}/web`, deployment('a.example/app:2', 2));
  await cluster.settled();
  assert.deepEqual(
    cluster.objects('pods').map((pod) => textAt(listAt(pod, 'spec', 'containers')[0], 'image')),
    ['a.example/app:1', 'a.example/app:1'],
  );
  const failure = listAt(cluster.objects('deployments.apps')[0], 'status', 'conditions').find((each) => textAt(each, 'type') === 'ReplicaFailure');
  assert.equal(textAt(failure, 'message'), 'admission webhook "judge.sealward.dev" denied the request: not signed');
  refuse = '';
  const rolled = new Promise<void>((resolve) => {
    cluster.listen(({ kind, object }: StoreChange) => {
      if (kind.plural === 'deployments' && numberAt(object, 'status', 'readyReplicas') === 2 && !JSON.stringify(object).includes('ReplicaFailure')) resolve();
    });
  });
  await rolled;
  await cluster.settled();
  assert.deepEqual(
    cluster.objects('pods').map((pod) => textAt(listAt(pod, 'spec', 'containers')[0], 'image')),
    ['a.example/app:2', 'a.example/app:2'],
  );
});
