/** The law of watch lists: whatever happens between, what is held in the end is what the server has, and what was told adds up to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ClusterServer, FixedClock } from '../../testing/index.ts';
import { KubernetesClient, RESOURCES, WatchList } from './index.ts';

let cluster: ClusterServer;
before(async () => {
  cluster = await ClusterServer.start();
});
after(() => cluster.close());

const WRITES = ['write', 'delete', 'remake'] as const;
const FAULTS = ['cut', 'half', 'compact', 'bookmark', 'refuse list', 'refuse watch', 'break list', 'gap'] as const;

interface Step {
  readonly does: (typeof WRITES)[number] | (typeof FAULTS)[number];
  /** Of what is written. */
  readonly name: string;
  /** Whether all is to be seen and a watch open before it, so that the fault meets one that has come somewhere. */
  readonly settled: boolean;
}

const name = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constantFrom(...WRITES), name, settled: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom(...FAULTS), name, settled: fc.boolean() }) },
);

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const map = (each: string, value: number): Parameters<ClusterServer['request']>[2] => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: each },
  data: { value: String(value) },
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function perform(what: Step, value: number): Promise<void> {
  if (what.does === 'gap') {
    // Nobody watches, and what happens meanwhile is forgotten before anybody asks: only a list can tell.
    cluster.cutWatches();
    await perform({ does: 'delete', name: what.name, settled: false }, value);
    await perform({ does: 'remake', name: 'd', settled: false }, value);
    cluster.compact();
  } else if (what.does === 'cut') cluster.cutWatches();
  else if (what.does === 'half') cluster.cutWatches('{"type":"DELETED","object":{"metadata":{"name":"a"');
  else if (what.does === 'compact') cluster.compact();
  else if (what.does === 'bookmark') cluster.bookmark();
  else if (what.does === 'refuse list') cluster.fault({ path: 'limit=', status: 500, times: 1 });
  else if (what.does === 'refuse watch') cluster.fault({ path: 'watch=true', status: 410, times: 1 });
  else if (what.does === 'break list') cluster.fault({ path: 'limit=', truncateAfter: 20, times: 1 });
  else {
    if (what.does !== 'write') await cluster.request('DELETE', `${CONFIG_MAPS}/${what.name}`);
    if (what.does === 'delete') return;
    const made = await cluster.request('POST', CONFIG_MAPS, map(what.name, value));
    if (made.status === 409) await cluster.request('PUT', `${CONFIG_MAPS}/${what.name}`, map(what.name, value));
  }
}

const real = (): Map<string, string> =>
  new Map(
    cluster.objects('configmaps', 'default').map((object) => {
      const metadata = object['metadata'] as { name: string; uid: string };
      return [`default/${metadata.name}`, `${metadata.uid} ${JSON.stringify(object['data'])}`];
    }),
  );

const count = (kept: string): number => Number(/"value":"(\d+)"/.exec(kept)?.[1]);

test('what is held in the end is what the server has, and what was told adds up to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      cluster.clearFaults();
      await cluster.request('DELETE', CONFIG_MAPS);
      const client = new KubernetesClient(cluster.access(), { clock: new FixedClock({ skipSleep: true }) });
      const told = new Map<string, string>();
      const seen = Promise.withResolvers<void>();
      const held = new WatchList(client, RESOURCES.configMaps, {
        namespace: 'default',
        keep: ({ uid, json }) => `${uid} ${JSON.stringify(json['data'])}`,
        changed(change) {
          // Nothing is told twice, and what is said to have been before was.
          assert.equal(told.get(change.key), change.type === 'added' ? undefined : change.before, `${change.type} ${change.key}`);
          if (change.type === 'changed') assert.ok(count(change.value) > count(change.before), `${change.key} goes back in time`);
          if (change.type === 'removed') told.delete(change.key);
          else told.set(change.key, change.value);
          if (change.key === 'default/the-end') seen.resolve();
        },
        report: (problem) => void (problem.code === 'ERR_INVARIANT' && seen.reject(problem)),
      });
      for (const [i, each] of steps.entries()) {
        while (each.settled && (cluster.openWatches === 0 || !isDeepStrictEqual(told, real()))) await turn();
        await perform(each, i);
      }
      // Whoever has seen the last change has seen those before it.
      await cluster.request('POST', CONFIG_MAPS, map('the-end', 0));
      await seen.promise;
      assert.deepEqual(new Map(held.entries()), real());
      assert.deepEqual(told, real());
      await held.close();
      client.close();
    }),
    { numRuns: process.env['SEALWARD_TORTURE'] ? 1000 : 60 },
  );
});
