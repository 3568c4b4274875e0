/** `sealward trusted-root`: a root out of PEM files, which cosign 3 makes alike and both believe alike. */
import assert from 'node:assert/strict';
import { encodePem, type JsonObject } from '../../src/core/encoding/index.ts';
import { createTestSigstore, TEST_IDENTITY, type TestSigstore } from '../../src/testing/index.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { attachBundle, SIGN_PREDICATE } from './attach.ts';
import { atWork } from './on-every-registry.ts';
import { pushImage, startMemoryRegistry } from './registries.ts';
import type { Workshop } from './workshop.ts';

const WHO = ['--certificate-identity', TEST_IDENTITY.name, '--certificate-oidc-issuer', TEST_IDENTITY.issuer];
const SINCE = 'start-time=2020-01-01T00:00:00Z';

/** The flags by which both programs are told of a Sigstore, out of files. */
function services(workshop: Workshop, sigstore: TestSigstore): string[] {
  const chain = (name: string, certificates: readonly Uint8Array[]): string =>
    workshop.file(name, certificates.map((der) => encodePem('CERTIFICATE', der)).join(''));
  const key = (name: string, spki: Uint8Array): string => workshop.file(name, encodePem('PUBLIC KEY', spki));
  const { rekor, tiles, certificateLog, timestampAuthority, authority } = sigstore;
  return [
    `--fulcio=url=https://fulcio.sealward.test,certificate-chain=${chain('fulcio.pem', authority.chain)},${SINCE}`,
    `--rekor=url=${rekor.baseUrl},public-key=${key('rekor.pub', rekor.key.publicKey.spki)},${SINCE}`,
    `--rekor=url=${tiles.baseUrl},public-key=${key('tiles.pub', tiles.key.publicKey.spki)},${SINCE},origin=${new URL(tiles.baseUrl).hostname}`,
    `--ctfe=url=${certificateLog.url},public-key=${key('ct.pub', certificateLog.key.publicKey.spki)},${SINCE},end-time=2100-01-01T00:00:00+00:00`,
    `--tsa=url=${timestampAuthority.url},certificate-chain=${chain('tsa.pem', timestampAuthority.chain)},${SINCE}`,
  ];
}

/** Without the order of logs, which cosign leaves to chance. */
function comparable(text: string): JsonObject {
  const root = JSON.parse(text) as JsonObject & { tlogs: { baseUrl: string }[] };
  return { ...root, tlogs: root.tlogs.toSorted((a, b) => (a.baseUrl < b.baseUrl ? -1 : 1)) };
}

atWork('a root out of PEM files is the one that cosign 3 makes, and both verify with it', ['cosign3'], async (t, workshop) => {
  const registry = await startMemoryRegistry();
  t.after(() => registry.stop());
  const sigstore = createTestSigstore();
  const flags = services(workshop, sigstore);
  const made = await workshop.sealward(['trusted-root', 'create', '--out', workshop.path('ours.json'), ...flags]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual([made.stdout, made.stderr], ['', '']);
  await workshop.must('cosign3', ['trusted-root', 'create', '--out', workshop.path('theirs.json'), ...flags]);
  assert.deepEqual(comparable(workshop.read('ours.json')), comparable(workshop.read('theirs.json')));

  for (const logs of [[sigstore.rekor], [sigstore.tiles]]) {
    const image = await pushImage(registry.host, `keyless-${logs[0]?.generation}`);
    await attachBundle(image, sigstore.attest({ subjects: [{ digest: { sha256: image.descriptor.digest.hex } }], predicateType: SIGN_PREDICATE }, { logs }));
    for (const root of ['ours.json', 'theirs.json']) {
      const trusted = ['--trusted-root', workshop.path(root), ...WHO];
      verifiedBy(await workshop.sealward(['verify', ...trusted, image.byDigest]));
      const { code, stderr } = await workshop.run('cosign3', ['verify', ...trusted, image.byDigest]);
      assert.equal(code, 0, stderr);
    }
    // Of another Sigstore with the same names, nothing is believed.
    await workshop.sealward(['trusted-root', 'create', '--out', workshop.path('other.json'), ...services(workshop, createTestSigstore())]);
    refusedWith(await workshop.sealward(['verify', '--trusted-root', workshop.path('other.json'), ...WHO, image.byDigest]), 1, 'CERTIFICATE_UNTRUSTED');
    services(workshop, sigstore);
  }

  const shown = await workshop.sealward(['trusted-root', 'show', workshop.path('ours.json')], { tty: true });
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /^certificate authorities\n {2}name +https:\/\/fulcio\.sealward\.test\n/m);
  assert.match(shown.stdout, /trusted from +2020-01-01T00:00:00Z/);
  assert.match(shown.stdout, /trusted to +2100-01-01T00:00:00Z/);
  assert.match(shown.stdout, /transparency logs 2\n {2}name +https:\/\/log2026/);
  const json = JSON.parse((await workshop.sealward(['trusted-root', 'show', workshop.path('ours.json')])).stdout) as Record<string, unknown[]>;
  assert.deepEqual(
    Object.entries(json).map(([kind, list]) => [kind, list.length]),
    [
      ['certificateAuthorities', 1],
      ['transparencyLogs', 2],
      ['certificateLogs', 1],
      ['timestampAuthorities', 1],
    ],
  );
});

