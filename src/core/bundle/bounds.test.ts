/** Every bound on signature documents: exactly at it they are read, one over it they are refused, before anything is verified. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answer, ARTIFACT, DIGEST, KEYLESS, proven } from '../../../test/judging.ts';
import { createTestKey, createTestSigstore } from '../../testing/index.ts';
import { encodeBase64, encodePem, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { type ErrorCode, SealwardError } from '../errors.ts';
import { parseBundle, parseEnvelope, parseSimpleSigning, parseStatement, readDocument } from './index.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, tiles, timestampAuthority } = sigstore;
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };

const json = (value: JsonValue): Uint8Array => utf8(JSON.stringify(value));
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
/** White space up to so many bytes: as large as any content, and cheaper to make. */
const padded = (bytes: Uint8Array, length: number): Uint8Array => utf8(`${new TextDecoder().decode(bytes)}${' '.repeat(length - bytes.length)}`);

function refuses(code: ErrorCode, read: () => unknown): void {
  assert.throws(read, (error) => error instanceof SealwardError && error.code === code);
}

/** Reads what holds `bound` things, and refuses what holds one more. */
function bounded(bound: number, make: (count: number) => Uint8Array, read: (bytes: Uint8Array) => unknown, code: ErrorCode = 'ERR_TOO_LARGE'): void {
  assert.doesNotThrow(() => read(make(bound)));
  refuses(code, () => read(make(bound + 1)));
}

describe('bounds in bytes', () => {
  it('of a bundle with a signature over bytes', () => {
    const bundle = json(sigstore.sign(ARTIFACT));
    bounded(LIMITS.bundleBytes, (length) => padded(bundle, length), parseBundle);
  });

  it('of a bundle with an attestation, and of a bare envelope', () => {
    const bundle = json(sigstore.attest(STATEMENT));
    const { bytes } = sigstore.attestImage(STATEMENT);
    bounded(LIMITS.attestationBytes, (length) => padded(bundle, length), parseBundle);
    bounded(LIMITS.attestationBytes, (length) => padded(bytes, length), parseEnvelope);
  });

  it('of a statement within an envelope', () => {
    const statement = json({ _type: 'https://in-toto.io/Statement/v1', subject: STATEMENT.subjects, predicateType: 'x' });
    bounded(LIMITS.attestationBytes, (length) => padded(statement, length), parseStatement);
  });

  it('of a simple-signing payload, and of the bundle of a blob', () => {
    const { bytes } = sigstore.signImage({ digest: `sha256:${DIGEST}` });
    bounded(LIMITS.bundleBytes, (length) => padded(bytes, length), parseSimpleSigning);
    const blob = json({ base64Signature: 'AAAA' });
    bounded(
      LIMITS.bundleBytes,
      (length) => padded(blob, length),
      (read) => readDocument({ kind: 'blob-bundle', annotations: {} }, read),
    );
  });

  it('of a certificate and of a timestamp', () => {
    for (const [name, bound] of [
      ['certificate', LIMITS.certificateBytes],
      ['timestamp', LIMITS.timestampBytes],
    ] as const) {
      const bundle = structuredClone(sigstore.sign(ARTIFACT)) as { verificationMaterial: JsonObject };
      const bytes = encodeBase64(new Uint8Array(bound + 1));
      if (name === 'certificate') bundle.verificationMaterial['certificate'] = { rawBytes: bytes };
      else bundle.verificationMaterial['timestampVerificationData'] = { rfc3161Timestamps: [{ signedTimestamp: bytes }] };
      const facts = proven({ anchors, evidence: bundle });
      const finding = name === 'certificate' ? facts.unreadable[0] : facts.signatures[0]?.broken[0];
      assert.match(finding?.detail ?? '', new RegExp(`larger than ${bound} bytes`), name);
    }
  });
});

