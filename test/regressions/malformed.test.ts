/** Regressions of others, held here: malformed and hostile documents. The names are those of the public advisories. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBundle, parseEnvelope, readDocument, STATEMENT_PAYLOAD_TYPE } from '../../src/core/bundle/index.ts';
import { hash } from '../../src/core/crypto/index.ts';
import { decodeBase64, encodeBase64, encodeHex, type JsonObject, type JsonValue, utf8 } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { type Anchors, keyAnchor, parseTrustedRoot } from '../../src/core/trust/index.ts';
import type { FlagRequirement } from '../../src/core/verify/index.ts';
import { createTestKey, createTestSigstore } from '../../src/testing/index.ts';
import { damagedJson } from '../damaged-json.ts';
import { answer, ARTIFACT, BY_KEY, DIGEST, judged, proven, type Question, SUBJECT } from '../judging.ts';
import { factsText } from '../conformance/facts-text.ts';
import { processorTime } from '../processor-time.ts';

const sigstore = createTestSigstore();
const { anchors } = sigstore;
const KEY = createTestKey();
const withKey: Anchors = { ...anchors, keys: [keyAnchor(KEY.publicKey)] };
const IMAGE = { digest: `sha256:${DIGEST}`, reference: 'registry.sealward.test/app' };
const OTHER_DIGEST = encodeHex(hash('sha256', utf8('another artifact')));
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };
const blob = { kind: 'bundle', annotations: {} } as const;

describe('malformed input', () => {
  const bundle = sigstore.attest(STATEMENT);
  const harmless = (question: Omit<Question, 'anchors'>): string => {
    const { outcome, code } = judged({ anchors, ...question });
    assert.notEqual(outcome, 'inconclusive');
    return code;
  };

  it('CVE-2023-33199, CVE-2026-23831, GHSA-843x-px86-vq42: a bundle with any part missing, null or of another type is an answer', () => {
    const before = factsText(proven({ anchors, evidence: bundle }));
    for (const damaged of damagedJson(bundle)) {
      const evidence = { source: blob, bytes: utf8(JSON.stringify(damaged)) };
      // What says nothing may be missing or empty, and then nothing has changed.
      if (harmless({ evidence }) === 'VERIFIED') assert.equal(factsText(proven({ anchors, evidence })), before);
    }
  });

  it('CVE-2026-23991: a trusted root with any part missing, null or of another type is an error, as is a key of 31 bytes', () => {
    const reads = (root: JsonValue): boolean => {
      try {
        parseTrustedRoot(utf8(JSON.stringify(root)));
        return true;
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
        return false;
      }
    };
    assert.ok(reads(sigstore.trustedRoot));
    for (const damaged of damagedJson(sigstore.trustedRoot)) reads(damaged);
    const root = structuredClone(sigstore.trustedRoot) as { tlogs: [JsonObject, JsonObject] };
    const key = root.tlogs[1]['publicKey'] as JsonObject;
    key['rawBytes'] = encodeBase64(decodeBase64(key['rawBytes'] as string).slice(0, -1));
    assert.equal(reads(root as unknown as JsonValue), false);
  });

  it('CVE-2026-44310: whatever is no signature document is never accepted', () => {
    const texts = [
      '',
      ' ',
      'null',
      '0',
      '""',
      '[]',
      '{}',
      '{"mediaType":null}',
      '\u0000',
      '\ufeff{}',
      '{"a":1,"a":2}',
      JSON.stringify(bundle).slice(0, -1),
      `${JSON.stringify(bundle)}x`,
    ];
    for (const kind of ['bundle', 'dsse', 'simple-signing', 'blob-bundle'] as const) {
      for (const text of texts)
        assert.equal(harmless({ evidence: { source: { kind, annotations: {} }, bytes: utf8(text) } }), 'BUNDLE_MALFORMED', `${kind}: ${text.slice(0, 20)}`);
    }
  });

  it('GHSA-7w47-v4xv-5crg: a key that stands twice, or that nobody knows, in what is signed is refused', () => {
    const twice = `{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"sha256:${OTHER_DIGEST}","docker-manifest-digest":"sha256:${DIGEST}"},"type":"cosign container image signature"},"optional":null}`;
    const unknown = twice.replace(`"docker-manifest-digest":"sha256:${OTHER_DIGEST}",`, '"layers":[],');
    for (const text of [twice, unknown]) {
      const bytes = utf8(text);
      const { source } = sigstore.signImage(IMAGE);
      const annotations = { ...source.annotations, 'dev.cosignproject.cosign/signature': encodeBase64(KEY.sign(bytes)) };
      assert.equal(
        answer({ anchors: withKey, evidence: { source: { kind: 'simple-signing', annotations }, bytes }, requirement: { ...BY_KEY, logs: 0 } }),
        'BUNDLE_MALFORMED',
      );
    }
    const payload = utf8(
      `{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","subject":[{"digest":{"sha256":"${OTHER_DIGEST}","sha256":"${DIGEST}"}}]}`,
    );
    assert.equal(answer({ anchors, evidence: sigstore.envelop(STATEMENT_PAYLOAD_TYPE, payload) }), 'BUNDLE_MALFORMED');
  });

  it('CVE-2025-66506, CVE-2025-66564: ten megabytes of dots in any text are refused at once', async () => {
    const dots = '.'.repeat(10 * 1024 * 1024);
    const bundle = utf8(JSON.stringify({ ...sigstore.sign(ARTIFACT), mediaType: dots }));
    const envelope = utf8(JSON.stringify({ payload: 'AAAA', payloadType: dots, signatures: [{ sig: dots }] }));
    const annotations = { 'dev.cosignproject.cosign/signature': dots };
    const taken = await processorTime(() => {
      assert.throws(() => parseBundle(bundle), SealwardError);
      assert.throws(() => parseEnvelope(envelope), SealwardError);
      assert.throws(() => readDocument({ kind: 'simple-signing', annotations }, utf8('{}')), SealwardError);
    });
    assert.ok(taken < 5000);
  });

  it('a DSSE envelope of the right type without a signature that verifies is refused in every form', () => {
    const forged = { signatures: [{ sig: encodeBase64(createTestKey().sign(ARTIFACT)) }] };
    const envelope = { ...(sigstore.attest(STATEMENT)['dsseEnvelope'] as JsonObject), ...forged };
    const requirement: FlagRequirement = { ...BY_KEY, role: 'attestation', logs: 0 };
    assert.equal(
      answer({ anchors: withKey, requirement, evidence: { ...sigstore.attest(STATEMENT, { signer: { key: KEY } }), dsseEnvelope: envelope } }),
      'SIGNATURE_INVALID',
    );
    assert.equal(
      answer({ anchors: withKey, requirement, evidence: { source: { kind: 'dsse', annotations: {} }, bytes: utf8(JSON.stringify(envelope)) } }),
      'SIGNATURE_INVALID',
    );
    assert.deepEqual(SUBJECT.digests, { sha256: DIGEST });
  });
});