atWork('the public root is taken for what is not given', [], async (_, workshop) => {
  const without = await workshop.sealward(['trusted-root', 'create', '--with-default-services']);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /ERR_TRUSTED_ROOT_MISSING/);
  const [publicly, own] = [createTestSigstore({ domain: 'public.test' }), createTestSigstore()];
  workshop.file('tuf/targets/trusted_root.json', JSON.stringify(publicly.trustedRoot));
  const { stdout } = await workshop.sealward(['trusted-root', 'create', '--with-default-services', ...services(workshop, own).slice(0, 1)]);
  const root = JSON.parse(stdout) as JsonObject & { certificateAuthorities: { uri: string }[] };
  assert.deepEqual(root['tlogs'], publicly.trustedRoot['tlogs']);
  assert.deepEqual(
    root.certificateAuthorities.map(({ uri }) => uri),
    ['https://fulcio.sealward.test'],
  );
});

atWork('what cannot be meant is refused in a sentence', [], async (_, workshop) => {
  const [fulcio = '', rekor = '', , , tsa = ''] = services(workshop, createTestSigstore());
  workshop.file('broken.json', '{"mediaType": "another"}');
  for (const [args, says] of [
    [[], /needs create\|show/],
    [['make'], /cannot "make"[^]*trusted-root create/],
    [['show'], /`sealward trusted-root show` needs FILE/],
    [['show', 'a', 'b'], /at most 2 arguments/],
    [['show', 'nothing.json'], /nothing\.json cannot be read: there is no such file/],
    [['show', workshop.path('broken.json')], /ERR_TRUSTED_ROOT_INVALID/],
    [['show', workshop.path('broken.json'), rekor], /--rekor is for `sealward trusted-root create`/],
    [['create', 'root.json'], /takes no file/],
    [['create', '--fulcoi', 'x'], /Did you mean --fulcio\?/],
    [['create', '--fulcio', 'url=https://x'], /--fulcio: certificate-chain is missing/],
    [['create', fulcio.replace('url=https://', 'url=')], /--fulcio: url is not a URL/],
    [['create', `${fulcio},certificate-chian=x`], /Did you mean certificate-chain=\?/],
    [['create', `${fulcio},${SINCE}`], /start-time is given twice/],
    [['create', rekor.replace(`,${SINCE}`, '')], /--rekor: start-time is missing/],
    [['create', rekor.replace('2020-01-01T00:00:00Z', 'yesterday')], /--rekor: start-time is not a time: "yesterday"/],
    [['create', `${rekor},end-time=2019-01-01T00:00:00Z`], /--rekor: it ends before it starts/],
    [['create', rekor.replace('rekor.pub', 'fulcio.pem')], /ERR_(?:KEY|PEM)_INVALID/],
    [['create', tsa.replace('tsa.pem', 'fulcio.pem')], /the first certificate of the chain is not that of whoever signs timestamps/],
  ] as const) {
    const { code, stdout, stderr } = await workshop.sealward(['trusted-root', ...args]);
    assert.deepEqual([code, stdout], [2, ''], `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
  }
  const empty = await workshop.sealward(['trusted-root', 'create']);
  assert.equal(empty.code, 0);
  assert.match(empty.stderr, /no service is given/);
});
