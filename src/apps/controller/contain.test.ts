/** What is done to a cluster about images that must not run, against an API server. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CLUSTERS, type TestCluster } from '../../../test/clusters.ts';
import { answerOf } from '../../../test/running.ts';
import { KubernetesClient, RESOURCES } from '../../clients/kubernetes/index.ts';
import { type JsonObject, type JsonValue, memberOf } from '../../core/encoding/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import { ClusterServer, FixedClock } from '../../testing/index.ts';
import { Container, type Containment, CONTAINMENTS, type ContainOptions } from './contain.ts';
import type { Held } from './inventory.ts';
import { readRunningPod, type RunningPod } from './running-pod.ts';

const IMAGE = `r.example/app@sha256:${'a'.repeat(64)}`;
const rejected = (code: 'NO_SIGNATURE' | 'DENIED' = 'NO_SIGNATURE', name = IMAGE): JudgedName => answerOf(name, 'rejected', code);
const metadataOf = (object: JsonObject | undefined): JsonObject => (object?.['metadata'] ?? {}) as JsonObject;

class Scene {
  readonly clock = new FixedClock({ start: 1_000_000 });
  readonly said: string[] = [];
  readonly problems: SealwardError[] = [];
  readonly held = new Map<string, Held>();
  readonly server: TestCluster;
  readonly client: KubernetesClient;
  readonly container: Container;
  leads = true;

  constructor(server: TestCluster, action: Containment, options: Partial<ContainOptions>) {
    this.server = server;
    this.client = new KubernetesClient(server.access());
    this.container = new Container({
      client: this.client,
      clock: this.clock,
      rules: [{ action, policies: [], namespaces: [] }],
      dryRun: false,
      perMinute: 100,
      exempt: new Set(),
      leads: () => this.leads,
      imagesOf: ({ namespace, name, uid, images }) =>
        images.flatMap((image) => this.held.get(image.name) ?? []).filter(({ pods }) => pods.get(`${namespace}/${name}`)?.uid === uid),
      done: ({ about, dryRun, result }) => this.said.push(`${about.kind} ${about.name} ${result}${dryRun ? '?' : ''}`),
      report: (problem) => this.problems.push(problem),
      ...options,
    });
  }

  static async begin(t: TestContext, action: Containment, options: Partial<ContainOptions> = {}, [kind] = CLUSTERS): Promise<Scene> {
    assert.ok(kind);
    const scene = new Scene(await kind.start(), action, options);
    t.after(async () => {
      await scene.container.close();
      scene.client.close();
      await scene.server.close();
    });
    await scene.server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    return scene;
  }

  /** Makes a Pod; it is known to run. */
  async run(name: string, metadata: JsonObject = {}, images = [IMAGE]): Promise<RunningPod> {
    const containers = images.map((image, at) => ({ name: `c${at}`, image }));
    await this.client.create(RESOURCES.pods, 'shop', { metadata: { name, ...metadata }, spec: { containers } });
    return this.look(name);
  }

  /** Takes in what the API server says of a Pod. */
  async look(name: string): Promise<RunningPod> {
    const found = await this.client.get(RESOURCES.pods, { namespace: 'shop', name });
    assert.ok(found);
    const pod = readRunningPod(found);
    for (const image of pod.images) {
      const held = this.held.get(image.name) ?? { namespace: 'shop', name: image.name, pods: new Map(), confirmed: true, judgedAt: 1, changedAt: 1, inVain: 0 };
      held.pods.set(`shop/${name}`, pod);
      this.held.set(image.name, held);
    }
    return pod;
  }

  judge(judged: JudgedName = rejected()): void {
    const held = this.held.get(judged.name) as Held;
    held.judged = judged;
    this.container.judged(held);
  }

  /** Waits until so much was said. */
  async hear(count: number): Promise<string[]> {
    while (this.said.length < count) await new Promise((resolve) => setImmediate(resolve));
    return this.said;
  }

  async workload(kind: string, name: string, owner?: JsonObject, replicas = 3): Promise<JsonObject> {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    const spec = { replicas, selector: { matchLabels: { a: 'b' } }, template };
    const metadata = { name, ...(owner ? { ownerReferences: [owner] } : {}) };
    const path = `/apis/apps/v1/namespaces/shop/${kind.toLowerCase()}s`;
    const { status, body } = await this.server.request('POST', path, { apiVersion: 'apps/v1', kind, metadata, spec });
    assert.equal(status, 201, JSON.stringify(body));
    return { apiVersion: 'apps/v1', kind, name, uid: metadataOf(body)['uid'] as JsonValue, controller: true };
  }

  /** What a Deployment is to have, and what it is noted to have had. */
  async scaleOf(plural = 'deployments.apps'): Promise<JsonValue[]> {
    const [object] = await this.server.objects(plural, 'shop');
    return [memberOf(object?.['spec'], 'replicas') ?? null, memberOf(metadataOf(object)['annotations'], 'sealward.dev/replicas-before') ?? null];
  }

  async objects(kind: string): Promise<JsonObject[]> {
    return this.server.objects(kind, 'shop');
  }

  /** The API server of src/testing, which can fail on purpose and says what it was asked. */
  get own(): ClusterServer {
    assert.ok(this.server instanceof ClusterServer);
    return this.server;
  }

  writes(): string[] {
    return this.own.journal.filter(({ method }) => method !== 'GET').map(({ method, url }) => `${method} ${url.split('?')[0]}`);
  }
}

