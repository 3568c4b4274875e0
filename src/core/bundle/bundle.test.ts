/** Sigstore bundles: what each version may and must carry. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ARTIFACT, DIGEST } from '../../../test/judging.ts';
import { createTestKey, createTestSigstore } from '../../testing/index.ts';
import { encodeBase64, encodeHex, type JsonObject, type JsonValue, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { entityRole, parseBundle, parseStatement, type SignedEntity } from './index.ts';

const sigstore = createTestSigstore();
const KEY = createTestKey();
const STATEMENT = { subjects: [{ name: 'artifact', digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1', predicate: { a: 1 } };

const parse = (json: JsonValue): SignedEntity => parseBundle(utf8(JSON.stringify(json)));

function refuses(json: JsonValue, message: RegExp, code = 'ERR_BUNDLE_INVALID'): void {
  assert.throws(
    () => parse(json),
    (error) => error instanceof SealwardError && error.code === code && message.test(error.message),
    String(message),
  );
}

/** A copy with its verification material changed. */
function withMaterial(bundle: JsonObject, material: JsonObject): JsonObject {
  return { ...bundle, verificationMaterial: { ...(bundle['verificationMaterial'] as JsonObject), ...material } };
}

describe('a bundle', () => {
  const bundle = sigstore.sign(ARTIFACT);

  it('with a signature over bytes gives signature, digest, certificate, entry and timestamps', () => {
    const signer = sigstore.issue();
    const entity = parse(sigstore.sign(ARTIFACT, { signer, timestampAuthorities: [sigstore.timestampAuthority] }));
    assert.equal(entity.format, 'bundle-v0.3');
    assert.deepEqual(entity.claim, { kind: 'artifact' });
    assert.ok(entity.message.kind === 'artifact' && entity.message.stated);
    assert.deepEqual([entity.message.stated.hash, encodeHex(entity.message.stated.digest)], ['sha256', DIGEST]);
    assert.equal(encodeHex(entity.certificate?.leaf.raw ?? new Uint8Array()), encodeHex(signer.der));
    assert.deepEqual([entity.logEntries.length, entity.timestamps.length, entity.keyHint, entity.proofRequired], [1, 1, undefined, true]);
    assert.equal(entity.timestamped, entity.signature);
    assert.equal(entityRole(entity), 'signature');
  });

  it('with a statement gives it as it was signed, and is an attestation', () => {
    const entity = parse(sigstore.attest(STATEMENT, { signer: { key: KEY }, hint: 'my key', logs: [] }));
    assert.ok(entity.claim.kind === 'statement' && entity.message.kind === 'bytes');
    assert.deepEqual([entity.claim.statement.predicateType, entity.claim.statement.predicate], [STATEMENT.predicateType, { a: 1 }]);
    assert.match(new TextDecoder().decode(entity.message.bytes), /^DSSEv1 28 application\/vnd\.in-toto\+json \d+ \{"_type"/);
    assert.deepEqual([entity.keyHint, entity.logEntries.length, entityRole(entity)], ['my key', 0, 'attestation']);
    assert.equal(entityRole(parse(sigstore.attest({ ...STATEMENT, predicateType: 'https://sigstore.dev/cosign/sign/v1' }))), 'signature');
    assert.equal(entityRole(parse(sigstore.envelop('text/plain', ARTIFACT))), 'attestation');
  });

  it('is of a version that is read, under either spelling of the third', () => {
    for (const version of ['0.1', '0.2', '0.3'] as const) assert.equal(parse(sigstore.sign(ARTIFACT, { version })).format, `bundle-v${version}`);
    const media = 'application/vnd.dev.sigstore.bundle+json;version=';
    assert.equal(parse({ ...bundle, mediaType: `${media}0.3` }).format, 'bundle-v0.3');
    for (const mediaType of ['', `${media}0.4`, `${media}0.30`, 'application/vnd.dev.sigstore.bundle.v0.2+json', 'toString', 'application/json'])
      refuses({ ...bundle, mediaType }, /media type/);
    const { mediaType: _, ...untyped } = bundle;
    refuses(untyped, /media type/);
  });

  it('must prove the inclusion of its entries from v0.2 on', () => {
    assert.deepEqual(
      (['0.1', '0.2', '0.3'] as const).map((version) => parse(sigstore.sign(ARTIFACT, { version })).proofRequired),
      [false, true, true],
    );
  });

  it('carries one kind of content and names one kind of signer', () => {
    const { messageSignature: _, ...empty } = bundle;
    refuses(empty, /either a message signature or an envelope/);
    refuses({ ...bundle, dsseEnvelope: sigstore.attest(STATEMENT)['dsseEnvelope'] as JsonObject }, /either a message signature or an envelope/);
    const certificate = { rawBytes: encodeBase64(sigstore.issue().der) };
    refuses(withMaterial(bundle, { publicKey: { hint: 'x' } }), /exactly one of publicKey/);
    refuses(withMaterial(bundle, { certificate: null }), /exactly one of publicKey/);
    refuses(withMaterial(bundle, { certificate: null, x509CertificateChain: { certificates: [certificate] } }), /single certificate/);
    refuses(withMaterial(sigstore.sign(ARTIFACT, { version: '0.2' }), { x509CertificateChain: { certificates: [] } }), /chain is empty/);
    assert.equal(
      parse(withMaterial(sigstore.sign(ARTIFACT, { version: '0.2' }), { x509CertificateChain: { certificates: [certificate, certificate] } })).certificate
        ?.intermediates.length,
      1,
    );
  });

  it('has no field that nobody reads, and none under two names', () => {
    refuses({ ...bundle, unknown: 1 }, /not known: "unknown"/);
    refuses(withMaterial(bundle, { unknown: 1 }), /not known/);
    refuses({ ...bundle, media_type: 'x' }, /under two names/);
    refuses(withMaterial(bundle, { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'AAAA', more: 1 }] } }), /not known/);
    assert.throws(() => parseBundle(utf8('{"mediaType":"x","mediaType":"y"}')), { code: 'ERR_JSON_INVALID' });
  });

  it('holds bytes in strict base64 only', () => {
    const signed = (signature: string): JsonObject => ({ ...bundle, messageSignature: { ...(bundle['messageSignature'] as JsonObject), signature } });
    assert.doesNotThrow(() => parse(signed('MEQ_-w')));
    for (const signature of ['', 'AA A', 'AAAA\n', 'AAB', 'AB==', 'A', '!!!!', 'AA=', 'A+_A']) {
      assert.throws(
        () => parse(signed(signature)),
        (error) => error instanceof SealwardError && ['ERR_BUNDLE_INVALID', 'ERR_ENCODING_INVALID'].includes(error.code),
        signature,
      );
    }
  });

  it('states digests by hashes that are read', () => {
    const stated = (messageDigest: JsonValue): JsonObject => ({
      ...bundle,
      messageSignature: { ...(bundle['messageSignature'] as JsonObject), messageDigest },
    });
    for (const [algorithm, hash] of Object.entries({ SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' })) {
      const { message } = parse(stated({ algorithm, digest: 'AAAA' }));
      assert.equal(message.kind === 'artifact' && message.stated?.hash, hash);
    }
    assert.deepEqual(parse(stated(null)).message, { kind: 'artifact' });
    for (const algorithm of ['HASH_ALGORITHM_UNSPECIFIED', 'SHA3_256', 0, 4, 'sha256', null]) refuses(stated({ algorithm, digest: 'AAAA' }), /algorithm/);
    refuses(stated({ algorithm: 'SHA2_256' }), /digest/);
  });
});

