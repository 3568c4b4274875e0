/** Attestations of cosign 2 and 3, and files that they signed, verify here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { KeyKind } from '../../src/core/crypto/index.ts';
import type { CliResult } from '../cli.ts';
import { answerOf, refusedWith, verifiedBy } from './answers.ts';
import { atWork, onEveryRegistry } from './on-every-registry.ts';
import { pushImage } from './registries.ts';
import type { KeyFiles, Workshop } from './workshop.ts';

const SLSA = 'https://slsa.dev/provenance/v1';
const CUSTOM = 'https://cosign.sigstore.dev/attestation/v1';
const PROVENANCE = {
  buildDefinition: { buildType: 'https://ci.example/build', externalParameters: { ref: 'main' } },
  // cosign 2 adds empty metadata where there is none.
  runDetails: { builder: { id: 'https://ci.example' }, metadata: {} },
};

type Attest = (workshop: Workshop, image: string, keys: KeyFiles, type: string, predicate: string) => Promise<void>;

const ATTESTERS: readonly { readonly writer: string; readonly attest: Attest; readonly places: readonly [string, string]; readonly format: string }[] = [
  {
    writer: 'cosign 2',
    attest: async (w, image, { key }, type, predicate) => {
      await w.must('cosign2', ['attest', '--yes', '--tlog-upload=false', '--key', key, '--type', type, '--predicate', predicate, image]);
    },
    places: ['att-tag', 'att-tag'],
    format: 'dsse',
  },
  {
    writer: 'cosign 2 in the newer format',
    attest: async (w, image, { key }, type, predicate) => {
      await w.must('cosign2', ['attest', '--yes', '--tlog-upload=false', '--new-bundle-format', '--key', key, '--type', type, '--predicate', predicate, image]);
    },
    places: ['referrers-api', 'fallback-tag'],
    format: 'bundle-v0.3',
  },
  {
    writer: 'cosign 3',
    attest: async (w, image, { key }, type, predicate) => {
      const { signing, verifying } = await w.offline();
      await w.must('cosign3', ['attest', '--yes', ...signing, ...verifying, '--key', key, '--type', type, '--predicate', predicate, image]);
    },
    places: ['referrers-api', 'fallback-tag'],
    format: 'bundle-v0.3',
  },
];

onEveryRegistry('what others attested verifies', ['cosign2', 'cosign3'], async (t, { registry, workshop }) => {
  const keys = await workshop.keys();
  const predicate = workshop.file('provenance.json', JSON.stringify(PROVENANCE));
  const verify = (image: string, { pub }: KeyFiles, ...more: readonly string[]): Promise<CliResult> =>
    workshop.sealward(['verify-attestation', '--insecure-ignore-tlog', '--key', pub, ...more, image]);
  for (const [at, { writer, attest, places, format }] of ATTESTERS.entries()) {
    await t.test(`attested by ${writer}`, async () => {
      const image = await pushImage(registry.host, `attested/n${at}`);
      refusedWith(await verify(image.tagged, keys), 10, 'NO_SIGNATURE');
      await attest(workshop, image.byDigest, keys, 'slsaprovenance1', predicate);
      for (const flags of [[], ['--type', 'slsaprovenance1'], ['--type', SLSA]]) {
        const found = verifiedBy(await verify(image.tagged, keys, ...flags));
        assert.deepEqual([found.place, found.format, found.predicateType], [places[registry.referrersApi ? 0 : 1], format, SLSA]);
      }
      assert.deepEqual(provenanceOf(await verify(image.byDigest, keys)), PROVENANCE);
      refusedWith(await verify(image.tagged, keys, '--type', 'spdx'), 1, 'PREDICATE_TYPE_MISMATCH');
      refusedWith(await verify(image.tagged, await workshop.keys('ecdsa-p384')), 1, format === 'dsse' ? 'SIGNATURE_INVALID' : 'KEY_MISMATCH');
      // An attestation says something about the image; it is no signature of it.
      refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE');
    });
  }

  await t.test('two attestations of two types by two people beside a signature', async () => {
    const [maria, jan] = [keys, await workshop.keys('rsa2048')];
    const image = await pushImage(registry.host, 'attested/several');
    const custom = workshop.file('custom.json', '{"passed": true}');
    const [two, , three] = ATTESTERS;
    assert.ok(two && three);
    await two.attest(workshop, image.byDigest, jan, 'custom', custom);
    await three.attest(workshop, image.byDigest, maria, 'slsaprovenance1', predicate);
    await workshop.cosign3Sign(image.byDigest, maria);
    assert.equal(verifiedBy(await verify(image.tagged, jan)).predicateType, CUSTOM);
    assert.equal(verifiedBy(await verify(image.tagged, maria)).predicateType, SLSA);
    assert.equal(answerOf(await verify(image.tagged, jan, '--type', 'slsaprovenance1')).outcome, 'rejected');
    assert.equal(answerOf(await verify(image.tagged, maria, '--type', 'slsaprovenance1', '--type', 'custom', '--explain', '-o', 'json')).signatures.length, 1);
    verifiedBy(await workshop.verify(image.tagged, maria));
  });
});

function provenanceOf({ stdout }: CliResult): unknown {
  return (JSON.parse(stdout) as { signatures: { predicate: unknown }[] }[])[0]?.signatures[0]?.predicate;
}

const FILE = 'what is in the file\n';
/** cosign 2 hashes with SHA-256 whatever the curve, cosign 3 with what Sigstore's registry says; it signs no file with Ed25519. */
const KINDS: readonly (readonly [KeyKind, string, string | undefined])[] = [
  ['ecdsa-p256', 'ecdsa-p256-sha256', 'ecdsa-p256-sha256'],
  ['ecdsa-p384', 'ecdsa-p384-sha256', 'ecdsa-p384-sha384'],
  ['ecdsa-p521', 'ecdsa-p521-sha256', 'ecdsa-p521-sha512'],
  ['rsa3072', 'rsa3072-pkcs1-sha256', 'rsa3072-pkcs1-sha256'],
  ['ed25519', 'ed25519', undefined],
];

