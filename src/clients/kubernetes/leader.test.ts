import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ClusterServer, FixedClock, gate } from '../../testing/index.ts';
import { KubernetesClient, LeaderElection, RESOURCES } from './index.ts';

const LEASE = { namespace: 'kube-system', name: 'sealward' };

interface Candidate {
  readonly election: LeaderElection;
  readonly clock: FixedClock;
  /** Told whenever it begins or ends to lead. */
  readonly told: string[];
  readonly problems: string[];
  /** What its token is worth now. */
  readonly cutOff: (off: boolean) => void;
  readonly leave: () => Promise<void>;
}

/** A replica whose clock says another time than those of the others, and which the test moves. */
function candidate(cluster: ClusterServer, identity: string, start: number): Candidate {
  const clock = new FixedClock({ start });
  let off = false;
  const [good, bad] = [cluster.addUser({ name: identity }), 'not-a-token'];
  const credential = { token: () => (off ? bad : good), renew: () => false };
  const client = new KubernetesClient({ ...cluster.access(), credential }, { clock, random: () => 0.5 });
  const told: string[] = [];
  const problems: string[] = [];
  const election = new LeaderElection(client, {
    lease: LEASE,
    identity,
    lead(signal) {
      told.push('leads');
      signal.addEventListener('abort', () => told.push('stops'));
    },
    report: ({ code }) => void problems.push(code),
    retrySeconds: 2,
  });
  const leave = async (): Promise<void> => {
    await election.close();
    client.close();
  };
  return { election, clock, told, problems, cutOff: (value) => (off = value), leave };
}

/** Waits until every candidate has done what there was to do and sleeps. */
async function asleep(...candidates: readonly Candidate[]): Promise<void> {
  while (candidates.some(({ clock }) => clock.sleepers === 0)) await new Promise<void>((resolve) => setImmediate(resolve));
}

async function step(milliseconds: number, ...candidates: readonly Candidate[]): Promise<void> {
  for (const { clock } of candidates) clock.advance(milliseconds);
  await asleep(...candidates);
}

async function started(t: TestContext): Promise<ClusterServer> {
  const cluster = await ClusterServer.start();
  t.after(() => cluster.close());
  return cluster;
}

const specOf = (cluster: ClusterServer): Record<string, unknown> => cluster.objects('leases.coordination.k8s.io')[0]?.['spec'] as Record<string, unknown>;

test('the first one leads and renews; the second one waits, whatever its clock says, and takes over when that one is gone', async (t) => {
  const cluster = await started(t);
  const a = candidate(cluster, 'a', Date.UTC(2026, 0, 1));
  await asleep(a);
  const b = candidate(cluster, 'b', Date.UTC(2036, 0, 1)); // ten years ahead
  await asleep(b);
  assert.deepEqual([a.election.isLeader, b.election.isLeader], [true, false]);
  for (let i = 0; i < 20; i++) await step(2000, a, b);
  assert.deepEqual([a.told, b.told], [['leads'], []]);
  assert.deepEqual([specOf(cluster)['holderIdentity'], specOf(cluster)['leaseTransitions']], ['a', 0]);
  a.cutOff(true);
  for (let i = 0; i < 4; i++) await step(2000, a, b);
  assert.deepEqual([a.election.isLeader, b.election.isLeader], [true, false], 'it holds what it has');
  await step(2000, a, b);
  assert.deepEqual([a.told, b.told], [['leads', 'stops'], []], 'it stops before anybody else may begin');
  let steps = 5;
  for (; !b.election.isLeader && steps < 20; steps++) await step(2000, a, b);
  // It saw the last renewal in the same step or in the one after.
  assert.ok(steps === 8 || steps === 9, `15 s after it last saw a renewal, and not after ${steps * 2}`);
  assert.deepEqual(b.told, ['leads']);
  assert.deepEqual([specOf(cluster)['holderIdentity'], specOf(cluster)['leaseTransitions']], ['b', 1]);
  assert.ok(a.problems.every((code) => code === 'ERR_CLUSTER_DENIED'));
  a.cutOff(false);
  await step(2000, a, b);
  assert.deepEqual([a.election.isLeader, b.election.isLeader], [false, true]);
  await b.leave();
  assert.equal(specOf(cluster)['holderIdentity'], '', 'given back');
  await step(2000, a);
  assert.deepEqual(a.told, ['leads', 'stops', 'leads'], 'so that nobody waits');
  await a.leave();
});

