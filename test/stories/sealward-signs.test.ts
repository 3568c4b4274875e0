/** What Sealward signs, cosign 3 verifies: every kind of key, every form of image, beside signatures of others. */
import assert from 'node:assert/strict';
import type { KeyKind } from '../../src/core/crypto/index.ts';
import type { CliResult } from '../cli.ts';
import { answerOf, refusedWith, verifiedBy } from './answers.ts';
import { onEveryRegistry } from './on-every-registry.ts';
import { aDockerImage, anImage, anIndex, type PushedImage, pushImage } from './registries.ts';
import type { KeyFiles, Ran, Workshop } from './workshop.ts';

function assertSigned(signed: CliResult, image: PushedImage): void {
  assert.equal(signed.code, 0, signed.stderr);
  const [one] = JSON.parse(signed.stdout) as { digest: string; published: boolean }[];
  assert.deepEqual([one?.digest, one?.published], [image.digest, true]);
}

function assertAccepts({ code, stdout, stderr }: Ran, image: PushedImage): void {
  assert.equal(code, 0, stderr);
  const [seen] = JSON.parse(stdout) as { critical: { image: Record<string, string> } }[];
  assert.equal(seen?.critical.image['docker-manifest-digest'], image.digest);
}

/**
 * cosign 3 signs with the hash that Sigstore's registry gives a curve, as Sealward does, but verifies keys from files
 * with SHA-256 unless it is told the hash.
 */
const KINDS: readonly (readonly [KeyKind, ...string[]])[] = [
  ['ecdsa-p256'],
  ['ecdsa-p384', '--signature-digest-algorithm', 'sha384'],
  ['ecdsa-p521', '--signature-digest-algorithm', 'sha512'],
  ['rsa2048'],
  ['rsa3072'],
  ['ed25519'],
];

onEveryRegistry('what Sealward signs, cosign 3 verifies', ['cosign3'], async (t, { registry, workshop }) => {
  const signAndCompare = async (image: PushedImage, keys: KeyFiles, sign: readonly string[] = [], verify: readonly string[] = []): Promise<void> => {
    assertSigned(await workshop.sign(image.tagged, keys, ...sign), image);
    for (const name of [image.tagged, image.byDigest]) verifiedBy(await workshop.verify(name, keys));
    assertAccepts(await workshop.cosign3Verify(image.byDigest, keys, ...verify), image);
  };
  for (const [kind, ...flags] of registry.name === 'crane registry serve' ? KINDS : KINDS.slice(0, 1)) {
    await t.test(kind, async () => signAndCompare(await pushImage(registry.host, `kinds/${kind}`), await workshop.keys(kind), [], flags));
  }

  await t.test('with annotations', async () => {
    const keys = await workshop.keys();
    const image = await pushImage(registry.host, 'annotated');
    await signAndCompare(image, keys, ['-a', 'commit=4f2c1e', '-a', 'branch=main'], ['-a', 'branch=main', '-a', 'commit=4f2c1e']);
    assert.notEqual((await workshop.cosign3Verify(image.byDigest, keys, '-a', 'branch=dev')).code, 0);
    refusedWith(await workshop.verify(image.byDigest, keys, '-a', 'branch=dev'), 1, 'ANNOTATION_MISMATCH');
    await workshop.cosign3Sign(image.byDigest, keys, '-a', 'branch=dev');
    assert.deepEqual(verifiedBy(await workshop.verify(image.byDigest, keys, '-a', 'branch=dev')).annotations, { branch: 'dev' });
  });

  for (const [what, built] of [
    ['a Docker v2 schema 2 image', aDockerImage('forms')],
    ['an index', anIndex('forms')],
  ] as const) {
    await t.test(what, async () => signAndCompare(await pushImage(registry.host, `forms/${what.split(' ').at(-1)}`, built), await workshop.keys()));
  }

  await t.test('a second signature by cosign 3 beside ours, and ours beside that of cosign 3: both stay', async () => {
    const [ours, theirs] = [await workshop.keys(), await workshop.keys('ecdsa-p384')];
    for (const order of ['ours first', 'theirs first'] as const) {
      const image = await pushImage(registry.host, `beside/${order.replace(' ', '-')}`);
      const sign = [async () => assertSigned(await workshop.sign(image.tagged, ours), image), () => workshop.cosign3Sign(image.byDigest, theirs)];
      for (const one of order === 'ours first' ? sign : sign.toReversed()) await one();
      for (const keys of [ours, theirs]) verifiedBy(await workshop.verify(image.tagged, keys));
      assertAccepts(await workshop.cosign3Verify(image.byDigest, ours), image);
      assertAccepts(await workshop.cosign3Verify(image.byDigest, theirs, '--signature-digest-algorithm', 'sha384'), image);
    }
  });

  await t.test('a post-quantum key beside a classical one: cosign 3 reads the classical signature', async () => {
    const [classical, quantum] = [await workshop.keys(), await workshop.keys('ml-dsa-65')];
    const image = await pushImage(registry.host, 'beside/post-quantum');
    assertSigned(await workshop.sign(image.tagged, classical, '--key', quantum.key), image);
    verifiedBy(await workshop.verify(image.tagged, classical, '--key', quantum.pub));
    assertAccepts(await workshop.cosign3Verify(image.byDigest, classical), image);
  });

  await t.test('two people sign one image, and each of them is believed', () => twoPeople(workshop, registry.host));
});

