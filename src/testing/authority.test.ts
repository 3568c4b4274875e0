/** The private Sigstore of the tests, held against the judge and against Sigstore's own JavaScript client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { readEvidence, prove, decideByFlags, exactly, type FlagRequirement } from '../core/verify/index.ts';
import { encodeHex, type JsonObject, utf8 } from '../core/encoding/index.ts';
import { sha256 } from '../core/crypto/index.ts';
import { keyAnchor } from '../core/trust/index.ts';
import { createTestKey, createTestSigstore, TEST_IDENTITY, TEST_NOW, type TestSigstore } from './index.ts';

const ARTIFACT = utf8('an artifact');
const DIGEST = encodeHex(sha256(ARTIFACT));
const STATEMENT = { subjects: [{ name: 'artifact', digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };
const KEYLESS: FlagRequirement = {
  role: 'any',
  signer: { kind: 'certificate', identity: exactly(TEST_IDENTITY.name), issuer: exactly(TEST_IDENTITY.issuer) },
  logs: 1,
  timestamps: 0,
  certificateLog: true,
  undated: 'refuse',
};

const sigstore = createTestSigstore();
const KEY = createTestKey();
const BUNDLES: Readonly<Record<string, JsonObject>> = {
  'v0.1': sigstore.sign(ARTIFACT, { version: '0.1' }),
  'v0.2': sigstore.sign(ARTIFACT, { version: '0.2' }),
  'v0.3': sigstore.sign(ARTIFACT),
  'v0.3 with a timestamp too': sigstore.sign(ARTIFACT, { timestampAuthorities: [sigstore.timestampAuthority] }),
  'v0.3 in a log of the second generation': sigstore.sign(ARTIFACT, { logs: [sigstore.tiles] }),
  'v0.3 in both logs': sigstore.sign(ARTIFACT, { logs: [sigstore.rekor, sigstore.tiles] }),
  'a statement': sigstore.attest(STATEMENT),
  'a statement in a log of the second generation': sigstore.attest(STATEMENT, { logs: [sigstore.tiles] }),
  'a statement v0.1': sigstore.attest(STATEMENT, { version: '0.1' }),
  'an identity that is a URI': sigstore.sign(ARTIFACT, {
    signer: sigstore.issue({ identity: { name: 'https://ci.sealward.test/build.yml@refs/heads/main', issuer: TEST_IDENTITY.issuer } }),
  }),
  'a P-384 key': sigstore.sign(ARTIFACT, { signer: sigstore.issue({ key: createTestKey('ecdsa-p384') }) }),
};
const KEY_BUNDLES: Readonly<Record<string, JsonObject>> = {
  'a bare key': sigstore.sign(ARTIFACT, { signer: { key: KEY } }),
  'a bare key, a statement': sigstore.attest(STATEMENT, { signer: { key: KEY } }),
  'a bare key in a log of the second generation': sigstore.sign(ARTIFACT, { signer: { key: KEY }, logs: [sigstore.tiles] }),
};

function judge(of: TestSigstore, source: Parameters<typeof readEvidence>[1], bytes: Uint8Array, requirement: FlagRequirement): string {
  const subject = { digests: { sha256: DIGEST }, bytes: ARTIFACT };
  const evidence = { subject, places: [{ name: 'file', where: 'the file', state: 'complete' } as const], documents: [readEvidence('file', source, bytes)] };
  const anchors = { ...of.anchors, keys: [keyAnchor(KEY.publicKey)] };
  const decision = decideByFlags(prove(evidence, anchors), requirement, { now: TEST_NOW, anchors });
  return `${decision.code} ${decision.finding?.detail ?? ''}`.trim();
}

const bundleSource = { kind: 'bundle', annotations: {} } as const;

test('the judge accepts every bundle of the private Sigstore', () => {
  for (const [name, json] of Object.entries({ ...BUNDLES, ...KEY_BUNDLES })) {
    const signer = name.startsWith('a bare key') ? ({ kind: 'key' } as const) : { kind: 'certificate' as const, issuer: exactly(TEST_IDENTITY.issuer) };
    assert.equal(judge(sigstore, bundleSource, utf8(JSON.stringify(json)), { ...KEYLESS, signer }), 'VERIFIED', name);
  }
});

test('another Sigstore accepts none of them', () => {
  const other = createTestSigstore();
  for (const [name, json] of Object.entries(BUNDLES))
    assert.match(judge(other, bundleSource, utf8(JSON.stringify(json)), { ...KEYLESS, signer: { kind: 'certificate' } }), /^CERTIFICATE_UNTRUSTED/, name);
});

test('the judge accepts the documents of the first generation', () => {
  const digest = `sha256:${DIGEST}`;
  const { timestampAuthority } = sigstore;
  const documents = {
    signature: sigstore.signImage({ digest, reference: 'registry.sealward.test/app' }),
    'signature with a timestamp': sigstore.signImage({ digest }, { timestampAuthorities: [timestampAuthority] }),
    attestation: sigstore.attestImage(STATEMENT),
    'attestation with a timestamp': sigstore.attestImage(STATEMENT, { timestampAuthorities: [timestampAuthority] }),
    'attestation with a timestamp and no log': sigstore.attestImage(STATEMENT, { logs: [], timestampAuthorities: [timestampAuthority] }),
  };
  for (const [name, { source, bytes }] of Object.entries(documents)) {
    const requirement = name.includes('with a timestamp') ? { ...KEYLESS, timestamps: 1 } : KEYLESS;
    assert.equal(judge(sigstore, source, bytes, name.includes('no log') ? { ...requirement, logs: 0 } : requirement), 'VERIFIED', name);
  }
});

test('Sigstore’s JavaScript client accepts every bundle too', () => {
  const root = TrustedRoot.fromJSON(sigstore.trustedRoot);
  const { fingerprint, spki } = KEY.publicKey;
  const hint = Buffer.from(fingerprint, 'hex').toString('base64');
  const material = toTrustMaterial(root, () => ({ publicKey: KEY.publicKey.object, validFor: () => true }));
  assert.ok(hint && spki);
  for (const [name, json] of Object.entries({ ...BUNDLES, ...KEY_BUNDLES })) {
    const entity = toSignedEntity(bundleFromJSON(json), Buffer.from(ARTIFACT));
    assert.doesNotThrow(() => new Verifier(material).verify(entity), name);
  }
});
