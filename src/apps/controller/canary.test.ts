import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ReviewServer, startReviewServer } from '../../../test/review-server.ts';
import { KubernetesClient } from '../../clients/kubernetes/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { ClusterServer, FixedClock } from '../../testing/index.ts';
import { Canary, type CanaryRound } from './canary.ts';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

interface Scene {
  readonly server: ClusterServer;
  readonly webhook: ReviewServer;
  readonly canary: Canary;
  readonly rounds: CanaryRound[];
  readonly clock: FixedClock;
}

async function scene(t: TestContext): Promise<Scene> {
  const webhook = await startReviewServer();
  const server = await ClusterServer.start({ services: { 'guard/webhook': webhook.address } });
  const settings = {
    name: 'pods.sealward.dev',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    clientConfig: { caBundle: webhook.caBundle, service: { namespace: 'guard', name: 'webhook', path: '/validate' } },
    rules: [
      { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
      { operations: ['UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/ephemeralcontainers'] },
    ],
  };
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'sealward' }, webhooks: [settings] };
  assert.equal((await server.request('POST', CONFIGURATIONS, body)).status, 201);
  webhook.answer = ({ request }) => {
    const [container] = ((request['object'] as JsonObject)['spec'] as JsonObject)['containers'] as JsonObject[];
    const bad = JSON.stringify(container ?? {}).includes('unsigned');
    return bad ? { allowed: false, status: { code: 403, message: 'it is not signed' } } : { allowed: true };
  };
  const clock = new FixedClock({ skipSleep: true });
  const client = new KubernetesClient(server.access(), { clock });
  const rounds: CanaryRound[] = [];
  const images = [
    { name: 'unsigned', image: 'r.example/unsigned:1' },
    { name: 'revoked', image: 'r.example/revoked:1' },
  ];
  const canary = new Canary({
    client,
    namespace: 'default',
    images,
    configuration: 'sealward',
    exempt: new Set(),
    everyMs: 60_000,
    told: (round) => rounds.push(round),
  });
  t.after(async () => {
    await canary.close();
    client.close();
    await server.close();
    await webhook.close();
  });
  return { server, webhook, canary, rounds, clock };
}

const said = ({ last }: Canary): string[] => (last?.images ?? []).map(({ name, result }) => `${name} ${result}`);

test('what is refused is well, and what would have been let in is an alarm; nothing is made in either case', async (t) => {
  const { server, webhook, canary } = await scene(t);
  await canary.round();
  assert.deepEqual([said(canary), canary.last?.weaknesses], [['unsigned refused', 'revoked admitted'], []]);
  assert.match(canary.last?.images[1]?.message ?? '', /nobody was asked, or the policies that hold in default only warn of it/);
  assert.deepEqual(server.objects('pods'), []);
  assert.ok(webhook.seen.every(({ request }) => request['dryRun'] === true));
});

test('a refusal by somebody else proves nothing, and neither does silence', async (t) => {
  const { server, canary } = await scene(t);
  server.fault({ method: 'POST', path: '/pods', status: 403 });
  await canary.round();
  assert.deepEqual(said(canary), ['unsigned unknown', 'revoked unknown']);
  server.clearFaults();
  server.fault({ method: 'POST', path: '/pods', drop: 'before' });
  await canary.round();
  assert.deepEqual(said(canary), ['unsigned unknown', 'revoked unknown']);
});

test('a webhook of somebody else that refuses proves nothing of ours, whatever it is called', async (t) => {
  const { server, webhook, canary } = await scene(t);
  const settings = {
    name: 'not-sealward.sealward.dev.example',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { caBundle: webhook.caBundle, service: { namespace: 'guard', name: 'webhook', path: '/other' } },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
  };
  const message = 'admission webhook "pods.sealward.dev" denied the request: so it says';
  webhook.answer = ({ url }) => (url.startsWith('/other') ? { allowed: false, status: { code: 403, message } } : { allowed: true });
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'other' }, webhooks: [settings] };
  assert.equal((await server.request('POST', CONFIGURATIONS, body)).status, 201);
  await canary.round();
  assert.deepEqual(said(canary), ['unsigned unknown', 'revoked unknown']);
  assert.match(canary.last?.images[0]?.message ?? '', /^not-sealward\.sealward\.dev\.example is none of our webhooks, and refused first/);
});

test('a configuration that was weakened or deleted is noticed', async (t) => {
  const { server, canary } = await scene(t);
  const patch = [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }];
  await server.request('PATCH', `${CONFIGURATIONS}/sealward`, patch, { contentType: 'application/json-patch+json' });
  await canary.round();
  assert.match(canary.last?.weaknesses?.join() ?? '', /failurePolicy/);
  await server.request('DELETE', `${CONFIGURATIONS}/sealward`);
  await canary.round();
  assert.deepEqual([canary.last?.weaknesses, said(canary)[0]], [['the configuration is not there'], 'unsigned admitted']);
  server.fault({ method: 'GET', path: CONFIGURATIONS, status: 500 });
  await canary.round();
  assert.equal(canary.last?.weaknesses, undefined, 'what could not be read is not said to be strong');
});

test('it asks again by itself', async (t) => {
  const { canary, rounds, clock } = await scene(t);
  canary.start();
  while (rounds.length < 1) await new Promise((resolve) => setImmediate(resolve));
  await canary.round();
  clock.advance(66_000);
  while (rounds.length < 3) await new Promise((resolve) => setImmediate(resolve));
});
