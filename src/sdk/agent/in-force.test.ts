import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, membersOf, POLICY } from '../../../test/agents.ts';
import { DAY } from '../../../test/tuf-repository.ts';
import { SealwardError } from '../../core/errors.ts';
import type { AgentOptions } from './index.ts';

let cluster: Cluster;
let folder: string;
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(async () => {
    cluster = await Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'sealward-in-force-'));
  });
  afterEach(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** Trust from a ConfigMap that may be gone. */
function trustOf(reach: () => boolean, memory?: string): AgentOptions['trust'] {
  return {
    from: 'configmap:sealward/trust',
    root: cluster.trust.metadata.get('1.root.json') as Uint8Array,
    ...(memory === undefined ? {} : { memory }),
    configMap: async () => {
      if (!reach()) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the API server is down');
      return membersOf(cluster.trust);
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('trust in force', () => {
  eachAnew();

  it('stays what it was while nobody gives it, and says how old it is and why', async () => {
    let up = true;
    const agent = await cluster.started({ trust: trustOf(() => up) });
    const before = agent.inForce();
    up = false;
    cluster.clock.advance(60_000);
    await agent.updateTrust();
    const { failure, failures, age, updatedAt, leaseEndsAt } = agent.status().trust;
    assert.deepEqual([failure?.code, age, updatedAt], ['ERR_SERVICE_UNAVAILABLE', 60_000, before?.takenAt]);
    assert.ok(failures >= 1);
    assert.equal(leaseEndsAt, before?.leaseEndsAt);
    assert.equal(agent.inForce(), before);
    up = true;
    await agent.updateTrust();
    assert.deepEqual([agent.status().trust.failure, agent.status().trust.failures], [undefined, 0]);
  });

  it('is there at once after a new start, and never goes back', async () => {
    let up = true;
    const trust = trustOf(() => up, folder);
    const first = await cluster.started({ trust });
    const old = membersOf(cluster.trust);
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('name: signed', 'name: newer') });
    await first.updateTrust();
    up = false;
    const again = await cluster.started({ trust });
    assert.equal(again.inForce()?.policies.policies[0]?.name, 'newer');
    assert.equal(again.status().trust.failure?.code, 'ERR_SERVICE_UNAVAILABLE');
    const rolled = await cluster.started({ trust: { ...trust, configMap: async () => old } });
    assert.equal(rolled.status().trust.failure?.code, 'ERR_TRUST_ROLLBACK');
    assert.equal(rolled.inForce()?.policies.policies[0]?.name, 'newer');
  });

  it('takes denials whose policies cannot be understood, keeps the policies that were in force, and tells of the problem', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const agent = await cluster.started();
    assert.equal((await agent.judge(image.pinned, cluster.ask())).code, 'VERIFIED');
    const { policies } = agent.inForce() ?? assert.fail();
    cluster.trust.denials = [{ id: 'd1', kind: 'digest', digest: image.digest, reason: 'stolen', addedAt: cluster.clock.now() }];
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('signatures: release', 'signatures: nobody') });
    await agent.updateTrust();
    assert.equal(agent.inForce()?.policies, policies);
    assert.match(
      agent
        .status()
        .trust.problems.map(({ message }) => message)
        .join(),
      /no authority nobody/,
    );
    assert.equal((await agent.judge(image.pinned, cluster.ask())).code, 'DENIED');
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    assert.deepEqual(agent.status().trust.problems, []);
  });

  it('is not there while its first policies cannot be understood', async () => {
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('signatures: release', 'signatures: nobody') });
    const agent = await cluster.started();
    assert.deepEqual([agent.inForce(), agent.status().trust.problems.length > 0, agent.allows(cluster.registry.host)], [undefined, true, false]);
  });

  it('is taken at a pace, sooner after a failure, and no more after the end', async () => {
    let up = true;
    let asked = 0;
    const trust = trustOf(() => (asked++, up));
    const agent = await cluster.started({ trust, trustEvery: 60_000 });
    const after = async (milliseconds: number): Promise<number> => {
      cluster.clock.advance(milliseconds);
      await agent.updateTrust().then(settled);
      // One of them was this test's own.
      const count = asked - 1;
      asked = 0;
      return count;
    };
    asked = 0;
    assert.equal(await after(59_999), 0);
    assert.equal(await after(60_000), 1);
    up = false;
    await after(60_000);
    assert.equal(await after(59_999), 1, 'sooner than by the usual pace');
    await agent.close();
    const before = asked;
    cluster.clock.advance(DAY);
    await settled();
    assert.equal(asked, before);
  });

  it('tells who listens what moved, and that a new lease moves nothing else', async () => {
    const agent = await cluster.started();
    const moved: string[] = [];
    const end = agent.onChange(({ leaseOnly, before, inForce }) => moved.push(`${leaseOnly} ${before !== undefined} ${inForce === agent.inForce()}`));
    cluster.clock.advance(1000);
    cluster.trust.now = cluster.clock.now();
    cluster.trust.publishTimestamp();
    await agent.updateTrust();
    await agent.updateTrust();
    cluster.trust.denials = [{ id: 'd1', kind: 'digest', digest: `sha256:${'d'.repeat(64)}`, reason: 'stolen', addedAt: cluster.clock.now() }];
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    end();
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('name: signed', 'name: other') });
    await agent.updateTrust();
    assert.deepEqual(moved, ['true true true', 'false true true']);
  });

  it('says that a tier which the state does not know has no lease', async () => {
    const agent = await cluster.started({ tier: 'moon' });
    assert.equal(agent.status().trust.leaseEndsAt, Number.NEGATIVE_INFINITY);
    const image = await cluster.push();
    assert.equal((await agent.judge(image.pinned, cluster.ask())).code, 'TRUST_STALE');
  });
});

