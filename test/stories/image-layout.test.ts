/** Images in folders, as other programs write them: signed and verified there, and carried into registries with their signatures. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import type { CliResult } from '../cli.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { atWork, onEveryRegistry } from './on-every-registry.ts';
import { anImage, anIndex, pushImage, startCraneRegistry } from './registries.ts';
import type { Workshop } from './workshop.ts';

type Save = (workshop: Workshop, image: string, folder: string) => Promise<unknown>;

const WRITERS: readonly { readonly writer: string; readonly save: Save; readonly tag: string }[] = [
  {
    writer: 'skopeo',
    save: (w, image, to) => w.must('skopeo', ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', `docker://${image}`, `oci:${to}:v1`]),
    tag: ':v1',
  },
  { writer: 'crane', save: (w, image, to) => w.must('crane', ['pull', '--format=oci', image, to]), tag: '' },
  { writer: 'oras', save: (w, image, to) => w.must('oras', ['copy', '--from-plain-http', '--to-oci-layout', image, `${to}:v1`]), tag: ':v1' },
];

atWork('folders that skopeo, crane and oras wrote are signed and verified', ['skopeo', 'crane', 'oras'], async (t, workshop) => {
  const registry = await startCraneRegistry();
  t.after(() => registry.stop());
  const [keys, other] = [await workshop.keys(), await workshop.keys('ecdsa-p384')];
  for (const { writer, save, tag } of WRITERS) {
    for (const [form, built] of [
      ['image', anImage(writer)],
      ['index', anIndex(writer)],
    ] as const) {
      await t.test(`an ${form} that ${writer} wrote`, async () => {
        const image = await pushImage(registry.host, `${writer}/${form}`, built);
        const folder = workshop.path(`${writer}-${form}`);
        await save(workshop, image.tagged, folder);
        const names = [`oci:${folder}`, `oci:${folder}@${image.digest}`, ...(tag === '' ? [] : [`oci:${folder}${tag}`])];
        for (const name of names) refusedWith(await workshop.verify(name, keys), 10, 'NO_SIGNATURE');
        // The signature stands in the folder beside the image, and does not make it less clear what the folder means.
        assert.equal((await workshop.sign(`oci:${folder}`, keys)).code, 0);
        for (const name of names) verifiedBy(await workshop.verify(name, keys));
        verifiedBy(await workshop.sealward(['verify', '--local-image', '--insecure-ignore-tlog', '--key', keys.pub, folder]));
        refusedWith(await workshop.verify(`oci:${folder}`, other), 1, 'KEY_MISMATCH');
        assert.ok(!existsSync(`${folder}/.sealward-lock`));
      });
    }
  }
  await t.test('a decision about a folder by policies is made again from the folder', async () => {
    const policy = workshop.file(
      'policy.yaml',
      JSON.stringify({
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name: 'folders' },
        spec: {
          match: { images: ['**'] },
          authorities: [{ name: 'release', key: { file: keys.pub } }],
          signatures: 'release',
        },
      }),
    );
    const [image, records] = [`oci:${workshop.path('skopeo-image')}:v1`, workshop.path('records')];
    const { code, stdout, stderr } = await workshop.sealward(['verify', '--policy', policy, '--record', records, image]);
    assert.equal(code, 0, stdout + stderr);
    const record = readdirSync(records).map((name) => `${records}/${name}`);
    const again = await workshop.sealward(['replay', '-o', 'text', '--policy', policy, ...record]);
    assert.equal(again.code, 0, again.stdout + again.stderr);
  });
  await t.test('what is not there', async () => {
    const folder = workshop.path('skopeo-image');
    refusedWith(await workshop.verify(`oci:${folder}:v2`, keys), 11, 'ERR_NOT_FOUND');
    refusedWith(await workshop.verify(`oci:${folder}@sha256:${'0'.repeat(64)}`, keys), 11, 'ERR_NOT_FOUND');
    const nowhere = await workshop.verify(`oci:${workshop.path('nowhere')}`, keys);
    assert.deepEqual([nowhere.code, nowhere.stdout], [2, '']);
    assert.match(nowhere.stderr, /nowhere" is not an OCI image layout\n {2}hint: /);
  });
});

onEveryRegistry('signatures travel with their image, by oras', ['oras', 'cosign3'], async (t, { registry, workshop }) => {
  const [keys, theirs] = [await workshop.keys(), await workshop.keys('rsa2048')];
  const image = await pushImage(registry.host, 'travels');
  const folder = workshop.path('travels');
  await t.test('from a registry into a folder', async () => {
    assert.equal((await workshop.sign(image.tagged, keys)).code, 0);
    await workshop.cosign3Sign(image.byDigest, theirs);
    await workshop.must('oras', ['copy', '-r', '--from-plain-http', '--to-oci-layout', image.tagged, `${folder}:v1`]);
    for (const who of [keys, theirs]) verifiedBy(await workshop.verify(`oci:${folder}:v1`, who));
  });
  await t.test('from a folder into a registry', async () => {
    const third = await workshop.keys('ecdsa-p384');
    assert.equal((await workshop.sign(`oci:${folder}:v1`, third)).code, 0);
    const there = `${registry.host}/arrived`;
    await workshop.must('oras', ['copy', '-r', '--from-oci-layout', '--to-plain-http', `${folder}:v1`, `${there}:v1`]);
    for (const who of [keys, theirs, third]) verifiedBy(await workshop.verify(`${there}:v1`, who));
    const { code, stderr } = await workshop.cosign3Verify(`${there}@${image.digest}`, keys);
    assert.equal(code, 0, stderr);
  });
});

atWork('folders of cosign save verify as they do with --local-image there', ['cosign2', 'cosign3', 'crane'], async (t, workshop) => {
  const registry = await startCraneRegistry();
  t.after(() => registry.stop());
  const [keys, other] = [await workshop.keys(), await workshop.keys('rsa2048')];
  const predicate = workshop.file('predicate.json', '{"passed": true}');
  const local = (verb: string, folder: string, pub = keys.pub): Promise<CliResult> =>
    workshop.sealward([verb, '--local-image', '--insecure-ignore-tlog=true', '--key', pub, folder]);
  for (const cosign of ['cosign2', 'cosign3'] as const) {
    await t.test(`of ${cosign}`, async () => {
      const image = await pushImage(registry.host, `saved/${cosign}`);
      const folder = workshop.path(`saved-${cosign}`);
      if (cosign === 'cosign2') {
        await workshop.cosign2Sign(image.byDigest, keys);
        await workshop.must('cosign2', ['attest', '--yes', '--tlog-upload=false', '--key', keys.key, '--predicate', predicate, image.byDigest]);
      } else {
        await workshop.cosign3Sign(image.byDigest, keys);
        const { signing, verifying } = await workshop.offline();
        await workshop.must('cosign3', ['attest', '--yes', ...signing, ...verifying, '--key', keys.key, '--predicate', predicate, image.byDigest]);
      }
      await workshop.must(cosign, ['save', '--dir', folder, image.byDigest]);
      const theirs = await workshop.run(cosign, ['verify', '--local-image', '--insecure-ignore-tlog=true', '--key', keys.pub, folder]);
      assert.equal(theirs.code, 0, theirs.stderr);
      verifiedBy(await local('verify', folder));
      verifiedBy(await local('verify-attestation', folder));
      refusedWith(await local('verify', folder, other.pub), 1, cosign === 'cosign2' ? 'SIGNATURE_INVALID' : 'KEY_MISMATCH');
      // And what is signed there is found beside it.
      assert.equal((await workshop.sign(`oci:${folder}`, other)).code, 0);
      for (const { pub } of [keys, other]) verifiedBy(await local('verify', folder, pub));
    });
  }
});
