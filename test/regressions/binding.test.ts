/** Regressions of others, held here: what is verified must be what is used. The names are those of the public advisories. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { preAuthEncoding, STATEMENT_PAYLOAD_TYPE } from '../../src/core/bundle/index.ts';
import { hash } from '../../src/core/crypto/index.ts';
import { canonicalJson, encodeBase64, encodeHex, encodePem, type JsonObject, type JsonValue, utf8 } from '../../src/core/encoding/index.ts';
import { type Anchors, keyAnchor, logAnchor } from '../../src/core/trust/index.ts';
import { exactly } from '../../src/core/verify/index.ts';
import { createTestKey, createTestRekorV1, createTestSigstore, TEST_NOW, type TestDocument } from '../../src/testing/index.ts';
import { answer, ARTIFACT, BY_KEY, DIGEST, judged, KEYLESS, type TestEvidence } from '../judging.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, tiles } = sigstore;
const KEY = createTestKey();
const withKey: Anchors = { ...anchors, keys: [keyAnchor(KEY.publicKey)] };
const IMAGE = { digest: `sha256:${DIGEST}`, reference: 'registry.sealward.test/app' };
const OTHER_DIGEST = encodeHex(hash('sha256', utf8('another artifact')));
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };
const blob = { kind: 'bundle', annotations: {} } as const;

/** A document with some of its annotations taken from another. */
function borrowing(to: TestDocument, from: TestDocument, ...names: readonly string[]): TestDocument {
  const taken = Object.fromEntries(names.map((name) => [`dev.sigstore.cosign/${name}`, from.source.annotations[`dev.sigstore.cosign/${name}`] ?? '']));
  return { bytes: to.bytes, source: { ...to.source, annotations: { ...to.source.annotations, ...taken } } };
}

/** A bundle whose log entries are those of another. */
function withEntriesOf(bundle: JsonObject, other: JsonObject): JsonObject {
  const entries = (other['verificationMaterial'] as JsonObject)['tlogEntries'] as JsonValue;
  return { ...bundle, verificationMaterial: { ...(bundle['verificationMaterial'] as JsonObject), tlogEntries: entries } };
}

