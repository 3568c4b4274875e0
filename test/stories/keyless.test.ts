/** Images signed without a key of one's own: under a private Sigstore, as this project, cosign 3 and cosign 2 see them. */
import assert from 'node:assert/strict';
import { encodePem, type JsonObject } from '../../src/core/encoding/index.ts';
import { createTestKey, createTestSigstore, type StatementOptions, TEST_IDENTITY, TEST_NOW, type TestSigstore } from '../../src/testing/index.ts';
import type { CliResult } from '../cli.ts';
import { answerOf, refusedWith, type SignatureAnswer, verifiedBy } from './answers.ts';
import { attachBundle, attachLayers, SIGN_PREDICATE } from './attach.ts';
import { onEveryRegistry, type Scene } from './on-every-registry.ts';
import { type PushedImage, pushImage } from './registries.ts';
import type { Workshop } from './workshop.ts';

const SLSA = 'https://slsa.dev/provenance/v1';
const PREDICATE = { buildDefinition: { buildType: 'https://ci.example/build', externalParameters: {} }, runDetails: { builder: { id: 'https://ci.example' } } };
const WHO = ['--certificate-identity', TEST_IDENTITY.name, '--certificate-oidc-issuer', TEST_IDENTITY.issuer];
const WORKFLOW = 'https://github.com/sealward/app/.github/workflows/release.yml@refs/heads/main';

function trust(workshop: Workshop, sigstore: TestSigstore, name = 'trusted-root-of-the-story.json'): readonly string[] {
  return ['--trusted-root', workshop.file(name, JSON.stringify(sigstore.trustedRoot))];
}

function signatureOf({ descriptor }: PushedImage): StatementOptions {
  return { subjects: [{ digest: { sha256: descriptor.digest.hex } }], predicateType: SIGN_PREDICATE };
}

function provenanceOf({ descriptor }: PushedImage): StatementOptions {
  return { subjects: [{ name: 'app', digest: { sha256: descriptor.digest.hex } }], predicateType: SLSA, predicate: PREDICATE };
}

interface Case {
  readonly what: string;
  readonly bundle: (sigstore: TestSigstore, statement: StatementOptions) => JsonObject;
  /** What is asked besides identity and issuer, of both programs. */
  readonly flags?: readonly string[];
  readonly logs: number;
  readonly datedBy: number;
}

const BUNDLES: readonly Case[] = [
  { what: 'in a log of the first generation', bundle: (s, statement) => s.attest(statement), logs: 1, datedBy: 1 },
  {
    what: 'in that log, dated by an authority too',
    bundle: (s, statement) => s.attest(statement, { timestampAuthorities: [s.timestampAuthority] }),
    flags: ['--use-signed-timestamps'],
    logs: 1,
    datedBy: 2,
  },
  { what: 'in a log of the second generation', bundle: (s, statement) => s.attest(statement, { logs: [s.tiles] }), logs: 1, datedBy: 1 },
  { what: 'in both logs', bundle: (s, statement) => s.attest(statement, { logs: [s.rekor, s.tiles] }), logs: 2, datedBy: 2 },
  ...(['ecdsa-p384', 'rsa2048', 'ed25519'] as const).map((kind) => ({
    what: `with a key of the kind ${kind}`,
    bundle: (s: TestSigstore, statement: StatementOptions) => s.attest(statement, { signer: s.issue({ key: createTestKey(kind) }) }),
    logs: 1,
    datedBy: 1,
  })),
];

onEveryRegistry('keyless signatures in bundles', ['cosign3'], async (t, scene) => {
  const { registry, workshop } = scene;
  const sigstore = createTestSigstore();
  const root = trust(workshop, sigstore);
  const ask = (image: string, ...flags: readonly string[]): Promise<CliResult> => workshop.sealward(['verify', ...root, ...flags, image]);
  for (const [at, { what, bundle, flags = [], logs, datedBy }] of BUNDLES.entries()) {
    await t.test(what, async () => {
      const image = await pushImage(registry.host, `keyless/n${at}`);
      refusedWith(await ask(image.tagged, ...WHO), 10, 'NO_SIGNATURE');
      await attachBundle(image, bundle(sigstore, signatureOf(image)));
      const found = verifiedBy(await ask(image.tagged, ...WHO, ...flags));
      assert.deepEqual([found.certificate?.identity, found.log.length, found.time?.datedBy.length], [TEST_IDENTITY.name, logs, datedBy]);
      assert.equal(found.time?.to, new Date(TEST_NOW).toISOString().replace('.000Z', 'Z'));
      const theirs = await workshop.run('cosign3', ['verify', ...root, ...WHO, ...flags, image.byDigest]);
      assert.equal(theirs.code, 0, theirs.stderr);
    });
  }
  await t.test('two independent logs are two, and one is not', async () => {
    const image = await pushImage(registry.host, 'keyless/thresholds');
    await attachBundle(image, sigstore.attest(signatureOf(image)));
    refusedWith(await ask(image.tagged, ...WHO, '--tlog-threshold', '2'), 1, 'THRESHOLD_NOT_MET');
    await attachBundle(image, sigstore.attest(signatureOf(image), { logs: [sigstore.rekor, sigstore.tiles] }));
    assert.equal(verifiedBy(await ask(image.tagged, ...WHO, '--tlog-threshold', '2')).log.length, 2);
  });
  await t.test('a key of one’s own, with an entry in the log', () => loggedKey(scene, sigstore, root));
  await t.test('an attestation', async () => {
    const image = await pushImage(registry.host, 'keyless/attested');
    await attachBundle(image, sigstore.attest(provenanceOf(image)), SLSA);
    refusedWith(await ask(image.tagged, ...WHO), 10, 'NO_SIGNATURE');
    const asked = ['verify-attestation', ...root, ...WHO, '--type', 'slsaprovenance1'];
    assert.equal(verifiedBy(await workshop.sealward([...asked, image.tagged])).predicateType, SLSA);
    const theirs = await workshop.run('cosign3', [...asked, image.byDigest]);
    assert.equal(theirs.code, 0, theirs.stderr);
  });
});

