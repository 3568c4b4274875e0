import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, type Image, POLICY } from '../../../test/agents.ts';
import { listedKey, release } from '../../../test/trust-repository.ts';
import { createMemoryStore } from '../../clients/evidence/index.ts';
import { HttpClient } from '../../clients/http/index.ts';
import { RegistryClient } from '../../clients/registry/index.ts';
import { formatDigest } from '../../core/artifact/index.ts';
import { buildImage, buildIndex, createTestKey, type Fault, FixedClock, gate, pushArtifact } from '../../testing/index.ts';
import type { Ask, JudgedName } from './index.ts';

let cluster: Cluster;
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(async () => {
    cluster = await Cluster.start();
  });
  afterEach(() => cluster.close());
}

/** What a registry may do; none of it is news about an image. */
const FAULTS: readonly Omit<Fault, 'path'>[] = [
  { drop: 'before' },
  { drop: 'after' },
  { truncateAfter: 3 },
  { status: 429, headers: { 'retry-after': '1' } },
  { status: 500 },
  { status: 503 },
  { status: 401 },
  { status: 403 },
  { status: 302, headers: { location: 'http://169.254.169.254/' } },
  { status: 200, body: '{"not": "what was asked for"}' },
  { headers: { 'content-encoding': 'gzip' } },
];