async function twoPeople(workshop: Workshop, host: string): Promise<void> {
  const people = [await workshop.keys(), await workshop.keys('ecdsa-p384'), await workshop.keys('rsa2048')] as const;
  const [maria, jan, stranger] = people;
  const image = await pushImage(host, 'two-people');
  for (const keys of [maria, jan]) assertSigned(await workshop.sign(image.tagged, keys), image);
  for (const keys of [maria, jan]) {
    const answer = answerOf(await workshop.verify(image.tagged, keys, '--explain', '-o', 'json'));
    assert.deepEqual([answer.signatures.length, answer.others?.length], [1, 1]);
  }
  refusedWith(await workshop.verify(image.tagged, stranger), 1, 'KEY_MISMATCH');
  // Signing twice with one key adds a signature, and takes none away.
  assertSigned(await workshop.sign(image.byDigest, maria), image);
  assert.equal(answerOf(await workshop.verify(image.tagged, jan)).outcome, 'verified');
}

onEveryRegistry('an image signed in both formats, each by somebody else', ['cosign2', 'cosign3', 'skopeo'], async (t, { registry, workshop }) => {
  const [newer, older, oldest] = [await workshop.keys(), await workshop.keys('ecdsa-p384'), await workshop.keys('rsa2048')];
  const image = await pushImage(registry.host, 'both', anImage('both'));
  await workshop.cosign2Sign(image.byDigest, older);
  assertSigned(await workshop.sign(image.tagged, newer), image);
  await workshop.skopeoSign(image.tagged, oldest);
  const first = registry.referrersApi ? 'referrers-api' : 'fallback-tag';
  for (const [keys, format, place] of [
    [newer, 'bundle-v0.3', first],
    [older, 'simple-signing', 'sig-tag'],
    [oldest, 'simple-signing', 'sig-tag'],
  ] as const) {
    const found = verifiedBy(await workshop.verify(image.tagged, keys));
    assert.deepEqual([found.format, found.place], [format, place]);
  }
  for (const keys of [older, oldest]) assertAccepts(await workshop.cosign2Verify(image.byDigest, keys), image);
  assertAccepts(await workshop.cosign3Verify(image.byDigest, newer), image);
  // And the first generation may join when the second is there already.
  await t.test('the older format is added to the newer one', async () => {
    const other = await pushImage(registry.host, 'both-newer-first');
    assertSigned(await workshop.sign(other.tagged, newer), other);
    await workshop.cosign3SignLegacy(other.byDigest, newer);
    const answer = answerOf(await workshop.verify(other.tagged, newer, '--explain', '-o', 'json'));
    assert.deepEqual(answer.signatures.map(({ format }) => format).toSorted(), ['bundle-v0.3', 'simple-signing']);
  });
});