async function loggedKey({ registry, workshop }: Scene, sigstore: TestSigstore, root: readonly string[]): Promise<void> {
  const key = createTestKey();
  const pub = workshop.file('logged.pub', encodePem('PUBLIC KEY', key.publicKey.spki));
  const image = await pushImage(registry.host, 'keyless/logged-key');
  // cosign demands an entry in a log of a key too, and so does Sealward.
  await attachBundle(image, sigstore.attest(signatureOf(image), { signer: { key }, logs: [] }));
  refusedWith(await workshop.sealward(['verify', ...root, '--key', pub, image.tagged]), 1, 'LOG_ENTRY_MISSING');
  assert.notEqual((await workshop.run('cosign3', ['verify', ...root, '--key', pub, image.byDigest])).code, 0);
  // Nobody certified it, whoever is asked for.
  refusedWith(await workshop.sealward(['verify', ...root, ...WHO, image.tagged]), 13, 'CERTIFICATE_MISSING');
  await attachBundle(image, sigstore.attest(signatureOf(image), { signer: { key } }));
  assert.equal(verifiedBy(await workshop.sealward(['verify', ...root, '--key', pub, image.tagged])).log.length, 1);
  const theirs = await workshop.run('cosign3', ['verify', ...root, '--key', pub, image.byDigest]);
  assert.equal(theirs.code, 0, theirs.stderr);
}

onEveryRegistry('keyless signatures of the first generation', ['cosign2', 'cosign3'], async (t, { registry, workshop }) => {
  const sigstore = createTestSigstore();
  const root = trust(workshop, sigstore);
  const certificates = (chain: readonly Uint8Array[]): string => chain.map((der) => encodePem('CERTIFICATE', der)).join('');
  // cosign 2 reads a trusted root only for the newer format.
  const environment = {
    SIGSTORE_ROOT_FILE: workshop.file('ca.pem', certificates(sigstore.authority.chain)),
    SIGSTORE_REKOR_PUBLIC_KEY: workshop.file('rekor.pub', encodePem('PUBLIC KEY', sigstore.rekor.key.publicKey.spki)),
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: workshop.file('ct.pub', encodePem('PUBLIC KEY', sigstore.certificateLog.key.publicKey.spki)),
  };
  const stampers = ['--timestamp-certificate-chain', workshop.file('tsa.pem', certificates(sigstore.timestampAuthority.chain))];
  const stamped = { timestampAuthorities: [sigstore.timestampAuthority] };
  const STAMPS = ['--use-signed-timestamps'];
  for (const [what, kind, flags, make, datedBy] of [
    ['a promise of the log', 'sig', [], (image: PushedImage) => sigstore.signImage({ digest: image.digest, reference: image.tagged }), 1],
    ['a promise and a timestamp', 'sig', STAMPS, (image: PushedImage) => sigstore.signImage({ digest: image.digest }, stamped), 2],
    ['an attestation', 'att', [], (image: PushedImage) => sigstore.attestImage(provenanceOf(image)), 1],
    ['an attestation with a timestamp', 'att', STAMPS, (image: PushedImage) => sigstore.attestImage(provenanceOf(image), stamped), 2],
  ] as const) {
    await t.test(what, async () => {
      const image = await pushImage(registry.host, `legacy/${kind}${datedBy}`);
      await attachLayers(image, kind, [make(image)]);
      const asked = kind === 'sig' ? ['verify', ...WHO, ...flags] : ['verify-attestation', '--type', 'slsaprovenance1', ...WHO, ...flags];
      const seen: SignatureAnswer[] = [
        verifiedBy(await workshop.sealward([...asked, ...root, image.tagged])),
        // The same from the files that the environment names.
        verifiedBy(await workshop.sealward([...asked, ...(datedBy > 1 ? stampers : []), image.tagged], { env: environment })),
      ];
      for (const { place, certificate, log, time } of seen) {
        assert.deepEqual([place, certificate?.identity, log.length, time?.datedBy.length], [`${kind}-tag`, TEST_IDENTITY.name, 1, datedBy]);
      }
      const three = await workshop.run('cosign3', [...asked, ...root, image.byDigest]);
      assert.equal(three.code, 0, three.stderr);
      const two = await workshop.run('cosign2', [...asked, ...(datedBy > 1 ? stampers : []), image.byDigest], environment);
      assert.equal(two.code, 0, two.stderr);
    });
  }
});

