/** A trusted root that is written says what was decided, in the form that Sigstore's clients read, and is read back as that. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestAuthority, createTestKey, createTestSigstore, TEST_NOW } from '../../testing/index.ts';
import { hash, parseCertificate } from '../crypto/index.ts';
import { concatBytes, encodeBase64, encodeHex, type JsonObject, utf8 } from '../encoding/index.ts';
import { joinAnchors, NO_ANCHORS } from './anchor.ts';
import { composeTrustedRoot, type TrustedServices } from './compose-root.ts';
import { parseTrustedRoot } from './trusted-root.ts';

const sigstore = createTestSigstore();
const NONE: TrustedServices = { authorities: [], logs: [], certificateLogs: [], timestampAuthorities: [] };
const FROM = Date.UTC(2026, 0, 2, 3, 4, 5);
const TO = FROM + 1500;
const chain = sigstore.authority.chain.map((der) => parseCertificate(der));
const stampers = sigstore.timestampAuthority.chain.map((der) => parseCertificate(der));
const read = (services: Partial<TrustedServices>) => parseTrustedRoot(utf8(JSON.stringify(composeTrustedRoot({ ...NONE, ...services }))));

describe('a trusted root that is composed', () => {
  it('is read back as the services that were decided on', () => {
    const [log, certificateLog] = [createTestKey().publicKey, createTestKey('ecdsa-p384').publicKey];
    const found = read({
      authorities: [{ url: 'https://ca.test', certificates: chain, from: FROM, to: TO }],
      logs: [{ url: 'https://log.test', key: log, from: FROM, to: TO }],
      certificateLogs: [{ url: 'https://ct.test', key: certificateLog, from: FROM }],
      timestampAuthorities: [{ url: 'https://tsa.test', certificates: stampers, from: FROM, to: TO }],
    });
    const window = { from: FROM, to: TO };
    assert.deepEqual(
      found.authorities.map(({ name, window: held, certificates }) => [name, held, certificates.map(({ fingerprint }) => fingerprint)]),
      [['https://ca.test', window, chain.map(({ fingerprint }) => fingerprint)]],
    );
    assert.deepEqual(
      found.timestampAuthorities.map(({ name, window: held, certificates }) => [name, held, certificates.length]),
      [['https://tsa.test', window, stampers.length]],
    );
    assert.deepEqual(
      found.logs.map(({ name, baseUrl, id, window: held, logId }) => [name, baseUrl, id, held, encodeHex(logId)]),
      [['https://log.test', 'https://log.test', log.fingerprint, window, log.fingerprint]],
    );
    assert.deepEqual(
      found.certificateLogs.map(({ name, id, window: held, logId }) => [name, id, held, encodeHex(logId)]),
      [['https://ct.test', certificateLog.fingerprint, { from: FROM }, certificateLog.fingerprint]],
    );
  });

  it('is written member by member as the proto names them, and a kind without members not at all', () => {
    const key = createTestKey().publicKey;
    assert.deepEqual(composeTrustedRoot(NONE), { mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' });
    const root = composeTrustedRoot({ ...NONE, logs: [{ url: 'https://log.test', key, from: FROM, to: TO }] });
    assert.deepEqual(root, {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        {
          baseUrl: 'https://log.test',
          hashAlgorithm: 'SHA2_256',
          publicKey: {
            rawBytes: encodeBase64(key.spki),
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            validFor: { start: '2026-01-02T03:04:05Z', end: '2026-01-02T03:04:06.500Z' },
          },
          logId: { keyId: encodeBase64(Buffer.from(key.fingerprint, 'hex')) },
        },
      ],
    });
    const authority = composeTrustedRoot({ ...NONE, authorities: [{ url: 'https://ca.test', certificates: chain, from: FROM }] });
    const [top] = chain.slice(-1);
    assert.match(top?.subjectText ?? '', /CN=sealward\.test root/);
    assert.deepEqual(Object.keys(authority), ['mediaType', 'certificateAuthorities']);
    const [written] = authority['certificateAuthorities'] as JsonObject[];
    assert.deepEqual(written, {
      subject: written?.['subject'],
      uri: 'https://ca.test',
      certChain: { certificates: chain.map(({ raw }) => ({ rawBytes: encodeBase64(raw) })) },
      validFor: { start: '2026-01-02T03:04:05Z' },
    });
    assert.equal((written['subject'] as JsonObject)['commonName'], 'sealward.test root');
  });

  it('names an Ed25519 log together with its origin, where it has one, and all others by their key', () => {
    const idOf = (kind: 'ed25519' | 'ecdsa-p256', origin?: string): [string, string, string] => {
      const key = createTestKey(kind).publicKey;
      const [log] = read({ logs: [{ url: 'https://log.test', key, from: FROM, ...(origin === undefined ? {} : { origin }) }] }).logs;
      const named = encodeHex(hash('sha256', concatBytes(utf8('log.test/2026'), Uint8Array.of(0x0a, 0x01), key.raw)));
      return [encodeHex(log?.logId ?? new Uint8Array()), key.fingerprint, named];
    };
    const [id, , named] = idOf('ed25519', 'log.test/2026');
    assert.equal(id, named);
    for (const [found, byKey] of [idOf('ed25519'), idOf('ecdsa-p256', 'log.test/2026'), idOf('ecdsa-p256')]) assert.equal(found, byKey);
  });

  it('trusts an authority since its first certificate, where nobody said since when', () => {
    const [first] = chain;
    assert.deepEqual(read({ authorities: [{ url: 'https://ca.test', certificates: chain }] }).authorities[0]?.window, { from: first?.notBefore });
    const early = createTestAuthority({ now: () => TEST_NOW, intermediateValidity: { notBefore: TEST_NOW - 5000 } }).chain.map((der) => parseCertificate(der));
    assert.deepEqual(read({ authorities: [{ url: 'https://ca.test', certificates: early }] }).authorities[0]?.window, { from: TEST_NOW - 5000 });
    assert.throws(() => composeTrustedRoot({ ...NONE, authorities: [{ url: 'https://ca.test', certificates: [] }] }), {
      code: 'ERR_CERTIFICATE_INVALID',
      message: 'https://ca.test has no certificates',
    });
  });
});

describe('anchors', () => {
  it('that are none are five empty lists', () => {
    assert.deepEqual(NO_ANCHORS, { keys: [], authorities: [], logs: [], certificateLogs: [], timestampAuthorities: [] });
  });

  it('are joined kind by kind, whichever of them are there', () => {
    const { anchors } = sigstore;
    assert.deepEqual(joinAnchors(), NO_ANCHORS);
    assert.deepEqual(joinAnchors(anchors, {}), anchors);
    const both = joinAnchors({ logs: anchors.logs.slice(0, 1) }, { logs: anchors.logs.slice(1), authorities: anchors.authorities });
    assert.deepEqual(both, { ...NO_ANCHORS, logs: anchors.logs, authorities: anchors.authorities });
  });
});
