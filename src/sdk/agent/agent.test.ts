import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, POLICY } from '../../../test/agents.ts';
import { createTestKey, gate } from '../../testing/index.ts';
import type { JudgedName } from '../index.ts';

let cluster: Cluster;
beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(() => cluster.close());

const told = ({ outcome, code, action }: JudgedName): string => `${action} ${outcome} ${code}`;

describe('an agent', () => {
  it('is not ready before it has trust, and denies until then', async () => {
    const image = await cluster.push();
    const agent = cluster.agent();
    assert.equal(agent.inForce(), undefined);
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'deny inconclusive ERR_TRUST_MISSING');
    await agent.start();
    assert.equal(agent.inForce()?.policies.policies[0]?.name, 'signed');
    assert.equal(agent.status().trust.failure, undefined);
  });

  it('allows what is signed by whom it trusts, and says of the rest why not', async () => {
    const [signed, unsigned, other] = [await cluster.push(), await cluster.push(), await cluster.push('app-other')];
    await cluster.sign(signed);
    await cluster.sign(other, createTestKey());
    const agent = await cluster.started();
    const answer = await agent.judge(signed.tagged, cluster.ask());
    assert.equal(told(answer), 'allow verified VERIFIED');
    assert.equal(answer.digest, signed.digest);
    assert.match(answer.evidence ?? '', /^sha256:/);
    assert.equal(told(await agent.judge(unsigned.tagged, cluster.ask())), 'deny rejected NO_SIGNATURE');
    assert.equal(told(await agent.judge(other.tagged, cluster.ask())), 'deny rejected KEY_MISMATCH');
    assert.equal(told(await agent.judge(`${cluster.registry.host}/app:none`, cluster.ask())), 'deny rejected ERR_NOT_FOUND');
    assert.equal(told(await agent.judge('Not A Name', cluster.ask())), 'deny rejected ERR_REFERENCE_INVALID');
  });

  it('allows from what it holds without a single request, also when the registry is gone and after a new start', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const { createMemoryStore } = await import('../../clients/evidence/index.ts');
    const store = createMemoryStore();
    const agent = await cluster.started({ store });
    assert.equal((await agent.judge(image.pinned, cluster.ask())).from, 'registry');
    cluster.registry.forget();
    assert.deepEqual([(await agent.judge(image.pinned, cluster.ask())).from, cluster.registry.count('')], ['memory', 0]);
    cluster.registry.fault({ path: '', drop: 'before' });
    const again = await cluster.started({ store });
    assert.deepEqual([told(await again.judge(image.pinned, cluster.ask())), cluster.registry.count('')], ['allow verified VERIFIED', 0]);
    // A tag is asked for, and what it stood for counts when nobody answers.
    assert.equal(told(await again.judgeHeld(image.tagged, cluster.ask())), 'deny inconclusive ERR_EVIDENCE_MISSING');
  });

  it('asks again before a denial, once for all who wait, and not within five seconds', async () => {
    const image = await cluster.push();
    const agent = await cluster.started();
    assert.equal((await agent.judge(image.pinned, cluster.ask())).code, 'NO_SIGNATURE');
    cluster.registry.forget();
    await cluster.sign(image);
    cluster.registry.forget();
    assert.equal((await agent.judge(image.pinned, cluster.ask())).code, 'NO_SIGNATURE', 'it was asked just now');
    assert.equal(cluster.registry.count(''), 0);
    cluster.clock.advance(5001);
    const answers = await Promise.all(Array.from({ length: 50 }, () => agent.judge(image.pinned, cluster.ask())));
    assert.deepEqual(new Set(answers.map(told)), new Set(['allow verified VERIFIED']));
    assert.equal(cluster.registry.count('/referrers/'), 1);
  });

  it('answers at the deadline with the place that did not answer, and whoever gives up cancels nobody', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const held = gate();
    cluster.registry.fault({ path: '/referrers/', before: held });
    const agent = await cluster.started();
    const [hasty, patient] = [agent.judge(image.pinned, cluster.ask({ deadline: cluster.clock.now() + 1000 })), agent.judge(image.pinned, cluster.ask())];
    await held.reached;
    cluster.clock.advance(1000);
    const late = await hasty;
    assert.equal(told(late), 'deny inconclusive ERR_DEADLINE');
    assert.match(late.message, /the referrers API/);
    held.open();
    assert.equal(told(await patient), 'allow verified VERIFIED');
    assert.equal(cluster.registry.count('/referrers/'), 1);
  });

  it('obeys a revocation at once, with nothing asked of anybody', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const agent = await cluster.started();
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'allow verified VERIFIED');
    const moved: boolean[] = [];
    agent.onChange(({ leaseOnly }) => moved.push(leaseOnly));
    cluster.trust.denials = [{ id: 'd1', kind: 'digest', digest: image.digest, reason: 'stolen', addedAt: cluster.clock.now() }];
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    assert.deepEqual(moved, [false]);
    cluster.registry.fault({ path: '', drop: 'before' });
    assert.equal(told(await agent.judgeHeld(image.pinned, cluster.ask())), 'deny rejected DENIED');
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'deny rejected DENIED');
  });
});