describe('containment', () => {
  for (const kind of CLUSTERS)
    it(`does not touch a Pod or workload that was made anew under the same name: ${kind.name}`, async (t) => {
      for (const action of CONTAINMENTS) {
        const scene = await Scene.begin(t, action, {}, [kind]);
        const owner = action === 'scale-to-zero' ? await scene.workload('StatefulSet', 'web') : undefined;
        await scene.run('web-0', owner ? { ownerReferences: [owner] } : {});
        await scene.client.delete(RESOURCES.pods, { namespace: 'shop', name: 'web-0' });
        await scene.client.create(RESOURCES.pods, 'shop', { metadata: { name: 'web-0' }, spec: { containers: [{ name: 'c', image: 'good' }] } });
        if (owner) {
          await scene.client.delete(RESOURCES.statefulSets, { namespace: 'shop', name: 'web' });
          await scene.workload('StatefulSet', 'web');
        }
        scene.judge();
        assert.match((await scene.hear(1)).join(), / gone$/);
        const [pod] = await scene.objects('pods');
        assert.deepEqual([(await scene.objects('pods')).length, metadataOf(pod)['labels']], [1, undefined]);
        if (owner) assert.deepEqual(await scene.scaleOf('statefulsets.apps'), [3, null]);
      }
    });

  it('scales the Deployment above in one write, which is of what was looked at and no other', async (t) => {
    const scene = await Scene.begin(t, 'scale-to-zero');
    const deployment = await scene.workload('Deployment', 'web');
    const [one, two] = [await scene.workload('ReplicaSet', 'web-1', deployment), await scene.workload('ReplicaSet', 'web-2', deployment)];
    for (const [name, owner] of [
      ['a', one],
      ['b', one],
      ['c', two],
    ] as const)
      await scene.run(name, { ownerReferences: [owner] });
    scene.own.forget();
    // Somebody scales it between the look and the write.
    let patches = 0;
    const patch = scene.client.patch.bind(scene.client);
    scene.client.patch = async (...given) => {
      if (patches++ === 0) await patch(RESOURCES.deployments, { namespace: 'shop', name: 'web' }, { type: 'merge', patch: { spec: { replicas: 7 } } });
      return patch(...given);
    };
    scene.judge();
    assert.deepEqual(await scene.hear(1), ['Deployment web done']);
    assert.deepEqual(await scene.scaleOf(), [0, '7']);
    for (const judged of [rejected(), rejected('DENIED')]) {
      scene.judge(judged);
      await scene.container.drained();
    }
    assert.deepEqual([scene.said.length, await scene.scaleOf()], [1, [0, '7']], 'what it had is kept, and nothing is said of what was done');
    assert.equal(scene.writes().length, 3, 'of which one was theirs, and one came too late');
    assert.deepEqual(scene.problems, []);
  });

  it('does nothing about what was not confirmed, could not be found out, is only warned of, or is exempt', async (t) => {
    const scene = await Scene.begin(t, 'evict');
    await scene.run('a');
    const held = scene.held.get(IMAGE) as Held;
    for (const [judged, confirmed] of [
      [rejected(), false],
      [answerOf(IMAGE, 'inconclusive', 'ERR_DEADLINE'), true],
      [{ ...rejected(), action: 'warn' }, true],
    ] as const) {
      held.confirmed = confirmed;
      scene.judge(judged);
      await scene.container.drained();
    }
    assert.deepEqual([scene.said, (await scene.objects('pods')).length], [[], 1]);
    held.confirmed = true;
    scene.judge();
    assert.deepEqual(await scene.hear(1), ['Pod a done']);
    const exempt = await Scene.begin(t, 'evict', { exempt: new Set(['shop']) });
    await exempt.run('a');
    exempt.judge();
    await exempt.container.drained();
    assert.deepEqual([exempt.said, (await exempt.objects('pods')).length], [[], 1]);
  });

  it('says of which kinds it cannot be done, and touches nothing of them', async (t) => {
    const scene = await Scene.begin(t, 'scale-to-zero');
    const owner = (apiVersion: string, kind: string, name: string): JsonObject => ({ apiVersion, kind, name, uid: `uid-${name}`, controller: true });
    const rollout = await scene.workload('ReplicaSet', 'rolled-1', owner('argoproj.io/v1alpha1', 'Rollout', 'rolled'));
    await scene.run('bare');
    await scene.run('job-x', { ownerReferences: [owner('batch/v1', 'Job', 'job')] });
    await scene.run('rolled-1-x', { ownerReferences: [rollout] });
    await scene.run('lost-x', { ownerReferences: [owner('apps/v1', 'ReplicaSet', 'lost')] });
    // Not ours, though it is called alike.
    await scene.run('other-x', { ownerReferences: [owner('example.com/v1', 'ReplicaSet', 'other')] });
    scene.own.forget();
    scene.judge();
    assert.deepEqual(await scene.hear(5), [
      'Pod bare unsupported',
      'Job job unsupported',
      'Rollout rolled unsupported',
      'ReplicaSet lost gone',
      'ReplicaSet other unsupported',
    ]);
    assert.deepEqual(scene.writes(), []);
    // What an operator owns is scaled itself: whoever made it may leave it so, and a Pod of it that comes is met again.
    await scene.workload('StatefulSet', 'db', owner('example.com/v1', 'Database', 'db'), 2);
    const [{ metadata }] = (await scene.objects('statefulsets.apps')) as [JsonObject];
    await scene.run('db-0', { ownerReferences: [owner('apps/v1', 'StatefulSet', 'db')].map((one) => ({ ...one, uid: memberOf(metadata, 'uid') as string })) });
    scene.container.joined(await scene.look('db-0'));
    assert.deepEqual((await scene.hear(6)).slice(5), ['StatefulSet db done']);
    assert.deepEqual(await scene.scaleOf('statefulsets.apps'), [0, '2']);
  });

  it('does later what the limit holds back, without saying so again, and what is not to be done then it leaves', async (t) => {
    const scene = await Scene.begin(t, 'evict', { perMinute: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await scene.run(name);
    scene.judge();
    assert.deepEqual(await scene.hear(6), ['Pod a done', 'Pod b done', 'Pod c limited', 'Pod d limited', 'Pod e limited', 'Pod f limited']);
    const pods = scene.held.get(IMAGE)?.pods;
    for (const name of ['a', 'b']) pods?.delete(`shop/${name}`);
    pods?.set('shop/d', { ...(await scene.look('d')), ending: true });
    scene.clock.advance(59_999);
    assert.equal(scene.said.length, 6);
    scene.clock.advance(1);
    assert.deepEqual((await scene.hear(8)).slice(6), ['Pod c done', 'Pod e done']);
    // It is signed by now.
    scene.judge(answerOf(IMAGE, 'verified', 'VERIFIED'));
    scene.clock.advance(60_000);
    await scene.container.drained();
    assert.deepEqual([scene.said.length, (await scene.objects('pods')).length], [8, 2]);
  });

  it('tries again what a disruption budget blocks, after those that wait, and says both once', async (t) => {
    const scene = await Scene.begin(t, 'evict', { perMinute: 1 });
    await scene.run('a', { labels: { app: 'web' } });
    await scene.run('b');
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
    const budgets = '/apis/policy/v1/namespaces/shop/poddisruptionbudgets';
    await scene.server.request('POST', budgets, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'keep' }, spec });
    scene.judge();
    assert.deepEqual(await scene.hear(2), ['Pod a blocked', 'Pod b limited']);
    scene.clock.advance(60_000);
    assert.deepEqual((await scene.hear(3)).slice(2), ['Pod b done'], 'one that is blocked keeps nobody waiting');
    await scene.server.request('DELETE', `${budgets}/keep`);
    scene.clock.advance(60_000);
    assert.deepEqual((await scene.hear(4)).slice(3), ['Pod a done']);
  });

  it('tries again what failed', async (t) => {
    const scene = await Scene.begin(t, 'evict');
    await scene.run('a');
    scene.own.fault({ method: 'POST', path: '/eviction', status: 403, times: 1 });
    scene.judge();
    while (scene.problems.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([scene.problems[0]?.code, scene.said], ['ERR_CLUSTER_DENIED', []]);
    await new Promise((resolve) => setImmediate(resolve));
    scene.clock.advance(60_000);
    assert.deepEqual(await scene.hear(1), ['Pod a done']);
  });

  it('keeps within the limit across a change of leaders, and does nothing after it', async (t) => {
    const scene = await Scene.begin(t, 'evict', { perMinute: 2 });
    for (const name of ['a', 'b', 'c']) await scene.run(name);
    // Another one may have done its two a moment ago.
    scene.container.begin();
    scene.judge();
    assert.deepEqual(await scene.hear(3), ['Pod a limited', 'Pod b limited', 'Pod c limited']);
    scene.clock.advance(60_000);
    assert.deepEqual((await scene.hear(5)).slice(3), ['Pod a done', 'Pod b done']);
    scene.leads = false;
    scene.clock.advance(60_000);
    await scene.container.drained();
    assert.deepEqual([scene.said.length, (await scene.objects('pods')).length], [5, 1]);
  });

  it('contains each Pod that comes after, and not one that is going or that a kubelet starts by itself', async (t) => {
    const scene = await Scene.begin(t, 'evict');
    await scene.run('a');
    scene.judge();
    await scene.hear(1);
    scene.container.joined(await scene.run('b'));
    assert.deepEqual(await scene.hear(2), ['Pod a done', 'Pod b done']);
    const mirror = await scene.run('static', { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'n', controller: true }] });
    scene.container.joined({ ...(await scene.run('going')), ending: true });
    scene.container.joined(mirror);
    assert.deepEqual((await scene.hear(3)).slice(2), ['Pod static unsupported']);
    assert.equal((await scene.objects('pods')).length, 2);
  });

  it('writes a label once, another one when the reason is another, and takes it away when all of the Pod is well', async (t) => {
    const other = `r.example/side@sha256:${'b'.repeat(64)}`;
    const scene = await Scene.begin(t, 'label');
    const label = async (): Promise<string | undefined> => (await scene.look('a')).verdict;
    await scene.run('a', { labels: { app: 'web' } }, [IMAGE, other]);
    scene.judge(answerOf(other, 'verified', 'VERIFIED'));
    scene.judge();
    await scene.hear(1);
    assert.equal(await label(), 'NO_SIGNATURE');
    scene.judge();
    scene.judge(rejected('DENIED'));
    assert.deepEqual(await scene.hear(2), ['Pod a done', 'Pod a done']);
    assert.equal(await label(), 'DENIED');
    scene.judge(rejected('NO_SIGNATURE', other));
    scene.judge(answerOf(IMAGE, 'verified', 'VERIFIED'));
    await scene.hear(3);
    assert.equal(await label(), 'NO_SIGNATURE', 'the other image is not well');
    scene.judge(answerOf(other, 'inconclusive', 'ERR_DEADLINE'));
    await scene.container.drained();
    assert.equal(await label(), 'NO_SIGNATURE', 'what could not be found out is not well');
    scene.judge(answerOf(other, 'verified', 'VERIFIED'));
    assert.equal((await scene.hear(4))[3], 'Pod a cleared');
    const [pod] = await scene.objects('pods');
    assert.deepEqual(metadataOf(pod)['labels'], { app: 'web' });
  });

  it('in a dry run asks the API server to check each act and keeps nothing, also of those that are counted', async (t) => {
    for (const action of CONTAINMENTS) {
      const scene = await Scene.begin(t, action, { dryRun: true, perMinute: 1 });
      const owner = await scene.workload('StatefulSet', 'web');
      for (const name of ['a', 'b']) await scene.run(name, { ownerReferences: [owner] });
      const before = JSON.stringify([await scene.objects('pods'), await scene.objects('statefulsets.apps')]);
      scene.own.forget();
      scene.container.begin();
      scene.judge();
      await scene.hear(action === 'scale-to-zero' ? 1 : 2);
      await scene.container.close();
      assert.deepEqual(scene.said, action === 'scale-to-zero' ? ['StatefulSet web done?'] : ['Pod a done?', 'Pod b limited?']);
      assert.equal(JSON.stringify([await scene.objects('pods'), await scene.objects('statefulsets.apps')]), before);
      const writes = scene.own.journal.filter(({ method }) => method !== 'GET');
      assert.ok(writes.length > 0 && writes.every(({ url, status }) => url.includes('dryRun=All') && status < 300));
    }
  });
});
