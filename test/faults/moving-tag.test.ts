/** A tag that moves while something is done to what it stood for: what was said is what was done, and the newcomer gets nothing. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { formatDigest, type Reference, parseReference } from '../../src/core/artifact/index.ts';
import { attestImage, copyImage, resignImage, signImage } from '../../src/sdk/index.ts';
import { type Gate, MemoryRegistry } from '../../src/testing/index.ts';
import { anImage, anIndex, pushImage, type PushedImage } from '../stories/registries.ts';
import { Workshop } from '../stories/workshop.ts';
import { freshSigner, visible, withClient } from './visible.ts';

async function setting(t: TestContext, referrersApi: boolean): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start({ referrersApi });
  t.after(() => registry.close());
  return registry;
}

/** Moves the tag as soon as the n-th answer about it has been made: whoever looked so often has seen the old one. */
function moveAfterLook(registry: MemoryRegistry, name: string, n: number): void {
  const move: Gate = {
    reached: Promise.resolve(),
    open: () => undefined,
    async pass() {
      registry.clearFaults();
      await pushImage(registry.host, name, anImage('what came in between'));
    },
  };
  registry.fault({ path: `/${name}/manifests/v1`, skip: n - 1, after: move });
}

const signer = freshSigner();
const predicate = { predicateType: 'https://example.com/review/v1', predicate: { approved: true } };

for (const referrersApi of [true, false]) {
  const where = `${referrersApi ? 'with' : 'without'} the referrers API`;
  const verbs: Readonly<Record<string, (reference: Reference) => Promise<string>>> = {
    sign: (reference) =>
      withClient(async (registry) => formatDigest((await signImage({ registry, reference, signer, format: 'both', recursive: true })).image.digest)),
    attest: (reference) =>
      withClient(async (registry) => formatDigest((await attestImage({ registry, reference, signer, format: 'both', ...predicate })).image.digest)),
    resign: (reference) => withClient(async (registry) => (await resignImage({ registry, reference, signer })).digest),
  };
  for (const [name, act] of Object.entries(verbs)) {
    const prepare = async (registry: MemoryRegistry): Promise<{ image: PushedImage; before: Reference }> => {
      const image = await pushImage(registry.host, name, anIndex(name));
      const before = { ...image.reference, digest: image.descriptor.digest };
      if (name === 'resign') await withClient((client) => signImage({ registry: client, reference: before, signer }));
      return { image, before };
    };

    test(`${name} after the tag has moved: nothing is published, ${where}`, async (t) => {
      const registry = await setting(t, referrersApi);
      const { image, before } = await prepare(registry);
      const there = await visible(before, [signer]);
      moveAfterLook(registry, name, 1);
      registry.forget();
      await assert.rejects(act(image.reference), { code: 'ERR_TAG_MOVED' });
      assert.notEqual(registry.repository(name).tags.get('v1'), image.digest, 'the tag has moved');
      assert.equal(registry.count('PUT'), anImage('').blobs.length + 1, 'nothing was written but the other image');
      assert.deepEqual(await visible(before, [signer]), there);
      assert.deepEqual(await visible(image.reference, [signer]), []);
    });

    test(`${name} while the tag moves: what was said is what was done, ${where}`, async (t) => {
      const registry = await setting(t, referrersApi);
      const { image, before } = await prepare(registry);
      moveAfterLook(registry, name, 2);
      assert.equal(await act(image.reference), image.digest);
      assert.notEqual(registry.repository(name).tags.get('v1'), image.digest, 'the tag has moved');
      assert.equal((await visible(before, [signer])).length, 2);
      assert.deepEqual(await visible(image.reference, [signer]), []);
    });
  }

  test(`copy while the tag moves: what arrives is what was said, ${where}`, async (t) => {
    const registry = await setting(t, referrersApi);
    const image = await pushImage(registry.host, 'copy');
    await withClient((client) => signImage({ registry: client, reference: image.reference, signer, format: 'both' }));
    const arriving = parseReference(`${registry.host}/arrived:v1`);
    moveAfterLook(registry, 'copy', 1);
    const copied = await withClient((client) =>
      copyImage({ source: { registry: client, reference: image.reference }, destination: { registry: client, reference: arriving } }),
    );
    assert.equal(formatDigest(copied.digest), image.digest);
    assert.equal(registry.repository('arrived').tags.get('v1'), image.digest);
    assert.equal((await visible(arriving, [signer])).length, 2);
    assert.deepEqual(await visible(image.reference, [signer]), []);
  });
}

test('the command says which digest it signed when the tag moves under it', async (t) => {
  const registry = await setting(t, true);
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const keys = await workshop.keys();
  const image = await pushImage(registry.host, 'app');
  moveAfterLook(registry, 'app', 2);
  const { code, stdout, stderr } = await workshop.sign(image.tagged, keys);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    (JSON.parse(stdout) as { digest: string }[]).map(({ digest }) => digest),
    [image.digest],
  );
  assert.equal((await workshop.verify(image.byDigest, keys)).code, 0);
  assert.equal((await workshop.verify(image.tagged, keys)).code, 10);
});