test('of two that see the same ended lease one gets it', async (t) => {
  const cluster = await started(t);
  const held = gate();
  cluster.fault({ method: 'POST', path: '/leases', before: held });
  const [a, b] = [candidate(cluster, 'a', 0), candidate(cluster, 'b', 0)];
  await held.reached;
  held.open();
  await asleep(a, b);
  assert.equal([a, b].filter(({ election }) => election.isLeader).length, 1);
  await a.leave();
  await b.leave();
});

test('a renewal that was stored and reported lost ends nothing; one that takes too long is none', async (t) => {
  const cluster = await started(t);
  const a = candidate(cluster, 'a', 0);
  await asleep(a);
  cluster.fault({ method: 'PUT', path: '/leases', drop: 'after', times: 2 });
  for (let i = 0; i < 3; i++) await step(2000, a);
  assert.deepEqual([a.told, a.problems], [['leads'], ['ERR_CLUSTER_UNAVAILABLE', 'ERR_CLUSTER_UNAVAILABLE']]);
  const slow = gate();
  cluster.fault({ method: 'PUT', path: '/leases', before: slow, times: 1 });
  a.clock.advance(2000);
  await slow.reached;
  a.clock.advance(10_000);
  assert.equal(a.election.isLeader, false);
  slow.open();
  await asleep(a);
  assert.deepEqual(a.told, ['leads', 'stops'], 'what comes after its deadline does not count');
  await step(2000, a);
  assert.deepEqual(a.told, ['leads', 'stops', 'leads']);
  await a.leave();
});

test('a lease for a hundred years is one for five minutes, and one that says nothing is free', async (t) => {
  const cluster = await started(t);
  const admin = new KubernetesClient(cluster.access());
  const spec = { holderIdentity: 'thief', leaseDurationSeconds: 3_000_000_000, renewTime: '2126-01-01T00:00:00.000000Z' };
  await admin.create(RESOURCES.leases, LEASE.namespace, { metadata: { name: LEASE.name }, spec });
  const a = candidate(cluster, 'a', 0);
  await asleep(a);
  await step(299_000, a);
  assert.equal(a.election.isLeader, false);
  await step(3000, a);
  assert.equal(a.election.isLeader, true);
  await admin.patch(RESOURCES.leases, LEASE, { type: 'merge', patch: { spec: null } });
  await step(2000, a);
  assert.equal(a.election.isLeader, true);
  await a.leave();
  admin.close();
});

test('whatever is cut off and for how long, there are never two leaders, and in the end there is one', async (t) => {
  const cluster = await started(t);
  const event = fc.record({ who: fc.nat(2), off: fc.boolean(), wait: fc.integer({ min: 100, max: 6000 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 25 }),
      fc.array(fc.integer({ min: 0, max: 4e12 }), { minLength: 3, maxLength: 3 }),
      async (events, starts) => {
        await cluster.request('DELETE', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/sealward');
        const all = starts.map((start, i) => candidate(cluster, `replica-${i}`, start));
        const leaders = (): number => all.filter(({ election }) => election.isLeader).length;
        await asleep(...all);
        for (const { who, off, wait } of events) {
          all[who]?.cutOff(off);
          await step(wait, ...all);
          assert.ok(leaders() <= 1, 'two lead');
        }
        for (const { cutOff } of all) cutOff(false);
        for (let i = 0; i < 12 && leaders() === 0; i++) await step(2000, ...all);
        assert.equal(leaders(), 1);
        await Promise.all(all.map(({ leave }) => leave()));
      },
    ),
    { numRuns: process.env['SEALWARD_TORTURE'] ? 500 : 15 },
  );
});