describe('binding', () => {
  it('CVE-2022-23649: a log entry of another image’s signature is refused', () => {
    const other = { ...IMAGE, digest: `sha256:${OTHER_DIGEST}` };
    const signer = sigstore.issue();
    const mine = sigstore.signImage(IMAGE, { signer });
    assert.equal(answer({ anchors, evidence: mine }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence: borrowing(mine, sigstore.signImage(other, { signer }), 'bundle') }), 'LOG_ENTRY_MISMATCH');
    assert.equal(
      answer({
        anchors: withKey,
        requirement: BY_KEY,
        evidence: borrowing(sigstore.signImage(IMAGE, { signer: { key: KEY } }), sigstore.signImage(other, { signer: { key: KEY } }), 'bundle'),
      }),
      'LOG_ENTRY_MISMATCH',
    );
  });

  it('cosign issue 542: a signature of the digest that the tag named before is refused', () => {
    for (const evidence of [
      sigstore.signImage({ ...IMAGE, digest: `sha256:${OTHER_DIGEST}` }),
      sigstore.attest({ ...STATEMENT, subjects: [{ digest: { sha256: OTHER_DIGEST } }] }),
      sigstore.sign(utf8('another artifact')),
    ]) {
      assert.equal(answer({ anchors, evidence }), 'DIGEST_MISMATCH');
    }
  });

  it('CVE-2026-22703: a genuine but unrelated log entry is refused with every kind of trust material', () => {
    const byHand = logAnchor(encodePem('PUBLIC KEY', rekor.key.publicKey.spki), 'the log');
    const trust: Readonly<Record<string, Anchors>> = { 'a trusted root': withKey, 'a log’s key given by hand': { ...withKey, logs: [byHand] } };
    for (const [what, of] of Object.entries(trust)) {
      for (const signer of [sigstore.issue(), { key: KEY }]) {
        const requirement = 'der' in signer ? KEYLESS : BY_KEY;
        for (const version of ['0.1', '0.2', '0.3'] as const) {
          const mine = sigstore.sign(ARTIFACT, { signer, version });
          const other = sigstore.sign(ARTIFACT, { version });
          assert.equal(answer({ anchors: of, evidence: mine, requirement }), 'VERIFIED', `${what}, ${version}`);
          assert.equal(answer({ anchors: of, evidence: withEntriesOf(mine, other), requirement }), 'LOG_ENTRY_MISMATCH', `${what}, ${version}`);
          assert.equal(
            answer({ anchors: of, evidence: withEntriesOf(mine, other), requirement: { ...requirement, logs: 0, undated: 'now' } }),
            'LOG_ENTRY_MISMATCH',
            `${what}, ${version}, no log asked for`,
          );
        }
      }
    }
    const signer = sigstore.issue();
    const logs = [tiles];
    assert.equal(
      answer({ anchors, evidence: withEntriesOf(sigstore.sign(ARTIFACT, { signer, logs }), sigstore.sign(ARTIFACT, { logs })) }),
      'LOG_ENTRY_MISMATCH',
    );
    assert.equal(
      answer({ anchors, evidence: withEntriesOf(sigstore.attest(STATEMENT, { signer, logs }), sigstore.sign(ARTIFACT, { signer, logs })) }),
      'LOG_ENTRY_MISMATCH',
    );
  });

  it('CVE-2022-36056: another artifact, another identity, a spoilt bundle and a bad log entry of a file’s signature are refused', () => {
    const evidence = sigstore.sign(ARTIFACT);
    const identity = { ...KEYLESS.signer, identity: exactly('somebody@sealward.test') };
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha256: OTHER_DIGEST } } }), 'DIGEST_MISMATCH');
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, signer: identity } }), 'IDENTITY_MISMATCH');
    assert.equal(answer({ anchors, evidence: { source: blob, bytes: utf8('{') } }), 'BUNDLE_MALFORMED');
    assert.equal(answer({ anchors, evidence: withEntriesOf(evidence, sigstore.sign(utf8('another artifact'))) }), 'LOG_ENTRY_MISMATCH');
  });

  it('GHSA-fx35-mq7g-6g98: the public key in a bundle is never used', () => {
    const attacker = createTestKey();
    const bytes = utf8(
      JSON.stringify({ base64Signature: encodeBase64(attacker.sign(ARTIFACT)), cert: encodeBase64(utf8(encodePem('PUBLIC KEY', attacker.publicKey.spki))) }),
    );
    const evidence: TestEvidence = { source: { kind: 'blob-bundle', annotations: {} }, bytes };
    const requirement = { ...BY_KEY, logs: 0 };
    assert.equal(answer({ anchors: { ...anchors, keys: [keyAnchor(attacker.publicKey)] }, evidence, requirement }), 'VERIFIED');
    assert.equal(answer({ anchors: withKey, evidence, requirement }), 'SIGNATURE_INVALID');
    assert.equal(answer({ anchors, evidence, requirement }), 'SIGNATURE_INVALID');
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, logs: 0 } }), 'CERTIFICATE_MISSING');
  });

  it('CVE-2023-47122: a log that is trusted only by the evidence itself does not count', () => {
    const stranger = createTestRekorV1({ now: () => TEST_NOW, baseUrl: rekor.baseUrl });
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [stranger] }) }), 'LOG_UNKNOWN');
  });

  it('CVE-2024-51746: of two entries for one hash, somebody else’s never stands for this signature', () => {
    const mine = sigstore.sign(ARTIFACT, { logs: [] });
    assert.equal(answer({ anchors, evidence: withEntriesOf(mine, sigstore.sign(ARTIFACT)) }), 'LOG_ENTRY_MISMATCH');
  });

  it('CVE-2024-53267: the certificate, entry or timestamp of another bundle is refused', () => {
    const [a, b] = [sigstore.sign(ARTIFACT, { logs: [tiles] }), sigstore.sign(ARTIFACT, { logs: [tiles] })];
    for (const [part, code] of Object.entries({
      certificate: 'SIGNATURE_INVALID',
      tlogEntries: 'LOG_ENTRY_MISMATCH',
      timestampVerificationData: 'TIMESTAMP_MISMATCH',
    })) {
      const material = { ...(a['verificationMaterial'] as JsonObject), [part]: (b['verificationMaterial'] as JsonObject)[part] as JsonValue };
      assert.equal(answer({ anchors, evidence: { ...a, verificationMaterial: material } }), code);
    }
  });

  it('CVE-2026-44309: the bytes that were signed are verified, never a new encoding of them', () => {
    const odd = utf8(
      `{ "subject": [{"digest":{"sha256":"${DIGEST}"}}],\n "predicateType": "x", "predicate": 1.0, "_type": "https://in-toto.io/Statement/v1" }`,
    );
    const envelope = sigstore.envelop(STATEMENT_PAYLOAD_TYPE, odd);
    assert.equal(answer({ anchors, evidence: envelope }), 'VERIFIED');
    const again = encodeBase64(utf8(canonicalJson(JSON.parse(new TextDecoder().decode(odd)) as JsonValue)));
    assert.equal(
      answer({ anchors, evidence: { ...envelope, dsseEnvelope: { ...(envelope['dsseEnvelope'] as JsonObject), payload: again } } }),
      'SIGNATURE_INVALID',
    );
    const image = sigstore.signImage(IMAGE);
    assert.equal(answer({ anchors, evidence: { ...image, bytes: utf8(`${new TextDecoder().decode(image.bytes)}\n`) } }), 'SIGNATURE_INVALID');
  });

  it('CVE-2026-48758: a character of the payload’s type with the same low byte is another type', () => {
    const envelope = sigstore.attest(STATEMENT);
    const type = STATEMENT_PAYLOAD_TYPE.replace('t', '\u0174');
    assert.notDeepEqual(preAuthEncoding(type, ARTIFACT), preAuthEncoding(STATEMENT_PAYLOAD_TYPE, ARTIFACT));
    assert.equal(
      answer({ anchors, evidence: { ...envelope, dsseEnvelope: { ...(envelope['dsseEnvelope'] as JsonObject), payloadType: type } } }),
      'FORMAT_UNSUPPORTED',
    );
    // Lengths count bytes of UTF-8.
    assert.match(new TextDecoder().decode(preAuthEncoding('\u0174', utf8('ä'))), /^DSSEv1 2 \u0174 2 ä$/);
  });

  it('sigstore-go hardening: no digest, another digest in the log, and unknown versions of the log’s entries are refused', () => {
    for (const digest of [{}, { sha256: '' }, { sha256: DIGEST.toUpperCase() }, { sha1: 'x' }]) {
      assert.notEqual(answer({ anchors, evidence: sigstore.attest({ ...STATEMENT, subjects: [{ digest }] }) }), 'VERIFIED');
    }
    const reversioned = {
      ...rekor,
      append: (request: Parameters<typeof rekor.append>[0]) => ({ ...rekor.append(request), kindVersion: { kind: 'hashedrekord', version: '0.0.3' } }),
    };
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [reversioned] }) }), 'BUNDLE_MALFORMED');
    const lying = { ...rekor, append: (request: Parameters<typeof rekor.append>[0]) => rekor.append({ ...request, signed: utf8('another artifact') }) };
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [lying] }) }), 'LOG_ENTRY_MISMATCH');
  });

  it('the digest that is stated is the one that matched, not the first of the statement', () => {
    const evidence = sigstore.attest({ ...STATEMENT, subjects: [{ digest: { sha256: OTHER_DIGEST } }, { digest: { sha256: DIGEST } }] });
    assert.equal(judged({ anchors, evidence }).candidates[0]?.facts.about, `sha256:${DIGEST}`);
  });
});