/** Resolves when the condition holds, looked at once in each turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setImmediate(resolve));
}

const told = ({ outcome, code, action }: JudgedName): string => `${action} ${outcome} ${code}`;

describe('an agent', () => {
  eachAnew();

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
    for (const name of ['Not A Name', 'oci:/etc', '', `${cluster.registry.host}/app@sha256:${'A'.repeat(64)}`])
      assert.equal(told(await agent.judge(name, cluster.ask())), 'deny rejected ERR_REFERENCE_INVALID');
  });

  it('allows from what it holds without a single request, also when the registry is gone and after a new start', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const store = createMemoryStore();
    const agent = await cluster.started({ store });
    assert.equal((await agent.judge(image.pinned, cluster.ask())).from, 'registry');
    cluster.registry.forget();
    assert.deepEqual([(await agent.judge(image.pinned, cluster.ask())).from, cluster.registry.count('')], ['memory', 0]);
    await agent.close();
    cluster.registry.fault({ path: '', drop: 'before' });
    const again = await cluster.started({ store });
    assert.deepEqual([told(await again.judge(image.pinned, cluster.ask())), cluster.registry.count('')], ['allow verified VERIFIED', 0]);
    // A tag is asked for, and what it stood for counts when nobody answers.
    assert.equal(told(await again.judgeHeld(image.tagged, cluster.ask())), 'deny inconclusive ERR_EVIDENCE_MISSING');
  });

  it('counts two signers who signed one payload of the first generation, each with a signature beside it', async () => {
    const second = createTestKey();
    cluster.trust.keys = [listedKey(), listedKey({ name: 'second' }, second.publicKey)];
    const both = POLICY.replace('authorities: [', 'authorities: [{ name: second, key: { trustKey: second } }, ').replace(
      'signatures: release',
      'signatures: { allOf: [release, second] }',
    );
    cluster.publish({ 'policy/signed.yaml': both });
    const image = await cluster.push();
    const agent = await cluster.started();
    await cluster.sign(image, release, 'legacy');
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'deny rejected SIGNERS_MISSING');
    await cluster.sign(image, second, 'legacy');
    cluster.clock.advance(5001);
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'allow verified VERIFIED');
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

describe('many who ask', () => {
  eachAnew();

  it('cost a registry three requests for each new digest, however many they are', async () => {
    const images = await Promise.all(Array.from({ length: 10 }, (_, i) => cluster.push('app', `herd-${i}`)));
    for (const image of images) await cluster.sign(image);
    const agent = await cluster.started();
    cluster.registry.forget();
    const slow = gate();
    cluster.registry.fault({ path: '/v2/', before: slow });
    const answers = Promise.all(Array.from({ length: 1000 }, (_, i) => agent.judge((images[i % 10] as Image).pinned, cluster.ask())));
    await slow.reached;
    slow.open();
    assert.deepEqual(new Set((await answers).map(told)), new Set(['allow verified VERIFIED']));
    assert.equal(cluster.registry.count(''), 30);
    const tags = await Promise.all(Array.from({ length: 1000 }, (_, i) => agent.judge((images[i % 10] as Image).tagged, cluster.ask())));
    assert.deepEqual(new Set(tags.map(told)), new Set(['allow verified VERIFIED']));
    assert.equal(cluster.registry.count(''), 40, 'a tag is asked for once');
  });

  it('make no storm of a registry that throttles, and are each answered', async () => {
    const image = await cluster.push();
    const clock = new FixedClock({ start: cluster.clock.now(), skipSleep: true });
    const http = new HttpClient({ clock });
    const agent = await cluster.started({ clock, registry: new RegistryClient({ http }), patience: 2000 });
    cluster.registry.forget();
    cluster.registry.fault({ path: '/v2/', status: 429, headers: { 'retry-after': '60' } });
    const ask = cluster.ask({ deadline: clock.now() + 10_000 });
    const answers = await Promise.all(Array.from({ length: 200 }, () => agent.judge(image.pinned, ask)));
    assert.deepEqual(new Set(answers.map(({ outcome }) => outcome)), new Set(['inconclusive']));
    const asked = cluster.registry.count('');
    assert.ok(asked <= 6, `${asked} requests`);
    assert.equal((await agent.judge(image.pinned, ask)).outcome, 'inconclusive');
    assert.equal(cluster.registry.count(''), asked, 'nobody asks again at once');
    http.close();
  });
});

describe('what is not known', () => {
  eachAnew();

  it('lets in what was admitted before, where the policy says so, and nothing that is new', async () => {
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('spec:', 'spec:\n  onInconclusive: allow-admitted-before') });
    const [image, other] = [await cluster.push(), await cluster.push()];
    const agent = await cluster.started();
    const silent = gate();
    cluster.registry.fault({ path: '/v2/', before: silent });
    const ask = cluster.ask({ admittedBefore: (digest) => digest === image.digest });
    const answers = Promise.all([agent.judge(image.pinned, ask), agent.judge(other.pinned, ask)]);
    await silent.reached;
    cluster.clock.advance(10_000);
    assert.deepEqual((await answers).map(told), ['allow inconclusive ERR_DEADLINE', 'deny inconclusive ERR_DEADLINE']);
    silent.open();
  });

  it('is asked for again where only the latest will do, and not known where nobody answers', async () => {
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('signatures: release', 'signatures: { allOf: [release], latest: { maxLag: 1m } }') });
    const image = await cluster.push();
    await cluster.sign(image);
    const clock = new FixedClock({ start: cluster.clock.now(), skipSleep: true });
    const http = new HttpClient({ clock });
    const agent = await cluster.started({ clock, registry: new RegistryClient({ http }) });
    const ask = (): Ask => cluster.ask({ deadline: clock.now() + 10_000 });
    assert.ok(agent.inForce(), JSON.stringify(agent.status().trust.problems));
    assert.equal(told(await agent.judge(image.pinned, ask())), 'allow verified VERIFIED');
    cluster.registry.forget();
    clock.advance(59_000);
    assert.equal(told(await agent.judge(image.pinned, ask())), 'allow verified VERIFIED');
    assert.equal(cluster.registry.count(''), 0);
    clock.advance(2000);
    assert.equal(told(await agent.judge(image.pinned, ask())), 'allow verified VERIFIED');
    assert.ok(cluster.registry.count('/referrers/') > 0);
    clock.advance(61_000);
    cluster.registry.fault({ path: '/v2/', status: 500 });
    assert.equal((await agent.judge(image.pinned, ask())).outcome, 'inconclusive');
    http.close();
  });
});

describe('what an agent holds', () => {
  eachAnew();

  it('loses nothing to a registry that leaves out what it listed before, nor to a new start', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const store = createMemoryStore();
    const agent = await cluster.started({ store });
    assert.ok(await agent.gather(image.pinned));
    cluster.clock.advance(600_000);
    const empty = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });
    cluster.registry.fault({ path: '/referrers/', body: empty });
    assert.ok(await agent.gather(image.pinned));
    assert.equal(told(await agent.judge(image.pinned, cluster.ask())), 'allow verified VERIFIED');
    await agent.close();
    const again = await cluster.started({ store });
    assert.equal(told(await again.judgeHeld(image.pinned, cluster.ask())), 'allow verified VERIFIED');
    cluster.registry.clearFaults();
    cluster.clock.advance(600_000);
    assert.ok(await again.gather(image.pinned));
    assert.deepEqual(store.records('withheld'), [], 'it is listed again');
  });

  it('decides a held digest from what is held while its registry fails in any way, and says that it does not know a new one', async () => {
    const [held, unsigned, fresh] = [await cluster.push(), await cluster.push(), await cluster.push()];
    await cluster.sign(held);
    for (const [at, fault] of FAULTS.entries()) {
      // Whoever waits before he asks again moves the clock: what is not answered is late.
      const clock = new FixedClock({ start: cluster.clock.now(), skipSleep: true });
      const http = new HttpClient({ clock });
      const agent = await cluster.started({ clock, registry: new RegistryClient({ http }) });
      for (const name of [held.pinned, held.tagged, unsigned.pinned]) assert.ok(await agent.gather(name));
      clock.advance(60_000);
      cluster.registry.fault({ path: '/v2/', ...fault });
      const ask = (): Ask => cluster.ask({ deadline: clock.now() + 10_000 });
      assert.equal(told(await agent.judge(held.pinned, ask())), 'allow verified VERIFIED', `fault ${at}`);
      assert.equal(told(await agent.judge(held.tagged, ask())), 'allow verified VERIFIED', `fault ${at}: a tag that was resolved`);
      assert.equal((await agent.judge(unsigned.pinned, ask())).code, 'NO_SIGNATURE', `fault ${at}: it was known to be unsigned`);
      assert.equal((await agent.judge(fresh.pinned, ask())).outcome, 'inconclusive', `fault ${at}`);
      cluster.registry.clearFaults();
      await agent.close();
      http.close();
    }
  });

  it('is noted when it was let in, and not by a dry run', async () => {
    const [image, unsigned] = [await cluster.push(), await cluster.push()];
    await cluster.sign(image);
    const store = createMemoryStore();
    const agent = await cluster.started({ store });
    await agent.judge(image.pinned, cluster.ask({ dryRun: true }));
    await agent.judge(unsigned.pinned, cluster.ask());
    assert.deepEqual(store.records('admitted'), []);
    await agent.judge(image.pinned, cluster.ask());
    await agent.close();
    assert.deepEqual(
      store.records('admitted').map(({ key, body }) => [key, body.at]),
      [[image.digest, cluster.clock.now()]],
    );
  });

  it('covers the images of an index that is signed, by the bytes of the index', async () => {
    const child = buildImage({ 'a.txt': 'a' });
    const index = buildIndex([child, buildImage({ 'b.txt': 'b' })]);
    const name = { registry: cluster.registry.host, repository: 'app' };
    const descriptor = await pushArtifact(cluster.client, name, index, 'multi');
    const pinned = `${cluster.registry.host}/app@${formatDigest(descriptor.digest)}`;
    await cluster.sign({ pinned });
    const image = `${cluster.registry.host}/app@${formatDigest(child.descriptor.digest)}`;
    const store = createMemoryStore();
    const agent = await cluster.started({ store });
    assert.equal((await agent.judge(image, cluster.ask())).code, 'NO_SIGNATURE', 'nobody has seen the index');
    agent.prefetch([pinned]);
    cluster.clock.advance(500);
    await until(() => store.records('indexes').length === 2);
    cluster.clock.advance(60_000);
    assert.equal(told(await agent.judge(image, cluster.ask())), 'allow verified VERIFIED');
    cluster.trust.denials = [{ id: 'd1', kind: 'digest', digest: formatDigest(descriptor.digest), reason: 'stolen', addedAt: cluster.clock.now() }];
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    assert.equal((await agent.judge(image, cluster.ask())).code, 'DENIED', 'what is denied of the index is denied of its images');
  });

  it('is gathered whole soon after it was let in, where that is wanted, and not for a dry run or with the credentials of a namespace', async () => {
    const [image, other, third] = [await cluster.push(), await cluster.push(), await cluster.push()];
    for (const one of [image, other, third]) await cluster.sign(one);
    const agent = await cluster.started({ prefetch: { seen: true, pace: 1000, refreshAfter: 600_000 } });
    await agent.judge(image.pinned, cluster.ask());
    await agent.judge(other.pinned, cluster.ask({ dryRun: true }));
    await agent.judge(third.pinned, cluster.ask({ registry: cluster.client }));
    assert.deepEqual(agent.status().prefetch, { images: 1, due: 0 });
    cluster.registry.forget();
    cluster.clock.advance(59_999);
    assert.equal(cluster.registry.count(''), 0);
    cluster.clock.advance(1);
    await until(() => cluster.registry.count('.att') > 0 && agent.status().prefetch.due === 0);
    await agent.judge(image.pinned, cluster.ask());
    assert.deepEqual(agent.status().prefetch, { images: 1, due: 0 }, 'it keeps its turn');
    agent.prefetch([other.pinned]);
    cluster.clock.advance(1000);
    await until(() => agent.status().prefetch.due === 0);
  });

  it('is gathered ahead one after the other and again when it is old, and no more after the end', async () => {
    const images = [await cluster.push(), await cluster.push()];
    for (const image of images) await cluster.sign(image);
    const agent = await cluster.started({ prefetch: { pace: 1000, refreshAfter: 60_000 } });
    cluster.registry.forget();
    agent.prefetch(['no name', 'other.test/app:1', ...images.map(({ tagged }) => tagged)]);
    assert.deepEqual(agent.status().prefetch, { images: 4, due: 4 });
    for (let i = 0; i < 4; i++) {
      cluster.clock.advance(1000);
      await until(() => agent.status().prefetch.due === 3 - i);
    }
    cluster.registry.fault({ path: '', drop: 'before' });
    for (const image of images) assert.equal((await agent.judge(image.pinned, cluster.ask())).from, 'memory');
    const asked = cluster.registry.count('');
    await agent.close();
    cluster.clock.advance(600_000);
    await new Promise((resolve) => void setImmediate(resolve));
    assert.equal(cluster.registry.count(''), asked);
  });
});
