/** Signatures with a key, in a log of one's own: cosign 3 and Sigstore's libraries for JavaScript write to it and verify what it answers. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { DSSEBundleBuilder, MessageSignatureBundleBuilder, RekorWitness } from '@sigstore/sign';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { pino } from 'pino';
import { createMetrics, serve } from '../../src/services/api/index.ts';
import { inFolder, openControlLog, type OpenedLog, openSigningLog, type SigningLog } from '../../src/services/log/index.ts';
import { encodePublicKeyPem, fingerprintOf } from '../../src/core/crypto/index.ts';
import { encodeBase64, encodePem, utf8 } from '../../src/core/encoding/index.ts';
import { encodeVerifierKey, NOTE_KEY_TYPE, noteVerifier } from '../../src/core/tlog/index.ts';
import type { CliResult } from '../cli.ts';
import { createTestSigstore } from '../../src/testing/index.ts';
import { neverFails, newEntry, newFolder, newSigner } from '../logs.ts';
import { requirePeers } from '../peers.ts';
import { type Ran, Workshop } from './workshop.ts';

const START = '2026-01-01T00:00:00Z';

interface Running {
  readonly log: SigningLog;
  readonly url: string;
  readonly trustedRoot: Record<string, unknown>;
}

async function runLog(t: TestContext): Promise<Running> {
  const log = await openSigningLog({ origin: 'localhost', signer: newSigner(), store: inFolder(newFolder(t)), failed: neverFails, threads: 1 });
  const server = await serve({
    routes: log.routes,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    requestMs: 20_000,
  });
  t.after(async () => {
    await server.close();
    await log.close();
  });
  const url = `http://localhost:${server.port}`;
  return { log, url, trustedRoot: trustedRootOf(log, url) };
}

function trustedRootOf({ key, logId }: OpenedLog, baseUrl: string): Record<string, unknown> {
  const publicKey = { rawBytes: encodeBase64(key.spki), keyDetails: 'PKIX_ED25519', validFor: { start: START } };
  const tlogs = [{ baseUrl, hashAlgorithm: 'SHA2_256', publicKey, logId: { keyId: encodeBase64(logId) } }];
  return { mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1', tlogs, certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
}

function signingConfig(url: string): string {
  const service = { url, majorApiVersion: 2, validFor: { start: START }, operator: 'sealward.test' };
  return JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json', rekorTlogUrls: [service], rekorTlogConfig: { selector: 'ANY' } });
}

it('cosign 3 signs and attests blobs into the log and verifies what it answered, and so do we', async (t) => {
  if (!requirePeers(t, 'cosign3')) return;
  const { log, url, trustedRoot } = await runLog(t);
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const root = workshop.file('trusted-root.json', JSON.stringify(trustedRoot));
  const config = workshop.file('signing-config.json', signingConfig(url));
  const blob = workshop.file('blob', 'a blob to sign');
  for (const kind of ['ecdsa-p256', 'rsa2048'] as const) {
    const { key, pub } = await workshop.keys(kind);
    const bundle = workshop.path(`${kind}.json`);
    await workshop.must('cosign3', ['sign-blob', '--key', key, '--signing-config', config, '--trusted-root', root, '--bundle', bundle, '--yes', blob]);
    await workshop.must('cosign3', ['verify-blob', '--key', pub, '--trusted-root', root, '--bundle', bundle, blob]);
    const ours = await workshop.sealward(['verify-blob', '--key', pub, '--trusted-root', root, '--bundle', bundle, blob]);
    assert.equal(ours.code, 0, ours.stderr);
  }
  const { key, pub } = await workshop.keys();
  const [predicate, bundle] = [workshop.file('predicate.json', '{"a":1}'), workshop.path('attestation.json')];
  const flags = ['--predicate', predicate, '--type', 'https://example.com/predicate'];
  await workshop.must('cosign3', [
    'attest-blob',
    '--key',
    key,
    '--signing-config',
    config,
    '--trusted-root',
    root,
    '--bundle',
    bundle,
    '--yes',
    ...flags,
    blob,
  ]);
  await workshop.must('cosign3', [
    'verify-blob-attestation',
    '--key',
    pub,
    '--trusted-root',
    root,
    '--bundle',
    bundle,
    '--type',
    'https://example.com/predicate',
    blob,
  ]);
  assert.equal(log.health().size, 3n);
  const changed = workshop.file('changed', 'another blob');
  assert.notEqual(
    (await workshop.run('cosign3', ['verify-blob', '--key', pub, '--trusted-root', root, '--bundle', workshop.path('ecdsa-p256.json'), changed])).code,
    0,
  );
});

it('the log reads whole with our own command, in front of and behind what was seen of it before', async (t) => {
  const { log, url, trustedRoot } = await runLog(t);
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const root = workshop.file('trusted-root.json', JSON.stringify(trustedRoot));
  const verify = (...flags: readonly string[]): Promise<CliResult> => workshop.sealward(['log', 'verify', ...flags, url]);
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.add(newEntry(`entry ${i}`))));
  const seen = workshop.file('seen.note', log.tiles.checkpoint() ?? '');
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.add(newEntry(`entry ${300 + i}`))));
  for (const flags of [
    ['--trusted-root', root],
    ['--log-key', log.vkeys[0] ?? ''],
    ['--trusted-root', root, '--since', seen],
  ]) {
    const { code, stdout, stderr } = await verify(...flags);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /600/);
  }
  const other = newSigner();
  const foreign = noteVerifier('localhost', NOTE_KEY_TYPE.ed25519, other.publicKey());
  assert.equal((await verify('--log-key', encodeVerifierKey(foreign, NOTE_KEY_TYPE.ed25519))).code, 1);
});

it('cosign 3 verifies what the control log says, as an attestation', async (t) => {
  if (!requirePeers(t, 'cosign3')) return;
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const policy = 'what the policy says now';
  const auditor = newSigner('ecdsa-p256');
  const log = await openControlLog({
    origin: 'control.example',
    signer: newSigner(),
    auditor,
    source: 'server-1',
    now: Date.now,
    store: inFolder(newFolder(t)),
    failed: neverFails,
  });
  t.after(() => log.close());
  const subject = { name: 'the policy of production', sha256: fingerprintOf(utf8(policy)) };
  const { index } = await log.record({ kind: 'policy', action: 'change', actor: 'somebody', subject });
  const bundle = workshop.file('bundle.json', (await log.bundle(index)) ?? '');
  const pub = workshop.file('auditor.pub', encodePublicKeyPem(auditor.publicKey()));
  const root = workshop.file('root.json', JSON.stringify(trustedRootOf(log, 'https://control.example')));
  const ask = (file: string, type: string): Promise<Ran> =>
    workshop.run('cosign3', [
      'verify-blob-attestation',
      '--key',
      pub,
      '--trusted-root',
      root,
      '--bundle',
      bundle,
      '--type',
      type,
      workshop.file('policy', file),
    ]);
  const right = await ask(policy, 'https://sealward.dev/control/policy/v1');
  assert.equal(right.code, 0, right.stderr);
  assert.notEqual((await ask('another policy', 'https://sealward.dev/control/policy/v1')).code, 0);
  assert.notEqual((await ask(policy, 'https://sealward.dev/control/key/v1')).code, 0);
});

it('sigstore-js signs artifacts and envelopes into the log, and verifies them', async (t) => {
  const { url, trustedRoot, log } = await runLog(t);
  const sigstore = createTestSigstore({ clock: Date });
  const { key, der } = sigstore.issue();
  const certificate = encodePem('CERTIFICATE', der);
  const signer = { sign: async (data: Buffer) => ({ signature: Buffer.from(key.sign(data)), key: { $case: 'x509Certificate', certificate } as const }) };
  const witnesses = [new RekorWitness({ rekorBaseURL: url, majorApiVersion: 2 })];
  const artifact = { data: Buffer.from('a blob to sign'), type: 'application/vnd.in-toto+json' };
  const trust = toTrustMaterial(TrustedRoot.fromJSON({ ...sigstore.trustedRoot, tlogs: trustedRoot['tlogs'] }));
  for (const builder of [new MessageSignatureBundleBuilder({ signer, witnesses }), new DSSEBundleBuilder({ signer, witnesses })]) {
    const bundle = await builder.create(artifact);
    const { content } = bundle;
    const signature = content.$case === 'dsseEnvelope' ? (content.dsseEnvelope.signatures[0]?.sig as Buffer) : content.messageSignature.signature;
    const token = { signedTimestamp: Buffer.from(sigstore.timestampAuthority.timestamp(signature)) };
    const dating = { ...bundle, verificationMaterial: { ...bundle.verificationMaterial, timestampVerificationData: { rfc3161Timestamps: [token] } } };
    // As it would come from a file.
    const again = bundleFromJSON(JSON.parse(JSON.stringify(bundleToJSON(dating))));
    const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
    assert.ok(verifier.verify(toSignedEntity(again, artifact.data)));
  }
  assert.equal(log.health().size, 2n);
});