describe('a statement', () => {
  const read = (json: JsonValue) => parseStatement(utf8(JSON.stringify(json)));
  const subject = [{ name: 'a', digest: { sha256: DIGEST } }];
  const good = { _type: 'https://in-toto.io/Statement/v1', predicateType: 'x', subject };

  it('is of one of two versions', () => {
    assert.equal(read(good).version, 'v1');
    assert.equal(read({ ...good, _type: 'https://in-toto.io/Statement/v0.1' }).version, 'v0.1');
    for (const _type of ['https://in-toto.io/Statement/v1.0', 'https://in-toto.io/Statement/v2', '', null])
      assert.throws(() => read({ ...good, _type }), { code: 'ERR_BUNDLE_INVALID' });
  });

  it('names subjects by digests, and what it does not know it keeps to itself', () => {
    assert.deepEqual(read({ ...good, predicate: [1], other: true }), { version: 'v1', subjects: subject, predicateType: 'x', predicate: [1] });
    assert.deepEqual(read({ ...good, subject: [{ name: '', digest: { x: 'y' }, uri: 'z', annotations: { a: 1 } }] }).subjects, [
      { digest: { x: 'y' }, annotations: { a: 1 } },
    ]);
    assert.equal(read(good).predicate, null);
    for (const wrong of [
      null,
      [],
      {},
      'x',
      [null],
      ['x'],
      [[]],
      [{}],
      [{ digest: {} }],
      [{ digest: [] }],
      [{ digest: { sha256: 7 } }],
      [{ digest: { sha256: '' } }],
      [{ name: 7, digest: { x: 'y' } }],
    ]) {
      assert.throws(() => read({ ...good, subject: wrong as JsonValue }), { code: 'ERR_BUNDLE_INVALID' }, JSON.stringify(wrong));
    }
    for (const predicateType of ['', null, 7]) assert.throws(() => read({ ...good, predicateType }), { code: 'ERR_BUNDLE_INVALID' });
  });
});