describe('bounds in numbers', () => {
  it('of nested values: 64 levels', () => {
    const nested = (depth: number): Uint8Array => {
      const predicate = `${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`;
      return utf8(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"a":"b"}}],"predicateType":"x","predicate":${predicate}}`);
    };
    bounded(LIMITS.jsonDepth, nested, parseStatement, 'ERR_JSON_INVALID');
  });

  it('of log entries: 32, each of which is judged (CVE-2024-45395)', () => {
    const logs = (count: number) => sigstore.sign(ARTIFACT, { logs: times(count, rekor) });
    const most = proven({ anchors, evidence: logs(LIMITS.logEntriesPerBundle) });
    assert.equal(most.signatures[0]?.entries.length, LIMITS.logEntriesPerBundle);
    refuses('ERR_TOO_LARGE', () => parseBundle(json(logs(LIMITS.logEntriesPerBundle + 1))));
    assert.equal(answer({ anchors, evidence: logs(LIMITS.logEntriesPerBundle + 1) }), 'BUNDLE_MALFORMED');
  });

  it('of timestamps: 32, each of which is judged (CVE-2024-45395)', () => {
    const stamped = (count: number) => sigstore.sign(ARTIFACT, { timestampAuthorities: times(count, timestampAuthority), logs: [tiles] });
    const most = proven({ anchors, evidence: stamped(LIMITS.timestampsPerBundle) });
    assert.equal(most.signatures[0]?.times.length, LIMITS.timestampsPerBundle);
    refuses('ERR_TOO_LARGE', () => parseBundle(json(stamped(LIMITS.timestampsPerBundle + 1))));
    assert.equal(answer({ anchors, evidence: stamped(LIMITS.timestampsPerBundle + 1) }), 'BUNDLE_MALFORMED');
  });

  it('of subjects: 1,024, the last of which still counts (CVE-2024-45395)', () => {
    const others = (count: number) => [...times(count - 1, { digest: { sha256: '0'.repeat(64) } }), { digest: { sha256: DIGEST } }];
    assert.equal(answer({ anchors, evidence: sigstore.attest({ ...STATEMENT, subjects: others(LIMITS.subjectsPerStatement) }) }), 'VERIFIED');
    const over = json(sigstore.attest({ ...STATEMENT, subjects: others(LIMITS.subjectsPerStatement + 1) }));
    refuses('ERR_TOO_LARGE', () => parseBundle(over));
  });

  it('of digests of one subject: 32 (CVE-2024-45395)', () => {
    const digests = (count: number) => ({ ...Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`h${i}`, 'x'])), sha256: DIGEST });
    assert.equal(answer({ anchors, evidence: sigstore.attest({ ...STATEMENT, subjects: [{ digest: digests(LIMITS.digestsPerSubject) }] }) }), 'VERIFIED');
    const over = json(sigstore.attest({ ...STATEMENT, subjects: [{ digest: digests(LIMITS.digestsPerSubject + 1) }] }));
    refuses('ERR_TOO_LARGE', () => parseBundle(over));
  });

  it('of intermediate certificates: 10, in a bundle and in an annotation', () => {
    const signer = sigstore.issue();
    const chain = (count: number) => ({ ...signer, chain: [...times(count, sigstore.authority.intermediate.der), sigstore.authority.root.der] });
    const bundle = (count: number) => sigstore.sign(ARTIFACT, { version: '0.1', signer: chain(count) });
    assert.equal(answer({ anchors, evidence: bundle(LIMITS.intermediateCertificates) }), 'VERIFIED');
    refuses('ERR_TOO_LARGE', () => parseBundle(json(bundle(LIMITS.intermediateCertificates + 1))));

    const image = sigstore.signImage({ digest: `sha256:${DIGEST}` }, { signer });
    const annotated = (count: number) => {
      const pem = encodePem('CERTIFICATE', sigstore.authority.intermediate.der).repeat(count);
      return { bytes: image.bytes, source: { ...image.source, annotations: { ...image.source.annotations, 'dev.sigstore.cosign/chain': pem } } };
    };
    assert.equal(answer({ anchors, evidence: annotated(LIMITS.intermediateCertificates) }), 'VERIFIED');
    const over = annotated(LIMITS.intermediateCertificates + 1);
    refuses('ERR_TOO_LARGE', () => readDocument(over.source, over.bytes));
  });

  it('of signatures of an envelope: 64, and in a bundle exactly one', () => {
    const key = createTestKey();
    const { source, bytes } = sigstore.attestImage(STATEMENT, { signer: { key }, logs: [] });
    const envelope = JSON.parse(new TextDecoder().decode(bytes)) as JsonObject;
    const [signature] = envelope['signatures'] as JsonValue[];
    const signed = (count: number): JsonObject => ({ ...envelope, signatures: times(count, signature as JsonValue) });
    assert.equal(readDocument(source, json(signed(LIMITS.signaturesPerEnvelope))).length, LIMITS.signaturesPerEnvelope);
    refuses('ERR_TOO_LARGE', () => readDocument(source, json(signed(LIMITS.signaturesPerEnvelope + 1))));
    const bundle = (count: number): Uint8Array => json({ ...sigstore.attest(STATEMENT), dsseEnvelope: signed(count) });
    bounded(1, bundle, parseBundle, 'ERR_BUNDLE_INVALID');
    refuses('ERR_BUNDLE_INVALID', () => parseBundle(bundle(0)));
  });

  it('of signatures of a checkpoint: 128, those of strangers among them', () => {
    const witnessed = (count: number): JsonObject => {
      const bundle = sigstore.sign(ARTIFACT, { logs: [tiles] }) as {
        verificationMaterial: { tlogEntries: [{ inclusionProof: { checkpoint: { envelope: string } } }] };
      };
      const { checkpoint } = bundle.verificationMaterial.tlogEntries[0].inclusionProof;
      checkpoint.envelope += Array.from({ length: count - 1 }, (_, i) => `\u2014 witness-${i}.example ${encodeBase64(new Uint8Array(76).fill(i))}\n`).join('');
      return bundle;
    };
    assert.equal(answer({ anchors, evidence: witnessed(LIMITS.signaturesPerNote) }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence: witnessed(LIMITS.signaturesPerNote + 1) }), 'CHECKPOINT_INVALID');
  });

  it('of hashes of an inclusion proof: 64', () => {
    const proof = (count: number): Uint8Array => {
      const bundle = sigstore.sign(ARTIFACT) as { verificationMaterial: { tlogEntries: [{ inclusionProof: { hashes: string[] } }] } };
      bundle.verificationMaterial.tlogEntries[0].inclusionProof.hashes = times(count, encodeBase64(new Uint8Array(32)));
      return json(bundle);
    };
    bounded(LIMITS.inclusionProofHashes, proof, parseBundle);
  });

  it('do not depend on what is asked', () => {
    assert.equal(
      answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: times(33, rekor) }), requirement: { ...KEYLESS, logs: 0, undated: 'now' } }),
      'BUNDLE_MALFORMED',
    );
  });
});
