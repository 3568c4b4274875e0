/** What Sealward signs in the form of the first generation, cosign 2, cosign 3 and skopeo accept; and what it attests, both cosigns. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import type { KeyKind } from '../../src/core/crypto/index.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { atWork, onEveryRegistry } from './on-every-registry.ts';
import { anIndex, type PushedImage, pushImage, startCraneRegistry } from './registries.ts';
import type { KeyFiles, Ran, Workshop } from './workshop.ts';

/** A policy as an administrator writes it for podman, CRI-O or OpenShift: only what this key signed may be pulled. */
async function skopeoPulls(workshop: Workshop, { tagged }: PushedImage, { pub }: KeyFiles): Promise<Ran> {
  const rule = { type: 'sigstoreSigned', keyPath: pub, signedIdentity: { type: 'matchRepository' } };
  const scope = tagged.slice(0, tagged.indexOf('/'));
  const policy = workshop.file('policy.json', JSON.stringify({ default: [{ type: 'reject' }], transports: { docker: { [scope]: [rule] } } }));
  const settings = workshop.file('registries.d/default.yaml', 'default-docker:\n  use-sigstore-attachments: true\n');
  const to = `oci:${workshop.path('pulled')}:v1`;
  const flags = ['--policy', policy, '--registries.d', dirname(settings), 'copy', '--remove-signatures', '--src-tls-verify=false'];
  return workshop.run('skopeo', [...flags, `docker://${tagged}`, to]);
}

function accepted({ code, stderr }: Ran): void {
  assert.equal(code, 0, stderr);
}

onEveryRegistry('signatures for older readers', ['cosign2', 'cosign3', 'skopeo'], async (t, { registry, workshop }) => {
  const [keys, other] = [await workshop.keys(), await workshop.keys('rsa2048')];
  for (const format of ['legacy', 'both'] as const) {
    await t.test(`--signature-format ${format}`, async () => {
      const image = await pushImage(registry.host, `older/${format}`);
      assert.notEqual((await skopeoPulls(workshop, image, keys)).code, 0);
      assert.equal((await workshop.sign(image.tagged, keys, '--signature-format', format, '-a', 'branch=main')).code, 0);
      accepted(await workshop.cosign2Verify(image.byDigest, keys, '-a', 'branch=main'));
      accepted(await workshop.cosign3Verify(image.byDigest, keys, '-a', 'branch=main'));
      accepted(await skopeoPulls(workshop, image, keys));
      assert.notEqual((await skopeoPulls(workshop, image, other)).code, 0);
      const first = registry.referrersApi ? 'referrers-api' : 'fallback-tag';
      assert.equal(verifiedBy(await workshop.verify(image.tagged, keys, '-a', 'branch=main')).place, format === 'both' ? first : 'sig-tag');
      // It names the repository that it was made for.
      verifiedBy(await workshop.verify(image.tagged, keys, '--repository-claim', 'exact', '--explain', '-o', 'json'));
    });
  }
  await t.test('beside what cosign 2 and skopeo wrote under the same tag: all stay', async () => {
    const third = await workshop.keys('ecdsa-p384');
    const image = await pushImage(registry.host, 'older/beside');
    await workshop.cosign2Sign(image.byDigest, other);
    assert.equal((await workshop.sign(image.tagged, keys, '--signature-format', 'legacy')).code, 0);
    await workshop.skopeoSign(image.tagged, third);
    for (const who of [keys, other, third]) {
      verifiedBy(await workshop.verify(image.tagged, who));
      accepted(await workshop.cosign2Verify(image.byDigest, who));
    }
  });
  await t.test('two processes at once: both signatures are there', async () => {
    const image = await pushImage(registry.host, 'older/at-once');
    const sign = ({ key }: KeyFiles): Promise<Ran> => workshop.start(['sign', '--signature-format', 'legacy', '--key', key, image.tagged]).finished;
    for (const ran of await Promise.all([sign(keys), sign(other)])) accepted(ran);
    for (const who of [keys, other]) verifiedBy(await workshop.verify(image.tagged, who));
  });
  await t.test('an index and each image that it lists', async () => {
    const index = anIndex('recursive');
    const image = await pushImage(registry.host, 'older/recursive', index);
    assert.equal((await workshop.sign(image.tagged, keys, '--recursive', '--signature-format', 'both')).code, 0);
    for (const child of index.children) {
      const { byDigest } = await pushImage(registry.host, 'older/recursive', child, 'child');
      verifiedBy(await workshop.verify(byDigest, keys));
      accepted(await workshop.cosign2Verify(byDigest, keys));
    }
    accepted(await workshop.cosign3Verify(image.byDigest, keys));
  });
});

