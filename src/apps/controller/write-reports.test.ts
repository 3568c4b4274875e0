/** Reports in a cluster in which namespaces come and go, and leaders die. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { policyReportDefinition } from '../../../test/policy-reports.ts';
import { answerOf, podObject } from '../../../test/running.ts';
import { KubernetesClient } from '../../clients/kubernetes/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { ClusterServer, FixedClock } from '../../testing/index.ts';
import type { Held } from './inventory.ts';
import { readRunningPod } from './running-pod.ts';
import { ReportWriter } from './write-reports.ts';

const NAME = `r.example/app@sha256:${'a'.repeat(64)}`;
const heldIn = (namespace: string, isJudged = true): Held => ({
  namespace,
  name: NAME,
  pods: new Map([[`${namespace}/p`, readRunningPod(podObject('p', [NAME], { namespace }))]]),
  ...(isJudged ? { judged: answerOf(NAME, 'rejected', 'NO_SIGNATURE') } : {}),
  confirmed: true,
  judgedAt: 5_000_000,
  changedAt: 4_000_000,
  inVain: 0,
});

class Scene {
  readonly clock = new FixedClock({ skipSleep: true });
  readonly problems: string[] = [];
  readonly server: ClusterServer;
  readonly client: KubernetesClient;
  held: Held[] = [];
  leads = true;

  constructor(server: ClusterServer) {
    this.server = server;
    this.client = new KubernetesClient(server.access(), { clock: this.clock });
  }

  static async begin(t: TestContext, namespaces: readonly string[], isServed = true): Promise<Scene> {
    const scene = new Scene(await ClusterServer.start());
    t.after(async () => {
      scene.client.close();
      await scene.server.close();
    });
    if (isServed) await scene.server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', policyReportDefinition());
    for (const name of namespaces) await scene.server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    scene.server.forget();
    return scene;
  }

  writer(): ReportWriter {
    const { client } = this;
    return new ReportWriter({ client, held: () => this.held, leads: () => this.leads, report: ({ code }) => this.problems.push(code), gatherMs: 1000 });
  }

  reports(): string[] {
    return this.server.objects('policyreports.wgpolicyk8s.io').map((report) => (report['metadata'] as JsonObject)['namespace'] as string);
  }

  resultsIn(namespace: string): number {
    const [report] = this.server.objects('policyreports.wgpolicyk8s.io', namespace);
    return Array.isArray(report?.['results']) ? report['results'].length : 0;
  }

  writes(): string[] {
    return this.server.journal.filter(({ method }) => method !== 'GET').map(({ method, url }) => `${method} ${url.split('/')[5]}`);
  }
}

describe('reports', () => {
  it('a namespace that is gone keeps nobody else from a report, nor is it a trouble', async (t) => {
    const scene = await Scene.begin(t, ['a', 'c']);
    scene.server.fault({ method: 'PATCH', path: '/namespaces/b/', status: 404 });
    const writer = scene.writer();
    scene.held = ['a', 'b', 'c'].map((namespace) => heldIn(namespace));
    for (const namespace of ['a', 'b', 'c']) writer.touch(namespace);
    await writer.flush();
    assert.deepEqual([scene.reports(), scene.problems, writer.failed], [['a', 'c'], [], 0]);
    writer.touch('a');
    scene.held[0] = { ...heldIn('a'), changedAt: 9_000_000 };
    scene.server.forget();
    await writer.flush();
    assert.deepEqual(scene.writes(), ['PATCH a'], 'the others go on at once, and it is left alone for a while');
    scene.held = scene.held.filter(({ namespace }) => namespace !== 'b');
    scene.clock.advance(30_000);
    await writer.flush();
    scene.server.forget();
    scene.clock.advance(3_000_000);
    await writer.close();
    assert.deepEqual(scene.writes(), [], 'once nothing runs there it is over');
  });

  it('a cluster that does not know the kind is told of, and asked again after ten minutes', async (t) => {
    const scene = await Scene.begin(t, ['a', 'b'], false);
    const writer = scene.writer();
    t.after(() => writer.close());
    scene.held = ['a', 'b'].map((namespace) => heldIn(namespace));
    for (const namespace of ['a', 'b']) writer.touch(namespace);
    await writer.flush();
    assert.deepEqual([scene.writes(), scene.problems, writer.failed], [['PATCH a'], ['ERR_OBJECT_NOT_FOUND'], 1]);
    scene.clock.advance(599_000);
    await writer.flush();
    assert.equal(scene.writes().length, 1);
    await scene.server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', policyReportDefinition());
    scene.clock.advance(1000);
    await writer.flush();
    assert.deepEqual(scene.reports(), ['a', 'b']);
  });

  it('whoever begins to lead takes back what another one said of what runs no more, and writes anew what was changed', async (t) => {
    const scene = await Scene.begin(t, ['a', 'b', 'c']);
    const former = scene.writer();
    scene.held = ['a', 'b', 'c'].map((namespace) => heldIn(namespace));
    former.begin();
    await former.flush();
    await former.close();
    assert.deepEqual(scene.reports(), ['a', 'b', 'c']);
    scene.held = [heldIn('a'), heldIn('b', false)];
    const path = '/apis/wgpolicyk8s.io/v1alpha2/namespaces/a/policyreports/sealward';
    await scene.server.request('PATCH', path, { results: [] }, { contentType: 'application/merge-patch+json' });
    const writer = scene.writer();
    writer.begin();
    await writer.flush();
    assert.deepEqual(scene.reports(), ['a', 'b'], 'of what was not judged yet it is still said what was said');
    assert.equal(scene.resultsIn('a'), 1);
    scene.server.forget();
    await writer.flush();
    assert.deepEqual(scene.writes(), []);
    // And every hour, as somebody may have changed it.
    await scene.server.request('PATCH', path, { results: [] }, { contentType: 'application/merge-patch+json' });
    scene.clock.advance(3_600_000);
    await writer.flush();
    assert.equal(scene.resultsIn('a'), 1);
    await writer.close();
  });

  it('a namespace that is going away is no trouble, and is tried again', async (t) => {
    const scene = await Scene.begin(t, ['a']);
    const message = 'policyreports.wgpolicyk8s.io "sealward" is forbidden: unable to create new content in namespace a because it is being terminated';
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'Forbidden', message, code: 403 });
    scene.server.fault({ method: 'PATCH', path: '/namespaces/a/', status: 403, body, times: 1 });
    const writer = scene.writer();
    t.after(() => writer.close());
    scene.held = [heldIn('a')];
    writer.touch('a');
    await writer.flush();
    assert.deepEqual([scene.problems, writer.failed, scene.reports()], [[], 0, []]);
    scene.clock.advance(30_000);
    await writer.flush();
    assert.deepEqual(scene.reports(), ['a']);
  });

  it('whoever leads no more writes nothing more', async (t) => {
    const scene = await Scene.begin(t, ['a']);
    const writer = scene.writer();
    scene.held = [heldIn('a')];
    writer.touch('a');
    scene.leads = false;
    await writer.flush();
    writer.begin();
    scene.clock.advance(4_000_000);
    await writer.close();
    assert.deepEqual(scene.writes(), []);
  });

  it('what cannot be written is tried again', async (t) => {
    const scene = await Scene.begin(t, ['a']);
    scene.server.fault({ method: 'PATCH', path: '/namespaces/a/', status: 409, times: 1 });
    const writer = scene.writer();
    t.after(() => writer.close());
    scene.held = [heldIn('a')];
    writer.touch('a');
    await writer.flush();
    assert.deepEqual([scene.problems, writer.failed, scene.reports()], [['ERR_OBJECT_CONFLICT'], 1, []]);
    scene.clock.advance(30_000);
    await writer.flush();
    assert.deepEqual(scene.reports(), ['a']);
  });
});
