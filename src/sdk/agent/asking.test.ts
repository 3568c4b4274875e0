/** When an agent asks a registry, whom it waits for, and when it does not ask at all. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, POLICY } from '../../../test/agents.ts';
import { listedKey } from '../../../test/trust-repository.ts';
import { RegistryClient } from '../../clients/registry/index.ts';
import { createTestKey, gate } from '../../testing/index.ts';
import type { JudgedName } from './index.ts';

let cluster: Cluster;
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(async () => {
    cluster = await Cluster.start();
  });
  afterEach(() => cluster.close());
}

const told = ({ outcome, code, action }: JudgedName): string => `${action} ${outcome} ${code}`;

describe('one question of many', () => {
  eachAnew();

  it('lets whoever joins late wait by his own deadline, though what he joined is given up before', async () => {
    const agent = await cluster.started({ patience: 10_000 });
    for (const path of ['/referrers/', /\/manifests\/v\d+$/]) {
      const image = await cluster.push();
      await cluster.sign(image);
      const name = path === '/referrers/' ? image.pinned : image.tagged;
      const [first, second] = [gate(), gate()];
      // Of two the one that was added last happens.
      for (const before of [second, first]) cluster.registry.fault({ path, before, times: 1 });
      const begun = agent.judge(name, cluster.ask());
      await first.reached;
      cluster.clock.advance(9000);
      const [patient, hasty] = [agent.judge(name, cluster.ask()), agent.judge(name, cluster.ask({ deadline: cluster.clock.now() + 2000 }))];
      await new Promise((resolve) => void setImmediate(() => void setImmediate(resolve)));
      cluster.clock.advance(1000);
      assert.equal(told(await begun), 'deny inconclusive ERR_DEADLINE');
      await second.reached;
      assert.equal(await Promise.race([patient, hasty, Promise.resolve('nobody was answered')]), 'nobody was answered');
      cluster.clock.advance(1000);
      assert.equal(told(await hasty), 'deny inconclusive ERR_DEADLINE');
      second.open();
      assert.equal(told(await patient), 'allow verified VERIFIED');
      first.open();
    }
  });

  it('gives what was asked with credentials of a namespace to nobody else', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const agent = await cluster.started();
    const held = gate();
    cluster.registry.fault({ path: '/manifests/', before: held, status: 401, times: 1 });
    const refused = agent.judge(image.tagged, cluster.ask());
    await held.reached;
    const letIn = agent.judge(image.tagged, cluster.ask({ registry: new RegistryClient({ http: cluster.http }) }));
    assert.equal(told(await letIn), 'allow verified VERIFIED');
    held.open();
    assert.equal((await refused).action, 'deny');
  });
});

describe('a key that is revoked', () => {
  eachAnew();

  it('refuses what it signed at once, with nothing asked of a registry that is gone, and what nobody knows as well', async () => {
    const [image, other] = [await cluster.push(), await cluster.push()];
    await cluster.sign(image);
    const agent = await cluster.started();
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'allow verified VERIFIED');
    cluster.trust.keys = [listedKey({ state: 'compromised', invalidFrom: cluster.clock.now(), reason: 'laptop stolen' })];
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    cluster.registry.forget();
    cluster.registry.fault({ path: '', drop: 'before' });
    const answer = await agent.judge(image.pinned, cluster.ask());
    assert.equal(told(answer), 'deny rejected KEY_COMPROMISED');
    assert.match(answer.message, /laptop stolen/);
    assert.equal(told(await agent.judge(other.pinned, cluster.ask())), 'deny rejected KEY_COMPROMISED');
    assert.equal(cluster.registry.count(''), 0);
  });

  it('leaves it open where another key may have signed since, and asks', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const next = createTestKey();
    const either = POLICY.replace('authorities: [', 'authorities: [{ name: next, key: { trustKey: next } }, ').replace(
      'signatures: release',
      'signatures: { anyOf: [release, next] }',
    );
    cluster.trust.keys = [listedKey(), listedKey({ name: 'next' }, next.publicKey)];
    cluster.publish({ 'policy/signed.yaml': either });
    const agent = await cluster.started();
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'allow verified VERIFIED');
    cluster.trust.keys = [listedKey({ state: 'compromised', invalidFrom: cluster.clock.now() }), listedKey({ name: 'next' }, next.publicKey)];
    cluster.publish({ 'policy/signed.yaml': either });
    await agent.updateTrust();
    cluster.clock.advance(6000);
    await cluster.sign(image, next);
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'allow verified VERIFIED');
  });
});

describe('a tag', () => {
  eachAnew();

  it('is what it stands for now, whatever it stood for before', async () => {
    const image = await cluster.push('app', 'latest');
    await cluster.sign(image);
    const agent = await cluster.started();
    assert.equal(told(await agent.judge(image.tagged, cluster.ask())), 'allow verified VERIFIED');
    const moved = await cluster.push('app', 'latest');
    cluster.clock.advance(5001);
    const answer = await agent.judge(image.tagged, cluster.ask());
    assert.deepEqual([answer.digest, told(answer)], [moved.digest, 'deny rejected NO_SIGNATURE']);
  });

  it('that nobody resolves in time is what it was, or follows the strictest mode of the policies about it', async () => {
    const image = await cluster.push('app', 'v1');
    await cluster.sign(image);
    const agent = await cluster.started();
    await agent.judge(image.tagged, cluster.ask());
    cluster.clock.advance(60_000);
    const stalled = gate();
    cluster.registry.fault({ path: '/manifests/', before: stalled });
    const pending = agent.judge(image.tagged, cluster.ask());
    const unknown = agent.judge(`${cluster.registry.host}/app:new`, cluster.ask());
    await stalled.reached;
    cluster.clock.advance(10_000);
    assert.equal(told(await pending), 'allow verified VERIFIED');
    assert.equal(told(await unknown), 'deny inconclusive ERR_DEADLINE');
    for (const [mode, action] of [
      ['warn', 'warn'],
      ['audit', 'allow'],
    ]) {
      cluster.publish({ 'policy/signed.yaml': POLICY.replace('spec:', `spec:\n  mode: ${mode}`) });
      await agent.updateTrust();
      const again = agent.judge(`${cluster.registry.host}/app:new`, cluster.ask());
      await new Promise((resolve) => void setImmediate(resolve));
      cluster.clock.advance(10_000);
      assert.equal(told(await again), `${action} inconclusive ERR_DEADLINE`);
    }
    stalled.open();
  });
});

describe('registries that no policy speaks of', () => {
  eachAnew();

  it('are not contacted, and the answer names them', async () => {
    const other = await Cluster.start();
    try {
      const image = await other.push('elsewhere');
      const agent = await cluster.started({ registries: ['r.test'] });
      for (const name of [image.pinned, image.tagged]) {
        const answer = await agent.judge(name, cluster.ask());
        assert.deepEqual([answer.action, answer.code], name === image.pinned ? ['deny', 'NO_POLICY'] : ['deny', 'ERR_REGISTRY_NOT_ALLOWED']);
      }
      const own = await cluster.push();
      const answer = await agent.judge(own.pinned, cluster.ask());
      assert.equal(told(answer), 'deny inconclusive ERR_REGISTRY_NOT_ALLOWED');
      assert.match(answer.message, new RegExp(cluster.registry.host));
      cluster.registry.forget();
      assert.deepEqual([other.registry.count('GET /v2/elsewhere/referrers'), cluster.registry.count('GET ')], [0, 0]);
    } finally {
      await other.close();
    }
  });
});
