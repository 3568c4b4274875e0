/** Documents of the first generation, bare envelopes and files: each read as what it says that it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ARTIFACT, DIGEST } from '../../../test/judging.ts';
import { createTestKey, createTestSigstore } from '../../testing/index.ts';
import { encodeBase64, encodeHex, encodePem, type JsonObject, type JsonValue, utf8 } from '../encoding/index.ts';
import {
  documentKind,
  documentKindOfFile,
  encodeEnvelope,
  encodeSimpleSigning,
  parseDetachedSignature,
  parseEnvelope,
  parseSimpleSigning,
  preAuthEncoding,
  readDocument,
  signatureLayers,
} from './index.ts';

const sigstore = createTestSigstore();
const KEY = createTestKey();
const DIGEST_TEXT = `sha256:${DIGEST}`;
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };
const json = (value: JsonValue): Uint8Array => utf8(JSON.stringify(value));

describe('simple signing', () => {
  const parse = (value: JsonValue) => parseSimpleSigning(json(value));
  const good = JSON.parse(encodeSimpleSigning('registry.sealward.test/app', DIGEST_TEXT, { env: 'prod' })) as { critical: JsonObject; optional: JsonObject };

  it('gives reference, digest and what is signed beside them', () => {
    assert.deepEqual(parse(good as unknown as JsonValue), { reference: 'registry.sealward.test/app', digest: DIGEST_TEXT, optional: { env: 'prod' } });
    assert.deepEqual(parseSimpleSigning(utf8(encodeSimpleSigning('', DIGEST_TEXT, null))), { reference: '', digest: DIGEST_TEXT, optional: {} });
    assert.equal(parse({ critical: { ...good.critical, identity: {} } }).reference, '');
  });

  it('is refused when anything critical is unknown, missing or of another type', () => {
    const { critical } = good;
    const image = critical['image'] as JsonObject;
    const wrong: JsonValue[] = [
      null,
      [],
      {},
      { critical: null },
      { critical: [] },
      { critical: { ...critical, more: 1 } },
      { critical: { ...critical, type: 'atomic container signature' } },
      { critical: { ...critical, type: null } },
      { critical: { ...critical, image: {} } },
      { critical: { ...critical, image: { ...image, more: 1 } } },
      { critical: { ...critical, image: { 'docker-manifest-digest': 7 } } },
      { critical: { ...critical, identity: { 'docker-reference': 7 } } },
      { critical: { ...critical, identity: { 'docker-reference': 'x', more: 1 } } },
      { critical: { ...critical, identity: null } },
      { critical, optional: [] },
      { critical, optional: 'x' },
      { critical, more: 1 },
    ];
    for (const value of wrong) assert.throws(() => parse(value), { name: 'InputError' }, JSON.stringify(value));
  });
});

describe('a layer', () => {
  it('is a document by its media type', () => {
    const types = {
      'application/vnd.dev.cosign.simplesigning.v1+json': 'simple-signing',
      'application/vnd.dsse.envelope.v1+json': 'dsse',
      'application/vnd.dev.sigstore.bundle.v0.3+json': 'bundle',
      'application/vnd.dev.sigstore.bundle+json;version=0.1': 'bundle',
      'application/vnd.oci.image.layer.v1.tar+gzip': undefined,
      '': undefined,
    };
    for (const [type, kind] of Object.entries(types)) assert.equal(documentKind(type), kind, type);
    const layer = (mediaType: string, annotations?: Record<string, string>) =>
      ({ mediaType, size: 1, digest: { algorithm: 'sha256', hex: DIGEST }, ...(annotations ? { annotations } : {}) }) as const;
    const layers = [layer('text/plain'), layer('application/vnd.dsse.envelope.v1+json'), layer('application/vnd.dev.cosign.simplesigning.v1+json', { a: 'b' })];
    assert.deepEqual(
      signatureLayers({ layers } as unknown as Parameters<typeof signatureLayers>[0]).map(({ source }) => source),
      [
        { kind: 'dsse', annotations: {} },
        { kind: 'simple-signing', annotations: { a: 'b' } },
      ],
    );
  });

  it('of simple signing takes signature, certificate, chain, entry and timestamp from its annotations', () => {
    const signer = sigstore.issue();
    const { source, bytes } = sigstore.signImage({ digest: DIGEST_TEXT }, { signer, timestampAuthorities: [sigstore.timestampAuthority] });
    const [entity] = readDocument(source, bytes);
    assert.ok(entity);
    assert.equal(entity.format, 'simple-signing');
    assert.equal(encodeHex(entity.certificate?.leaf.raw ?? bytes), encodeHex(signer.der));
    assert.deepEqual([entity.certificate?.intermediates.length, entity.logEntries.length, entity.timestamps.length, entity.proofRequired], [2, 1, 1, false]);
    assert.deepEqual(entity.message, { kind: 'bytes', bytes });
    assert.equal(entity.timestamped, entity.signature);
  });

  it('is refused when an annotation is not what it must be', () => {
    const { source, bytes } = sigstore.signImage({ digest: DIGEST_TEXT }, { timestampAuthorities: [sigstore.timestampAuthority] });
    const leaf = source.annotations['dev.sigstore.cosign/certificate'] ?? '';
    const wrong: Record<string, string>[] = [
      { 'dev.cosignproject.cosign/signature': '' },
      { 'dev.cosignproject.cosign/signature': 'A A=' },
      { 'dev.sigstore.cosign/certificate': leaf + leaf },
      { 'dev.sigstore.cosign/certificate': 'no certificate' },
      { 'dev.sigstore.cosign/certificate': encodePem('PUBLIC KEY', KEY.publicKey.spki) },
      { 'dev.sigstore.cosign/chain': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
      { 'dev.sigstore.cosign/bundle': '{}' },
      { 'dev.sigstore.cosign/bundle': '[' },
      { 'dev.sigstore.cosign/rfc3161timestamp': '{}' },
      { 'dev.sigstore.cosign/rfc3161timestamp': '{"SignedRFC3161Timestamp":7}' },
      { 'dev.sigstore.cosign/rfc3161timestamp': '{"SignedRFC3161Timestamp":"A A="}' },
    ];
    for (const annotations of wrong) {
      assert.throws(
        () => readDocument({ ...source, annotations: { ...source.annotations, ...annotations } }, bytes),
        { name: 'InputError' },
        JSON.stringify(annotations).slice(0, 80),
      );
    }
  });

  it('with an envelope gives an entity for each signature, dated as a whole', () => {
    const { source, bytes } = sigstore.attestImage(STATEMENT, { signer: { key: KEY }, logs: [], timestampAuthorities: [sigstore.timestampAuthority] });
    const envelope = parseEnvelope(bytes);
    const two = utf8(encodeEnvelope({ ...envelope, signatures: [...envelope.signatures, { bytes: utf8('another'), keyId: 'theirs' }] }));
    const entities = readDocument(source, two);
    assert.deepEqual(
      entities.map(({ keyHint, format }) => [keyHint, format]),
      [
        [undefined, 'dsse'],
        ['theirs', 'dsse'],
      ],
    );
    for (const entity of entities) assert.deepEqual([entity.timestamped, entity.envelope?.raw, entity.timestamps.length], [two, two, 1]);
    assert.deepEqual(entities[0]?.message, { kind: 'bytes', bytes: preAuthEncoding(envelope.payloadType, envelope.payload) });
  });
});

describe('an envelope', () => {
  it('names a type, a payload and at least one signature, and nothing else', () => {
    const good = { payload: encodeBase64(ARTIFACT), payloadType: 'text/plain', signatures: [{ sig: 'AAAA', keyid: 'x' }] };
    assert.equal(parseEnvelope(json(good)).signatures[0]?.keyId, 'x');
    const wrong: JsonObject[] = [
      { ...good, payloadType: '' },
      { ...good, payload: '' },
      { ...good, payload: 'A A=' },
      { ...good, signatures: [] },
      { ...good, signatures: null },
      { ...good, signatures: [{}] },
      { ...good, signatures: [{ sig: '' }] },
      { ...good, signatures: [{ sig: 'AAAA', cert: 'x' }] },
      { ...good, more: 1 },
    ];
    for (const value of wrong) assert.throws(() => parseEnvelope(json(value)), { name: 'InputError' }, JSON.stringify(value));
  });
});

describe('a file', () => {
  it('tells what it holds by its shape', () => {
    const shapes: readonly (readonly [JsonValue | Uint8Array, string | undefined])[] = [
      [sigstore.sign(ARTIFACT), 'bundle'],
      [sigstore.attestImage(STATEMENT).bytes, 'dsse'],
      [sigstore.signImage({ digest: DIGEST_TEXT }).bytes, 'simple-signing'],
      [{ base64Signature: 'AAAA' }, 'blob-bundle'],
      [{}, undefined],
      [[], undefined],
      [utf8('MEQCIA=='), undefined],
    ];
    for (const [value, kind] of shapes) assert.equal(documentKindOfFile(value instanceof Uint8Array ? value : json(value)), kind);
  });

  it('with a bundle of the first generation holds signature, certificate and promise; a public key in it is ignored', () => {
    const signer = sigstore.issue();
    const { source } = sigstore.signImage({ digest: DIGEST_TEXT }, { signer });
    const rekorBundle = JSON.parse(source.annotations['dev.sigstore.cosign/bundle'] ?? '') as JsonValue;
    const read = (value: JsonObject) => readDocument({ kind: 'blob-bundle', annotations: {} }, json(value));
    const cert = encodeBase64(utf8(encodePem('CERTIFICATE', signer.der)));
    const [full] = read({ base64Signature: 'AAAA', cert, rekorBundle });
    assert.deepEqual([full?.certificate === undefined, full?.logEntries.length, full?.claim.kind], [false, 1, 'artifact']);
    const [keyed] = read({ base64Signature: 'AAAA', cert: encodeBase64(utf8(encodePem('PUBLIC KEY', KEY.publicKey.spki))), rekorBundle: null });
    assert.deepEqual([keyed?.certificate, keyed?.logEntries, keyed?.keyHint], [undefined, [], undefined]);
    for (const wrong of [
      {},
      { base64Signature: '' },
      { base64Signature: 7 },
      { base64Signature: 'A A=' },
      { base64Signature: 'AAAA', cert: '!' },
      { base64Signature: 'AAAA', rekorBundle: {} },
    ]) {
      assert.throws(() => read(wrong), { name: 'InputError' }, JSON.stringify(wrong));
    }
  });

  it('with a bare signature holds base64, or the bytes themselves', () => {
    const signature = KEY.sign(ARTIFACT);
    for (const bytes of [signature, utf8(encodeBase64(signature)), utf8(`${encodeBase64(signature)}\n`)])
      assert.equal(encodeHex(parseDetachedSignature(bytes)), encodeHex(signature));
  });
});