atWork('files that others signed, with every kind of key', ['cosign2', 'cosign3'], async (t, workshop) => {
  const file = workshop.file('file', FILE);
  const other = workshop.file('other', `${FILE}!`);
  const digest = `sha256:${createHash('sha256').update(FILE).digest('hex')}`;
  const { signing, verifying } = await workshop.offline();
  const judge = (pub: string, ...more: string[]): Promise<CliResult> => workshop.sealward(['verify-blob', '--insecure-ignore-tlog', '--key', pub, ...more]);
  for (const [kind, two, three] of KINDS) {
    await t.test(kind, async () => {
      const { key, pub } = await workshop.keys(kind);
      const [bare, old, bundle] = ['sig', 'old.json', 'sigstore.json'].map((end) => workshop.path(`${kind}.${end}`)) as [string, string, string];
      await workshop.must('cosign2', ['sign-blob', '--yes', '--tlog-upload=false', '--key', key, '--output-signature', bare, '--bundle', old, file]);
      const forms = [
        { flags: ['--signature', bare], algorithm: two },
        { flags: ['--bundle', old], algorithm: two },
      ];
      const sign3 = workshop.must('cosign3', ['sign-blob', '--yes', ...signing, ...verifying, '--key', key, '--bundle', bundle, file]);
      if (three === undefined) await assert.rejects(sign3, /message is missing artifact digest/, 'cosign 3 has learnt it: hold its signature here');
      else {
        await sign3;
        forms.push({ flags: ['--bundle', bundle], algorithm: three });
      }
      for (const { flags, algorithm } of forms) {
        assert.equal(verifiedBy(await judge(pub, ...flags, file)).key?.algorithm, algorithm);
        assert.equal(answerOf(await judge(pub, ...flags, other)).outcome, 'rejected');
        const { pub: stranger } = await workshop.keys(kind === 'rsa2048' ? 'ecdsa-p256' : 'rsa2048');
        assert.equal(answerOf(await judge(stranger, ...flags, file)).outcome, 'rejected');
        // Where a digest was signed, and it is this one, the file need not be at hand.
        if (algorithm.endsWith('sha256')) verifiedBy(await judge(pub, ...flags, digest));
        else assert.equal(answerOf(await judge(pub, ...flags, digest)).outcome, 'rejected');
      }
    });
  }
});

atWork('statements about files by cosign 3', ['cosign3'], async (t, workshop) => {
  const file = workshop.file('file', FILE);
  const predicate = workshop.file('provenance.json', JSON.stringify(PROVENANCE));
  const { signing, verifying } = await workshop.offline();
  const { key, pub } = await workshop.keys();
  const bundle = workshop.path('attestation.json');
  await workshop.must('cosign3', [
    'attest-blob',
    '--yes',
    ...signing,
    ...verifying,
    '--key',
    key,
    '--type',
    'slsaprovenance1',
    '--predicate',
    predicate,
    '--bundle',
    bundle,
    file,
  ]);
  const judge = (what: string, ...more: string[]): Promise<CliResult> =>
    workshop.sealward(['verify-blob-attestation', '--insecure-ignore-tlog', '--key', pub, '--bundle', bundle, ...more, what]);
  await t.test('verify, for the file and for its digest', async () => {
    for (const what of [file, `sha256:${createHash('sha256').update(FILE).digest('hex')}`]) {
      assert.equal(verifiedBy(await judge(what, '--type', 'slsaprovenance1')).predicateType, SLSA);
    }
  });
  await t.test('are refused for another file and as another type', async () => {
    refusedWith(await judge(workshop.file('other', 'another file')), 1, 'DIGEST_MISMATCH');
    refusedWith(await judge(file, '--type', 'vuln'), 1, 'PREDICATE_TYPE_MISMATCH');
  });
});
