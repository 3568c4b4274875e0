/** Several write the signatures of one image at once, where a registry keeps them in one index that anybody replaces as a whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referrersTag } from '../../src/core/artifact/index.ts';
import { gate, MemoryRegistry } from '../../src/testing/index.ts';
import type { CliResult } from '../cli.ts';
import { answerOf, verifiedBy } from './answers.ts';
import { onFallbackRegistries } from './on-every-registry.ts';
import { comesTo } from './programs.ts';
import { plainClient, type PushedImage, pushImage } from './registries.ts';
import { type KeyFiles, Workshop } from './workshop.ts';

/** A process of its own, as each of several CI jobs would be. */
async function signing(workshop: Workshop, image: PushedImage, { key }: KeyFiles): Promise<CliResult> {
  const sign = (): Promise<CliResult> => workshop.start(['sign', '--key', key, image.tagged]).finished;
  const first = await sign();
  // docker-registry answers 500 to whoever reads a tag while another writes it; the hint says to try again.
  return first.code === 4 && first.stderr.includes('500 UNKNOWN') ? sign() : first;
}

async function listed(image: PushedImage): Promise<number> {
  const found = await plainClient().manifest(image.reference, referrersTag(image.descriptor.digest));
  return found.state === 'complete' && found.value.manifest.kind === 'index' ? found.value.manifest.manifests.length : 0;
}

onFallbackRegistries('several sign one image at once', ['cosign3'], async (t, { registry, workshop }) => {
  const [maria, jan, other] = [await workshop.keys(), await workshop.keys('ecdsa-p384'), await workshop.keys('rsa2048')];
  await t.test('two processes of Sealward: both signatures are there', async () => {
    const image = await pushImage(registry.host, 'two');
    for (const { code, stderr } of await Promise.all([signing(workshop, image, maria), signing(workshop, image, jan)])) assert.equal(code, 0, stderr);
    for (const keys of [maria, jan]) verifiedBy(await workshop.verify(image.tagged, keys));
    assert.equal(await listed(image), 2);
  });
  await t.test('Sealward and cosign 3, which does not look whether its entry stayed: ours is there', async () => {
    const image = await pushImage(registry.host, 'with-cosign');
    const theirs = workshop.cosign3Sign(image.byDigest, other);
    for (const { code, stderr } of await Promise.all([signing(workshop, image, maria), signing(workshop, image, jan)])) assert.equal(code, 0, stderr);
    await theirs;
    for (const keys of [maria, jan]) verifiedBy(await workshop.verify(image.tagged, keys));
    // Once nobody else is writing, it can be said again, and everything is kept.
    await workshop.cosign3Sign(image.byDigest, other);
    for (const keys of [maria, jan, other]) verifiedBy(await workshop.verify(image.tagged, keys));
  });
});

test('a writer that read the index before our entry was in it, and writes after it: ours is written again', async (t) => {
  const registry = await MemoryRegistry.start({ referrersApi: false });
  const workshop = new Workshop();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const [maria, jan] = [await workshop.keys(), await workshop.keys('ecdsa-p384')];
  const image = await pushImage(registry.host, 'app');
  const writes = { method: 'PUT', path: /\/manifests\/sha256-[0-9a-f]{64}$/, times: 1 } as const;
  const [late, written] = [gate(), gate()];
  // Jan's process has read that there is no index, and is stopped on its way to write one.
  registry.fault({ ...writes, before: late });
  const slow = signing(workshop, image, jan);
  await comesTo(late.reached, slow);
  // Maria's is let through up to the answer; then his arrives and takes her entry away.
  registry.fault({ ...writes, after: written });
  const fast = signing(workshop, image, maria);
  await comesTo(written.reached, fast);
  assert.equal(await listed(image), 1);
  written.open();
  late.open();
  for (const { code, stderr } of await Promise.all([slow, fast])) assert.equal(code, 0, stderr);
  assert.equal(await listed(image), 2);
  for (const keys of [maria, jan]) verifiedBy(await workshop.verify(image.tagged, keys));
});

test('a writer that never wins says so, and signing again once the others are done is all that is needed', async (t) => {
  const registry = await MemoryRegistry.start({ referrersApi: false });
  const workshop = new Workshop();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const keys = await workshop.keys();
  const image = await pushImage(registry.host, 'app');
  // Whatever is written, somebody else's index is there afterwards. No waiting at random, so that this is soon over.
  registry.fault({ method: 'PUT', path: /\/manifests\/sha256-/, status: 201 });
  t.mock.method(Math, 'random', () => 0);
  const lost = await workshop.sign(image.tagged, keys);
  t.mock.restoreAll();
  assert.deepEqual([lost.code, lost.stdout], [4, '']);
  assert.match(
    lost.stderr,
    /is pushed, but other writers kept it out of the index sha256-[0-9a-f]{64} of what is attached\n {2}hint: Run the same command again/,
  );
  assert.match(lost.stderr, /code: ERR_ATTACH_CONTENDED/);
  assert.equal(answerOf(await workshop.verify(image.tagged, keys)).code, 'NO_SIGNATURE');
  registry.clearFaults();
  assert.equal((await workshop.sign(image.tagged, keys)).code, 0);
  verifiedBy(await workshop.verify(image.tagged, keys));
});
