/** Two keys side by side, a classical one and a post-quantum one: neither signature can be taken away without notice. */
import assert from 'node:assert/strict';
import { formatDigest } from '../../src/core/artifact/index.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { onEveryRegistry } from './on-every-registry.ts';
import { plainClient, pushImage } from './registries.ts';

onEveryRegistry('a post-quantum key beside a classical one', ['cosign3'], async (t, { registry, workshop }) => {
  const [classical, quantum] = [await workshop.keys(), await workshop.keys('ml-dsa-65')];
  const both = ['--key', classical.pub, '--key', quantum.pub];
  const verify = (image: string, ...keys: readonly string[]) => workshop.sealward(['verify', '--insecure-ignore-tlog', ...keys, image]);

  await t.test('each key verifies, and cosign 3 reads the classical signature', async () => {
    const image = await pushImage(registry.host, 'side-by-side');
    const signed = await workshop.sign(image.tagged, classical, '--key', quantum.key);
    assert.equal(signed.code, 0, signed.stderr);
    const [{ signatures } = { signatures: [] }] = JSON.parse(signed.stdout) as { signatures: { digest: string }[] }[];
    assert.equal(signatures.length, 2);
    verifiedBy(await verify(image.tagged, ...both));
    for (const { pub } of [classical, quantum]) verifiedBy(await verify(image.tagged, '--key', pub));
    assert.equal((await workshop.cosign3Verify(image.byDigest, classical)).code, 0);
  });

  for (const [at, removed] of ['classical', 'post-quantum'].entries()) {
    await t.test(`without the ${removed} signature, whoever trusts both keys is told`, async () => {
      const image = await pushImage(registry.host, `without-${removed}`);
      const signed = await workshop.sign(image.tagged, classical, '--key', quantum.key);
      const [{ signatures } = { signatures: [] }] = JSON.parse(signed.stdout) as { signatures: { digest: string }[] }[];
      const client = plainClient();
      const target = signatures[at]?.digest ?? '';
      const [algorithm, hex] = target.split(':') as ['sha256', string];
      await client.deleteManifest(image.reference, { algorithm, hex });
      // A registry without the referrers API lists it in an index of its own, which somebody who takes it away edits too.
      if (!registry.referrersApi) {
        await client.editTag(image.reference, `sha256-${image.descriptor.digest.hex}`, {
          what: 'the entry that was taken away',
          done: ({ manifest }) => manifest.kind === 'index' && manifest.manifests.every(({ digest }) => formatDigest(digest) !== target),
          merge: (found) => {
            const index = JSON.parse(Buffer.from(found?.bytes ?? []).toString()) as { manifests: { digest: string }[] };
            return Buffer.from(JSON.stringify({ ...index, manifests: index.manifests.filter(({ digest }) => digest !== target) }));
          },
        });
      }
      refusedWith(await verify(image.tagged, ...both), 1, 'COMPANION_MISSING');
      const { code } = await workshop.cosign3Verify(image.byDigest, classical);
      assert.equal(code === 0, removed === 'post-quantum', 'cosign knows the classical key alone');
    });
  }

  await t.test('two keys of one kind are refused before anything is published', async () => {
    const image = await pushImage(registry.host, 'two-of-a-kind');
    const { code, stderr } = await workshop.sign(image.tagged, classical, '--key', classical.key);
    assert.equal(code, 2);
    assert.match(stderr, /two of the keys sign with ecdsa-p256-sha256/);
    refusedWith(await verify(image.tagged, '--key', classical.pub), 10, 'NO_SIGNATURE');
  });
});
