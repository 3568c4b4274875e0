/** Images that cosign 2, cosign 3 and skopeo signed verify here, wherever they lie and with whatever key. */
import assert from 'node:assert/strict';
import type { KeyKind } from '../../src/core/crypto/index.ts';
import { answerOf, refusedWith, verifiedBy } from './answers.ts';
import { atWork, onEveryRegistry } from './on-every-registry.ts';
import { aDockerImage, anImage, anIndex, pushImage, startCraneRegistry, startDockerRegistry, startMemoryRegistry } from './registries.ts';
import type { Workshop } from './workshop.ts';

/** How each of them signs, and where the signature is found then: with the referrers API, and without. */
const WRITERS = [
  { writer: 'cosign 2', sign: (w: Workshop, image: Image) => sign2(w, image), places: ['sig-tag', 'sig-tag'], format: 'simple-signing' },
  {
    writer: 'cosign 2 as a referrer',
    sign: (w, image) => sign2(w, image, '--registry-referrers-mode=oci-1-1'),
    places: ['referrers-api', 'fallback-tag'],
    format: 'simple-signing',
  },
  {
    writer: 'cosign 3',
    sign: async (w, image) => w.cosign3Sign(image.byDigest, await w.keys()),
    places: ['referrers-api', 'fallback-tag'],
    format: 'bundle-v0.3',
  },
  {
    writer: 'cosign 3 as cosign 2',
    sign: async (w, image) => w.cosign3SignLegacy(image.byDigest, await w.keys()),
    places: ['sig-tag', 'sig-tag'],
    format: 'simple-signing',
  },
  {
    writer: 'cosign 3 as cosign 2 as a referrer',
    sign: async (w, image) => w.cosign3SignLegacy(image.byDigest, await w.keys(), '--registry-referrers-mode=oci-1-1'),
    places: ['referrers-api', 'fallback-tag'],
    format: 'simple-signing',
  },
  { writer: 'skopeo', sign: async (w, image) => w.skopeoSign(image.tagged, await w.keys()), places: ['sig-tag', 'sig-tag'], format: 'simple-signing' },
] as const satisfies readonly Writer[];

interface Image {
  readonly tagged: string;
  readonly byDigest: string;
}

interface Writer {
  readonly writer: string;
  readonly sign: (workshop: Workshop, image: Image) => Promise<void>;
  readonly places: readonly [string, string];
  readonly format: string;
}

async function sign2(workshop: Workshop, image: Image, ...more: readonly string[]): Promise<void> {
  await workshop.cosign2Sign(image.byDigest, await workshop.keys(), ...more);
}

onEveryRegistry('what others signed verifies', ['cosign2', 'cosign3', 'skopeo'], async (t, { registry, workshop }) => {
  const keys = await workshop.keys();
  for (const [at, { writer, sign, places, format }] of (WRITERS as readonly Writer[]).entries()) {
    await t.test(`signed by ${writer}`, async () => {
      const image = await pushImage(registry.host, `writers/n${at}`);
      refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE');
      await sign(workshop, image);
      for (const name of [image.tagged, image.byDigest]) {
        const found = verifiedBy(await workshop.verify(name, keys));
        assert.deepEqual([found.place, found.format, found.key?.algorithm], [places[registry.referrersApi ? 0 : 1], format, 'ecdsa-p256-sha256']);
      }
      // The same question with --explain asks every place, and the answer stays the same.
      const explained = answerOf(await workshop.verify(image.tagged, keys, '--explain', '-o', 'json'));
      assert.ok(explained.places?.every(({ state }) => state === 'complete' || state === 'absent'));
      refusedWith(await workshop.verify(image.tagged, await workshop.keys('ecdsa-p384')), 1, format === 'bundle-v0.3' ? 'KEY_MISMATCH' : 'SIGNATURE_INVALID');
    });
  }
  // Of the three registries this one looks closest at what kind of manifest it takes.
  if (registry.name !== 'docker-registry') return;
  for (const [form, built] of [
    ['docker', aDockerImage('forms/docker')],
    ['index', anIndex('forms/index')],
  ] as const) {
    await t.test(form === 'docker' ? 'a Docker v2 schema 2 image' : 'an index, whose children are not signed by its signature', async () => {
      for (const [at, { writer, sign }] of WRITERS.entries()) {
        if (writer.includes(' as ')) continue;
        const image = await pushImage(registry.host, `forms/${form}${at}`, built);
        await sign(workshop, image);
        verifiedBy(await workshop.verify(image.tagged, keys));
        const [child] = built.children;
        if (!child || writer === 'skopeo') continue; // skopeo signs every image that it copies
        const { byDigest } = await pushImage(registry.host, `forms/${form}${at}`, child, 'amd64');
        refusedWith(await workshop.verify(byDigest, keys), 10, 'NO_SIGNATURE');
      }
    });
  }
});

