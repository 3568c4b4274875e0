/** An image moves: from one generation of signatures to the other, and from registry to folder to registry; nothing stays behind. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { formatDigest } from '../../src/core/artifact/index.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { atWork, onEveryRegistry } from './on-every-registry.ts';
import { anIndex, pushImage, startCraneRegistry, startMemoryRegistry } from './registries.ts';
import type { KeyFiles, Ran, Workshop } from './workshop.ts';

function accepted({ code, stderr }: Ran): void {
  assert.equal(code, 0, stderr);
}

function refused({ code, stdout, stderr }: Ran): void {
  assert.notEqual(code, 0, `${stdout}${stderr}`);
}

async function attestedByCosign(workshop: Workshop, peer: 'cosign2' | 'cosign3', image: string, { key }: KeyFiles): Promise<void> {
  const { signing, verifying } = await workshop.offline();
  const where = peer === 'cosign2' ? ['--tlog-upload=false'] : [...signing, ...verifying];
  const predicate = workshop.file('predicate.json', '{"passed": true}');
  await workshop.must(peer, ['attest', '--yes', ...where, '--key', key, '--type', 'custom', '--predicate', predicate, image]);
}

async function cosignReadsAttestation(workshop: Workshop, peer: 'cosign2' | 'cosign3', image: string, { pub }: KeyFiles): Promise<Ran> {
  const { verifying } = await workshop.offline();
  const root = peer === 'cosign3' ? verifying : [];
  return workshop.run(peer, ['verify-attestation', '--insecure-ignore-tlog=true', ...root, '--key', pub, '--type', 'custom', image]);
}

onEveryRegistry('resign brings an image from one generation to the other, without new trust', ['cosign2', 'cosign3'], async (t, { registry, workshop }) => {
  const [keys, stranger] = [await workshop.keys(), await workshop.keys('rsa2048')];
  const resign = (image: string, { key }: KeyFiles, ...more: readonly string[]): Promise<Ran> => workshop.sealward(['resign', '--key', key, ...more, image]);

  await t.test('what only cosign 2 signed and attested, cosign 3 verifies afterwards', async () => {
    const image = await pushImage(registry.host, 'resign/older');
    await workshop.cosign2Sign(image.byDigest, keys, '-a', 'branch=main');
    await attestedByCosign(workshop, 'cosign2', image.byDigest, keys);
    const before = JSON.parse((await workshop.sealward(['tree', image.tagged])).stdout) as unknown;
    const nothing = await resign(image.tagged, stranger);
    assert.equal(nothing.code, 2, nothing.stderr);
    assert.match(nothing.stderr, /ERR_NOTHING_TO_RESIGN/);
    assert.deepEqual(JSON.parse((await workshop.sealward(['tree', image.tagged])).stdout), before, 'nothing was written by a key that had signed nothing');
    accepted(await resign(image.tagged, keys));
    const bundle = verifiedBy(await workshop.verify(image.byDigest, keys, '-a', 'branch=main'));
    assert.equal(bundle.format, 'bundle-v0.3');
    accepted(await workshop.cosign3Verify(image.byDigest, keys, '-a', 'branch=main'));
    accepted(await workshop.cosign2Verify(image.byDigest, keys, '-a', 'branch=main'));
    for (const peer of ['cosign2', 'cosign3'] as const) accepted(await cosignReadsAttestation(workshop, peer, image.byDigest, keys));
    // A second time there is nothing to do, and nothing is written.
    const between = JSON.parse((await workshop.sealward(['tree', image.tagged])).stdout) as unknown;
    accepted(await resign(image.tagged, keys));
    assert.deepEqual(JSON.parse((await workshop.sealward(['tree', image.tagged])).stdout), between);
  });

  await t.test('what only cosign 3 signed and attested, cosign 2 verifies afterwards', async () => {
    const image = await pushImage(registry.host, 'resign/newer');
    await workshop.cosign3Sign(image.byDigest, keys, '-a', 'branch=main');
    await attestedByCosign(workshop, 'cosign3', image.byDigest, keys);
    refused(await workshop.cosign2Verify(image.byDigest, keys));
    refused(await cosignReadsAttestation(workshop, 'cosign2', image.byDigest, keys));
    accepted(await resign(image.tagged, keys, '--signature-format', 'both'));
    accepted(await workshop.cosign2Verify(image.byDigest, keys, '-a', 'branch=main'));
    accepted(await workshop.cosign3Verify(image.byDigest, keys, '-a', 'branch=main'));
    for (const peer of ['cosign2', 'cosign3'] as const) accepted(await cosignReadsAttestation(workshop, peer, image.byDigest, keys));
  });
});

atWork('an image with all its evidence over an air gap: registry, folder, another registry', ['cosign2', 'cosign3', 'crane'], async (t, workshop) => {
  const [from, to] = [await startMemoryRegistry(), await startCraneRegistry()];
  t.after(() => Promise.all([from.stop(), to.stop()]));
  const [keys, older] = [await workshop.keys(), await workshop.keys('ecdsa-p384')];
  const index = anIndex('air-gap');
  const image = await pushImage(from.host, 'app', index);
  accepted(await workshop.sign(image.tagged, keys, '--recursive'));
  await workshop.cosign2Sign(image.byDigest, older);
  await attestedByCosign(workshop, 'cosign2', image.byDigest, older);
  await attestedByCosign(workshop, 'cosign3', image.byDigest, keys);
  const folder = `oci:${workshop.path('usb-stick')}:v1`;
  for (const second of [false, true]) {
    const out = await workshop.sealward(['copy', image.tagged, folder]);
    assert.equal(out.code, 0, `${second}: ${out.stderr}`);
    const { digest, attached } = JSON.parse(out.stdout) as { digest: string; attached: number };
    assert.equal(digest, image.digest);
    assert.ok(attached >= 6, `${attached} things are attached`);
    accepted(await workshop.sealward(['copy', folder, `${to.host}/mirror/app:v1`]));
  }
  await from.stop();
  verifiedBy(await workshop.verify(folder, keys));
  const there = `${to.host}/mirror/app@${image.digest}`;
  for (const key of [keys, older]) verifiedBy(await workshop.verify(`${to.host}/mirror/app:v1`, key));
  accepted(await workshop.cosign3Verify(there, keys));
  accepted(await workshop.cosign2Verify(there, older));
  accepted(await cosignReadsAttestation(workshop, 'cosign3', there, keys));
  accepted(await cosignReadsAttestation(workshop, 'cosign2', there, older));
  for (const child of index.children) verifiedBy(await workshop.verify(`${to.host}/mirror/app@${formatDigest(child.descriptor.digest)}`, keys));

  await t.test('--image-only leaves it behind, and an image that is not there moves nothing', async () => {
    const bare = `oci:${workshop.path('bare')}:v1`;
    accepted(await workshop.sealward(['copy', '--image-only', `${to.host}/mirror/app:v1`, bare]));
    refusedWith(await workshop.verify(bare, keys), 10, 'NO_SIGNATURE');
    const gone = await workshop.sealward(['copy', `${to.host}/mirror/app:v2`, `oci:${workshop.path('gone')}:v2`]);
    assert.equal(gone.code, 11, gone.stderr);
    assert.throws(() => readdirSync(workshop.path('gone')), { code: 'ENOENT' });
  });
});
