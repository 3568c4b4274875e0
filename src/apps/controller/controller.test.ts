/** The controller at work in a cluster: an API server over HTTPS, a registry, trust in a folder. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { Cluster, type Image, POLICY, writeTrust } from '../../../test/agents.ts';
import { policyReportDefinition } from '../../../test/policy-reports.ts';
import { type JsonObject, type JsonValue, memberOf } from '../../core/encoding/index.ts';
import { createTestKey, ClusterServer, gate } from '../../testing/index.ts';
import { parseControllerConfig } from './config.ts';
import { openController, type OpenController } from './open-controller.ts';

class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'sealward-controller-'));
  readonly log: JsonObject[] = [];
  readonly server: ClusterServer;
  readonly cluster: Cluster;
  controller: OpenController | undefined;

  constructor(server: ClusterServer, cluster: Cluster) {
    this.server = server;
    this.cluster = cluster;
    this.publish();
    writeFileSync(join(this.folder, 'kubeconfig'), server.kubeconfig());
  }

  static async begin(t: TestContext): Promise<Scene> {
    const scene = new Scene(await ClusterServer.start(), await Cluster.start());
    t.after(() => scene.end());
    await scene.server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', policyReportDefinition());
    await scene.server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    return scene;
  }

  publish(): void {
    this.cluster.publish({ 'policy/signed.yaml': POLICY });
    writeTrust(join(this.folder, 'trust'), this.cluster.trust);
  }

  async open(more = ''): Promise<void> {
    const text = `trust: { from: trust, memory: memory, every: 1s }\nevidence: evidence\noperations: 127.0.0.1:0\n${more}`;
    this.controller = await openController({
      config: parseControllerConfig(join(this.folder, 'controller.yaml'), text),
      version: '0',
      environment: { KUBECONFIG: join(this.folder, 'kubeconfig') },
      logger: pino({ level: 'info', base: null }, { write: (line: string) => this.log.push(JSON.parse(line) as JsonObject) }),
      clock: this.cluster.clock,
      gatherMs: 5,
    });
  }

  async run(name: string, { tagged, digest }: Image, more: JsonObject = {}): Promise<void> {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...more }, spec: { containers: [{ name: 'app', image: tagged }] } };
    assert.equal((await this.server.request('POST', '/api/v1/namespaces/shop/pods', pod)).status, 201);
    const status = { phase: 'Running', containerStatuses: [{ name: 'app', image: tagged, imageID: `${tagged.split(':').slice(0, -1).join(':')}@${digest}` }] };
    const patched = await this.server.request(
      'PATCH',
      `/api/v1/namespaces/shop/pods/${name}/status`,
      { status },
      { contentType: 'application/merge-patch+json' },
    );
    assert.equal(patched.status, 200);
  }

  /** `result rule` of each result in the report of the namespace. */
  results(): string[] {
    const [report] = this.server.objects('policyreports.wgpolicyk8s.io', 'shop');
    return ((report?.['results'] ?? []) as JsonObject[]).map(({ result, rule }) => `${result as string} ${rule as string}`);
  }

  async until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + 20_000;
    while (!(await is())) {
      assert.ok(Date.now() < end, `${what}: ${JSON.stringify([this.results(), this.log.slice(-5)])}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async page(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.controller?.operationsPort}${path}`)).text();
  }

  async end(): Promise<void> {
    await this.controller?.close();
    await this.server.close();
    await this.cluster.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const pods = (scene: Scene): JsonValue[] => scene.server.objects('pods', 'shop').map((pod) => (pod['metadata'] as JsonObject)['name'] as string);

describe('the controller', () => {
  it('says of all that runs whether it may, and says it again when trust moves', async (t) => {
    const scene = await Scene.begin(t);
    const [signed, unsigned] = [await scene.cluster.push(), await scene.cluster.push()];
    await scene.cluster.sign(signed);
    await scene.run('good', signed);
    await scene.run('bad', unsigned);
    await scene.open();
    await scene.until('both are reported', () => scene.results().length === 2);
    assert.deepEqual(scene.results(), ['fail NO_SIGNATURE', 'pass VERIFIED']);
    await scene.until('it is told of on the Pod', () => scene.server.objects('events', 'shop').length > 0);
    const [event] = scene.server.objects('events', 'shop');
    assert.deepEqual([event?.['reason'], memberOf(event?.['involvedObject'], 'name')], ['ImageRejected', 'bad']);
    assert.match(await scene.page('/metrics'), /sealward_controller_running_images\{outcome="rejected"\} 1/);
    assert.equal(await scene.page('/readyz'), 'ok\n');
    // Both ran before anybody looked. What comes now is counted; a key alone dates nothing.
    assert.match(await scene.page('/metrics'), /sealward_first_admissions_undated_total 0/);
    const next = await scene.cluster.push();
    await scene.cluster.sign(next);
    await scene.run('next', next);
    await scene.until('its first admission is counted', async () => /sealward_first_admissions_undated_total 1/.test(await scene.page('/metrics')));
    await scene.server.request('DELETE', '/api/v1/namespaces/shop/pods/next');
    const inventory = JSON.parse(await scene.page('/inventory')) as {
      digests: { digest: string; runs: { outcome: string; policies: { signedBy: string[] }[] }[] }[];
    };
    const own = inventory.digests.find(({ digest }) => digest === signed.digest);
    assert.equal(own?.runs[0]?.outcome, 'verified');
    assert.match(own.runs[0].policies[0]?.signedBy[0] ?? '', /^release: the key /);

    scene.cluster.registry.fault({ path: '', status: 503 });
    scene.cluster.trust.denials = [{ id: 'd1', kind: 'digest', digest: signed.digest, reason: 'stolen', addedAt: scene.cluster.clock.now() }];
    scene.publish();
    scene.cluster.clock.advance(1000);
    await scene.until('the revocation is reported, with the registry gone', () => scene.results().includes('fail DENIED'));

    await scene.server.request('DELETE', '/api/v1/namespaces/shop/pods/good');
    await scene.server.request('DELETE', '/api/v1/namespaces/shop/pods/bad');
    await scene.until('nothing runs, so nothing is reported', () => scene.server.objects('policyreports.wgpolicyk8s.io', 'shop').length === 0);
  });

  it('takes back nothing that another one said before it knows itself what runs', async (t) => {
    const scene = await Scene.begin(t);
    await scene.run('a', await scene.cluster.push());
    await scene.open('lease: shop/sealward-controller\n');
    await scene.until('it is reported', () => scene.results().length === 1);
    await scene.controller?.close();
    const slow = gate();
    scene.server.fault({ method: 'GET', path: '/api/v1/pods?', before: slow });
    await scene.open('lease: shop/sealward-controller\n');
    await slow.reached;
    await scene.until('it leads', async () => /sealward_controller_leads 1/.test(await scene.page('/metrics')));
    // Time enough for what would be written at once.
    for (let i = 0; i < 20; i++) await scene.page('/readyz');
    assert.deepEqual([scene.results(), await scene.page('/readyz')], [['fail NO_SIGNATURE'], 'the Pods of the cluster were not listed yet\n']);
    slow.open();
    await scene.until('it is ready', async () => (await scene.page('/readyz')) === 'ok\n');
    assert.deepEqual(scene.results(), ['fail NO_SIGNATURE']);
  });

  it('judges again by the labels that a namespace has now', async (t) => {
    const scene = await Scene.begin(t);
    scene.cluster.publish({ 'policy/signed.yaml': POLICY.replace('match: {', 'match: { namespaceLabels: { matchLabels: { tier: prod } },') });
    writeTrust(join(scene.folder, 'trust'), scene.cluster.trust);
    await scene.run('a', await scene.cluster.push());
    await scene.open();
    await scene.until('no policy is about it', () => scene.results().join() === 'fail NO_POLICY');
    const label = async (tier: string): Promise<void> => {
      const patch = { metadata: { labels: { tier } } };
      assert.equal((await scene.server.request('PATCH', '/api/v1/namespaces/shop', patch, { contentType: 'application/merge-patch+json' })).status, 200);
    };
    await label('prod');
    await scene.until('the policy is about it', () => scene.results().join() === 'fail NO_SIGNATURE');
    await label('test');
    await scene.until('it is not any more', () => scene.results().join() === 'fail NO_POLICY');
  });

  it('touches nothing without a rule, nor in a dry run, and then no more in a minute than it may', async (t) => {
    const scene = await Scene.begin(t);
    const other = await scene.cluster.push();
    await scene.cluster.sign(other, createTestKey());
    for (const name of ['a', 'b', 'c']) await scene.run(name, other);
    await scene.open('containment: { rules: [{ action: evict }], perMinute: 2 }\n');
    const said = (): JsonObject[] => scene.log.filter(({ msg }) => msg === 'containment');
    await scene.until('it says what it would do', () => said().length === 3);
    assert.deepEqual(
      said().map(({ dryRun, result }) => [dryRun, result]),
      [
        [true, 'done'],
        [true, 'done'],
        [true, 'limited'],
      ],
    );
    assert.deepEqual(pods(scene), ['a', 'b', 'c']);
    await scene.controller?.close();
    scene.log.length = 0;
    await scene.open('containment: { dryRun: false, rules: [{ action: evict, policies: [another] }, { action: evict, namespaces: [shop] }], perMinute: 2 }\n');
    await scene.until('it waits for the minute of another leader to end', () => said().length === 3);
    assert.deepEqual(pods(scene), ['a', 'b', 'c']);
    scene.cluster.clock.advance(60_000);
    await scene.until('it does it', () => said().length === 5);
    assert.equal(pods(scene).length, 1);
    assert.match(await scene.page('/metrics'), /sealward_controller_containments_total\{action="evict",result="limited",dry_run="false"\} 3/);
    await scene.run('d', other);
    scene.cluster.clock.advance(60_000);
    await scene.until('it does what was left, and to what came since', () => pods(scene).length === 0);
  });

  it('never acts upon what could not be found out, nor in exempt namespaces', async (t) => {
    const scene = await Scene.begin(t);
    const image = await scene.cluster.push();
    await scene.run('a', image);
    scene.cluster.registry.fault({ path: '', status: 403 });
    await scene.open('containment: { dryRun: false, rules: [{ action: evict }] }\n');
    await scene.until('it is reported', () => scene.results().length === 1);
    assert.match(scene.results()[0] ?? '', /^error /);
    await scene.controller?.close();
    scene.cluster.registry.clearFaults();
    await scene.open('exemptNamespaces: [shop]\ncontainment: { dryRun: false, rules: [{ action: evict }] }\n');
    await scene.until('it is reported', () => scene.results().includes('fail NO_SIGNATURE'));
    assert.deepEqual([pods(scene), scene.log.filter(({ msg }) => msg === 'containment')], [['a'], []]);
  });

  it('labels a Pod, and scales the Deployment above it to zero, saying what it was', async (t) => {
    const scene = await Scene.begin(t);
    const image = await scene.cluster.push();
    const owned = (kind: string, name: string, uid: string): JsonObject => ({
      ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }],
    });
    const spec = {
      replicas: 3,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'app', image: image.tagged }] } },
    };
    const made = async (plural: string, kind: string, metadata: JsonObject): Promise<string> => {
      const { status, body } = await scene.server.request('POST', `/apis/apps/v1/namespaces/shop/${plural}`, { apiVersion: 'apps/v1', kind, metadata, spec });
      assert.equal(status, 201, JSON.stringify(body));
      return (body['metadata'] as JsonObject)['uid'] as string;
    };
    const deployment = await made('deployments', 'Deployment', { name: 'web' });
    const set = await made('replicasets', 'ReplicaSet', { name: 'web-1', ...owned('Deployment', 'web', deployment) });
    await scene.run('web-1-x', image, owned('ReplicaSet', 'web-1', set));
    await scene.open('containment: { dryRun: false, rules: [{ action: label }] }\n');
    const labels = (): JsonObject => (memberOf(scene.server.objects('pods', 'shop')[0]?.['metadata'], 'labels') ?? {}) as JsonObject;
    await scene.until('it waits', () => scene.log.some(({ result }) => result === 'limited'));
    scene.cluster.clock.advance(60_000);
    await scene.until('it has its label', () => labels()['sealward.dev/verdict'] === 'NO_SIGNATURE');
    await scene.controller?.close();
    await scene.open('containment: { dryRun: false, rules: [{ action: scale-to-zero }] }\n');
    const web = (): JsonObject => scene.server.objects('deployments.apps', 'shop')[0] as JsonObject;
    await scene.until('it waits', () => scene.log.some(({ action, result }) => action === 'scale-to-zero' && result === 'limited'));
    scene.cluster.clock.advance(60_000);
    await scene.until('it is scaled', () => (web()['spec'] as JsonObject)['replicas'] === 0);
    await scene.until('it says what it was', () => JSON.stringify(web()['metadata']).includes('"sealward.dev/replicas-before":"3"'));
  });

  it('of two replicas one speaks, and the other goes on when that one is gone', async (t) => {
    const scene = await Scene.begin(t);
    const image = await scene.cluster.push();
    await scene.run('a', image);
    await scene.open('lease: shop/sealward-controller\n');
    await scene.until('the first one speaks', () => scene.results().length === 1);
    const first = scene.controller;
    const events = scene.server.objects('events', 'shop').length;
    await scene.open('lease: shop/sealward-controller\n');
    await scene.until('the second one is ready', async () => (await scene.page('/readyz')) === 'ok\n');
    assert.match(await scene.page('/metrics'), /sealward_controller_leads 0/);
    assert.equal(scene.server.objects('events', 'shop').length, events);
    await first?.close();
    await scene.until('it leads', async () => /sealward_controller_leads 1/.test(await scene.page('/metrics')));
    await scene.cluster.sign(image);
    scene.cluster.clock.advance(60_000);
    await scene.until('it speaks', () => scene.results().join() === 'pass VERIFIED');
  });
});