describe('policies of namespaces', () => {
  eachAnew();

  const stricter = POLICY.replace('name: signed', 'name: stricter').replace('key: { trustKey: release }', `key: { fingerprint: "${'a'.repeat(64)}" }`);

  it('add what they ask for in their own namespace, and nothing elsewhere', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const agent = await cluster.started();
    await agent.setNamespaced([{ namespace: 'shop', name: 'stricter', text: stricter }]);
    assert.deepEqual(agent.status().trust.refused, []);
    assert.equal((await agent.judge(image.pinned, cluster.ask())).action, 'deny');
    assert.equal((await agent.judge(image.pinned, cluster.ask({ place: { namespace: 'other' } }))).action, 'allow');
    await agent.setNamespaced([]);
    assert.equal((await agent.judge(image.pinned, cluster.ask())).action, 'allow');
  });

  it('are refused with a message when they try more, and a broken one goes on asking what it asked before', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const agent = await cluster.started();
    const lifted = stricter.replace('match:', 'match:\n    namespaces: [other]\n    #');
    await agent.setNamespaced([
      { namespace: 'shop', name: 'lifted', text: lifted },
      { namespace: 'shop', name: 'default', text: 'apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: d }\nspec: { action: allow }\n' },
    ]);
    assert.deepEqual(
      agent.status().trust.refused.map(({ name, problems }) => [name, problems.length > 0]),
      [
        ['default', true],
        ['lifted', true],
      ],
    );
    assert.equal(agent.inForce()?.policies.policies.length, 1);
    await agent.setNamespaced([{ namespace: 'shop', name: 'stricter', text: stricter }]);
    await agent.setNamespaced([{ namespace: 'shop', name: 'stricter', text: `${stricter}  nonsense: true\n` }]);
    assert.equal(agent.status().trust.refused[0]?.name, 'stricter');
    assert.equal((await agent.judge(image.pinned, cluster.ask())).action, 'deny');
  });

  it('send the agent to no registry', async () => {
    const agent = await cluster.started();
    await agent.setNamespaced([{ namespace: 'shop', name: 'wide', text: stricter.replace(/images: .*]/, 'images: ["**"]') }]);
    assert.deepEqual(agent.status().trust.refused, []);
    assert.deepEqual([agent.allows('evil.test'), agent.allows(cluster.registry.host)], [false, true]);
  });
});
