import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ClusterServer, FixedClock } from '../../testing/index.ts';
import { EventRecorder, KubernetesClient, type ObjectEvent, RESOURCES } from './index.ts';

async function started(t: TestContext): Promise<{ cluster: ClusterServer; client: KubernetesClient; clock: FixedClock; recorder: EventRecorder }> {
  const cluster = await ClusterServer.start();
  const clock = new FixedClock({ start: Date.UTC(2026, 0, 1), skipSleep: true });
  const client = new KubernetesClient(cluster.access(), { clock });
  t.after(async () => {
    client.close();
    await cluster.close();
  });
  return { cluster, client, clock, recorder: new EventRecorder(client, { component: 'sealward-controller', instance: 'a' }) };
}

const rejected = (name: string, message = 'not signed'): ObjectEvent => ({
  about: { resource: RESOURCES.deployments, namespace: 'default', name, uid: 'u-1' },
  type: 'Warning',
  reason: 'ImageRejected',
  message,
});

test('an event stands on its object, and a repetition is counted', async (t) => {
  const { cluster, clock, recorder } = await started(t);
  recorder.record(rejected('web'));
  await recorder.drained();
  clock.advance(60_000);
  recorder.record(rejected('web'));
  recorder.record(rejected('other'));
  await recorder.drained();
  const [other, web, more] = cluster.objects('events');
  assert.equal(more, undefined);
  assert.equal(other?.['count'], 1);
  const { metadata: _, ...rest } = web ?? {};
  assert.deepEqual(rest, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web', namespace: 'default', uid: 'u-1' },
    type: 'Warning',
    reason: 'ImageRejected',
    message: 'not signed',
    source: { component: 'sealward-controller' },
    reportingComponent: 'sealward-controller',
    reportingInstance: 'a',
    count: 2,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:01:00Z',
  });
});

test('one that the cluster forgot is made anew; what the cluster does not take is lost and counted', async (t) => {
  const { cluster, recorder } = await started(t);
  recorder.record(rejected('web'));
  await recorder.drained();
  await cluster.request('DELETE', '/api/v1/namespaces/default/events');
  recorder.record(rejected('web'));
  await recorder.drained();
  assert.equal(cluster.objects('events').length, 1);
  cluster.fault({ method: 'POST', path: '/events', status: 403 });
  recorder.record(rejected('other'));
  await recorder.drained();
  assert.deepEqual([recorder.lost, cluster.objects('events').length], [1, 1]);
});

test('long sentences are cut at a character, long names leave room for a name, and a flood is bounded', async (t) => {
  const { cluster, recorder } = await started(t);
  recorder.record(rejected('a'.repeat(253), 'ä€'.repeat(400)));
  await recorder.drained();
  const message = cluster.objects('events')[0]?.['message'];
  assert.ok(typeof message === 'string');
  assert.ok(Buffer.byteLength(message) <= 1024 && message.endsWith('...') && !message.includes('\uFFFD'));
  for (let i = 0; i < 700; i++) recorder.record(rejected('web', `the same`));
  await recorder.drained();
  assert.ok(recorder.lost >= 199 && recorder.lost <= 200, `${recorder.lost}`);
});