onEveryRegistry('whose name stands in the certificate', [], async (t, { registry, workshop }) => {
  const sigstore = createTestSigstore();
  const root = trust(workshop, sigstore);
  const ask = (image: PushedImage, identity: readonly string[], issuer: readonly string[]): Promise<CliResult> =>
    workshop.sealward(['verify', ...root, ...identity, ...issuer, image.tagged]);
  const image = await pushImage(registry.host, 'names');
  const signer = sigstore.issue({ identity: { name: WORKFLOW, issuer: TEST_IDENTITY.issuer } });
  await attachBundle(image, sigstore.attest(signatureOf(image), { signer }));
  const exact = (name: string): string[] => ['--certificate-identity', name];
  const like = (pattern: string): string[] => ['--certificate-identity-regexp', pattern];
  const from = (url: string): string[] => ['--certificate-oidc-issuer', url];
  const fromLike = (pattern: string): string[] => ['--certificate-oidc-issuer-regexp', pattern];

  await t.test('exactly, or by an expression that fits all of it', async () => {
    for (const [identity, issuer] of [
      [exact(WORKFLOW), from(TEST_IDENTITY.issuer)],
      [exact(WORKFLOW), fromLike('https://accounts\\.sealward\\.(test|example)')],
      [like('https://github\\.com/sealward/app/.*@refs/heads/main'), from(TEST_IDENTITY.issuer)],
      [like('^https://github\\.com/sealward/.+$'), fromLike('^.*$')],
    ] as const) {
      verifiedBy(await ask(image, identity, issuer));
    }
  });
  await t.test('and nothing that is merely like it', async () => {
    for (const name of [WORKFLOW.slice(0, -1), `${WORKFLOW}x`, WORKFLOW.toUpperCase(), WORKFLOW.replace('.', '-'), '.*', `${WORKFLOW}\n`]) {
      refusedWith(await ask(image, exact(name), from(TEST_IDENTITY.issuer)), 1, 'IDENTITY_MISMATCH');
    }
    for (const pattern of ['github', 'https://github\\.com/sealward/app', 'sealward|evil', '.*@refs/heads/mai']) {
      refusedWith(await ask(image, like(pattern), from(TEST_IDENTITY.issuer)), 1, 'IDENTITY_MISMATCH');
    }
    for (const url of [`${TEST_IDENTITY.issuer}/`, TEST_IDENTITY.issuer.replace('https', 'http'), 'https://accounts.example']) {
      refusedWith(await ask(image, exact(WORKFLOW), from(url)), 1, 'ISSUER_MISMATCH');
    }
    refusedWith(await ask(image, exact(WORKFLOW), fromLike('accounts')), 1, 'ISSUER_MISMATCH');
  });
  await t.test('nor the same name from another Sigstore', async () => {
    const stranger = trust(workshop, createTestSigstore(), 'stranger.json');
    const result = await workshop.sealward(['verify', ...stranger, ...exact(WORKFLOW), ...from(TEST_IDENTITY.issuer), image.tagged]);
    refusedWith(result, 1, 'CERTIFICATE_UNTRUSTED');
  });
  await t.test('nor in a certificate that was not valid when it signed', async () => {
    let at = TEST_NOW;
    const moving = createTestSigstore({ clock: { now: () => at } });
    const late = await pushImage(registry.host, 'late');
    const before = moving.issue();
    at += 60 * 60 * 1000;
    await attachBundle(late, moving.attest(signatureOf(late), { signer: before }));
    const root2 = trust(workshop, moving, 'moving.json');
    refusedWith(await workshop.sealward(['verify', ...root2, ...WHO, late.tagged]), 1, 'CERTIFICATE_EXPIRED');
  });
  await t.test('each of two signers is found, and the others say why not', async () => {
    await attachBundle(image, sigstore.attest(signatureOf(image)));
    for (const name of [WORKFLOW, TEST_IDENTITY.name]) {
      const answer = answerOf(await ask(image, [...exact(name), '--explain', '-o', 'json'], from(TEST_IDENTITY.issuer)));
      assert.deepEqual([answer.signatures.length, answer.others?.length, answer.signatures[0]?.certificate?.identity], [1, 1, name]);
    }
  });
});