/** These readers take SHA-256 of every curve, whatever Sigstore's registry says of it now. */
const KINDS: readonly (readonly [KeyKind, string])[] = [
  ['ecdsa-p384', 'ecdsa-p384-sha256'],
  ['ecdsa-p521', 'ecdsa-p521-sha256'],
  ['rsa3072', 'rsa3072-pkcs1-sha256'],
  ['ed25519', 'ed25519'],
];

atWork('every kind of key, for older readers', ['cosign2', 'cosign3', 'skopeo', 'crane'], async (t, workshop) => {
  const registry = await startCraneRegistry();
  t.after(() => registry.stop());
  const predicate = workshop.file('predicate.json', '{"passed": true}');
  for (const [kind, algorithm] of KINDS) {
    await t.test(kind, async () => {
      const keys = await workshop.keys(kind);
      const image = await pushImage(registry.host, `kinds/${kind}`);
      assert.equal((await workshop.sign(image.tagged, keys, '--signature-format', 'legacy')).code, 0);
      assert.equal(verifiedBy(await workshop.verify(image.tagged, keys)).key?.algorithm, algorithm);
      accepted(await workshop.cosign2Verify(image.byDigest, keys));
      accepted(await workshop.cosign3Verify(image.byDigest, keys));
      accepted(await skopeoPulls(workshop, image, keys));
      const attest = ['attest', '--key', keys.key, '--signature-format', 'legacy', '--type', 'custom', '--predicate', predicate, image.tagged];
      assert.equal((await workshop.sealward(attest)).code, 0);
      accepted(await workshop.run('cosign2', ['verify-attestation', '--insecure-ignore-tlog=true', '--key', keys.pub, image.byDigest]));
    });
  }
});

onEveryRegistry('what Sealward attests, cosign verifies', ['cosign2', 'cosign3'], async (t, { registry, workshop }) => {
  const keys = await workshop.keys();
  const { verifying } = await workshop.offline();
  const provenance = {
    buildDefinition: { buildType: 'https://ci.example/build', externalParameters: {} },
    runDetails: { builder: { id: 'https://ci.example' } },
  };
  const predicate = workshop.file('provenance.json', JSON.stringify(provenance));
  const read = ['verify-attestation', '--type', 'slsaprovenance1', '--insecure-ignore-tlog=true', '--key', keys.pub];
  for (const format of ['bundle', 'legacy'] as const) {
    await t.test(`--signature-format ${format}`, async () => {
      const image = await pushImage(registry.host, `attests/${format}`);
      const attest = ['attest', '--key', keys.key, '--signature-format', format, '--type', 'slsaprovenance1', '--predicate', predicate, image.tagged];
      assert.equal((await workshop.sealward(attest)).code, 0);
      verifiedBy(await workshop.sealward([...read, image.tagged]));
      accepted(await workshop.run('cosign3', [...read, ...verifying, image.byDigest]));
      if (format === 'legacy') accepted(await workshop.run('cosign2', [...read, image.byDigest]));
      refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE');
    });
  }
});

atWork('files that Sealward signs and attests to, cosign 3 verifies', ['cosign3'], async (_, workshop) => {
  const { verifying } = await workshop.offline();
  const file = workshop.file('file', 'what is in the file\n');
  const predicate = workshop.file('predicate.json', '{"passed": true}');
  for (const kind of ['ecdsa-p256', 'rsa3072'] as const) {
    const { key, pub } = await workshop.keys(kind);
    const [signature, attestation] = [workshop.path(`${kind}.sigstore.json`), workshop.path(`${kind}.att.json`)];
    assert.equal((await workshop.sealward(['sign-blob', '--key', key, '--bundle', signature, file])).code, 0);
    accepted(await workshop.run('cosign3', ['verify-blob', '--insecure-ignore-tlog=true', ...verifying, '--key', pub, '--bundle', signature, file]));
    assert.equal((await workshop.sealward(['attest-blob', '--key', key, '--type', 'custom', '--predicate', predicate, '--bundle', attestation, file])).code, 0);
    const flags = ['--insecure-ignore-tlog=true', ...verifying, '--key', pub, '--type', 'custom', '--bundle', attestation];
    accepted(await workshop.run('cosign3', ['verify-blob-attestation', ...flags, file]));
  }
});