/**
 * What each of them does with each kind of key. cosign 2 and skopeo hash with SHA-256 whatever the curve; cosign 3 signs
 * with what Sigstore's registry gives the key, and where it writes the first generation Ed25519 is prehashed. cosign 3
 * cannot sign bundles with Ed25519: it refuses its own signature, so nothing can be held against it here.
 */
const ALGORITHMS: readonly { readonly kind: KeyKind; readonly two: string; readonly three: string | undefined; readonly threeLegacy: string }[] = [
  { kind: 'ecdsa-p384', two: 'ecdsa-p384-sha256', three: 'ecdsa-p384-sha384', threeLegacy: 'ecdsa-p384-sha384' },
  { kind: 'ecdsa-p521', two: 'ecdsa-p521-sha256', three: 'ecdsa-p521-sha512', threeLegacy: 'ecdsa-p521-sha512' },
  { kind: 'rsa2048', two: 'rsa2048-pkcs1-sha256', three: 'rsa2048-pkcs1-sha256', threeLegacy: 'rsa2048-pkcs1-sha256' },
  { kind: 'rsa3072', two: 'rsa3072-pkcs1-sha256', three: 'rsa3072-pkcs1-sha256', threeLegacy: 'rsa3072-pkcs1-sha256' },
  { kind: 'ed25519', two: 'ed25519', three: undefined, threeLegacy: 'ed25519ph' },
];

atWork('every kind of key that others sign with', ['cosign2', 'cosign3', 'skopeo', 'crane'], async (t, workshop) => {
  const registry = await startCraneRegistry();
  t.after(() => registry.stop());
  for (const { kind, two, three, threeLegacy } of ALGORITHMS) {
    await t.test(kind, async () => {
      const keys = await workshop.keys(kind);
      const algorithmOf = async (writer: string, sign: (image: Image) => Promise<void>): Promise<string | undefined> => {
        const image = await pushImage(registry.host, `keys/${kind}/${writer}`, anImage(kind));
        await sign(image);
        return verifiedBy(await workshop.verify(image.tagged, keys)).key?.algorithm;
      };
      assert.equal(await algorithmOf('cosign2', (image) => workshop.cosign2Sign(image.byDigest, keys)), two);
      assert.equal(await algorithmOf('skopeo', (image) => workshop.skopeoSign(image.tagged, keys)), two);
      assert.equal(await algorithmOf('cosign3-legacy', (image) => workshop.cosign3SignLegacy(image.byDigest, keys)), threeLegacy);
      const signed = algorithmOf('cosign3', (image) => workshop.cosign3Sign(image.byDigest, keys));
      if (three === undefined) await assert.rejects(signed, /accepted signatures do not match threshold/, 'cosign 3 has learnt it: hold its signature here');
      else assert.equal(await signed, three);
    });
  }
});

atWork('keys that cosign 3 imported from PEM files sign, and what they sign verifies', ['cosign3'], async (t, workshop) => {
  const registry = await startMemoryRegistry();
  t.after(() => registry.stop());
  for (const kind of ['ec', 'rsa'] as const) {
    const keys = await workshop.imported(kind);
    const image = await pushImage(registry.host, `imported/${kind}`);
    await workshop.cosign3Sign(image.byDigest, keys);
    verifiedBy(await workshop.verify(image.tagged, keys));
    assert.equal((await workshop.sign(image.tagged, keys)).code, 0, 'and Sealward signs with the same file');
  }
});

atWork('several images in one call, and the real program', ['cosign2', 'cosign3', 'docker-registry'], async (t, workshop) => {
  const registry = await startDockerRegistry();
  t.after(() => registry.stop());
  const keys = await workshop.keys();
  const [one, two, three] = await Promise.all(['a', 'b', 'c'].map((name) => pushImage(registry.host, `several/${name}`)));
  assert.ok(one && two && three);
  await workshop.cosign2Sign(one.byDigest, keys);
  await workshop.cosign3Sign(two.byDigest, keys);
  const real = async (...images: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    workshop.start(['verify', '--key', keys.pub, '--insecure-ignore-tlog', ...images]).finished;
  const good = await real(one.tagged, two.byDigest);
  assert.deepEqual([good.code, good.stderr], [0, ''], good.stdout);
  assert.deepEqual(
    (JSON.parse(good.stdout) as { outcome: string }[]).map(({ outcome }) => outcome),
    ['verified', 'verified'],
  );
  const mixed = await real(one.tagged, three.tagged);
  assert.equal(mixed.code, 10, mixed.stdout);
  assert.deepEqual(
    (JSON.parse(mixed.stdout) as { code: string }[]).map(({ code }) => code),
    ['VERIFIED', 'NO_SIGNATURE'],
  );
  assert.match(mixed.stderr, /^sealward: rejected 127\.0\.0\.1:\d+\/several\/c:v1: .*\n {2}hint: /);
});
