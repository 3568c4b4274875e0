/** Trusted roots: what they give, and that one part which cannot be read makes the whole of it useless. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { requireVectors, vectorsPath } from '../../../test/vectors.ts';
import { createTestCertificateLog, createTestKey, createTestSigstore, TEST_NOW } from '../../testing/index.ts';
import { encodePublicKeyPem, parseCertificate } from '../crypto/index.ts';
import { encodeBase64, encodeHex, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { type ErrorCode, SealwardError } from '../errors.ts';
import {
  ALWAYS,
  authorityAnchors,
  certificateLogAnchor,
  inWindow,
  joinAnchors,
  keyAnchor,
  logAnchor,
  NO_ANCHORS,
  parseTrustedRoot,
  timestampAuthorityAnchors,
} from './index.ts';

const sigstore = createTestSigstore();

interface Root {
  [name: string]: JsonValue;
  tlogs: JsonObject[];
  ctlogs: JsonObject[];
  certificateAuthorities: JsonObject[];
  timestampAuthorities: JsonObject[];
}

/** A copy of the trusted root, changed. */
function changed(by: (root: Root) => void): Uint8Array {
  const root = structuredClone(sigstore.trustedRoot) as Root;
  by(root);
  return utf8(JSON.stringify(root));
}

function refuses(by: (root: Root) => void, code: ErrorCode = 'ERR_TRUSTED_ROOT_INVALID'): void {
  assert.throws(
    () => parseTrustedRoot(changed(by)),
    (error) => error instanceof SealwardError && error.code === code,
  );
}

const partOf = (holder: JsonObject | undefined, name: string): JsonObject => holder?.[name] as JsonObject;

describe('a trusted root', () => {
  it('of the public good instance gives all its parties', (t) => {
    if (!requireVectors(t)) return;
    const anchors = parseTrustedRoot(readFileSync(vectorsPath('trusted_root.public-good.json')));
    assert.deepEqual(
      [anchors.keys.length, anchors.authorities.length, anchors.logs.length, anchors.certificateLogs.length, anchors.timestampAuthorities.length],
      [0, 2, 2, 2, 1],
    );
    const [rekor] = anchors.logs;
    assert.deepEqual(
      [rekor?.kind, rekor?.name, rekor?.window.from, rekor?.window.to],
      ['log', 'https://rekor.sigstore.dev', Date.UTC(2021, 0, 12, 11, 53, 27), undefined],
    );
    assert.equal(encodeHex(rekor?.logId ?? new Uint8Array()), rekor?.id);
  });

  it('names every anchor by the digest of its public part, and keeps windows and operators', () => {
    const source = changed(({ tlogs, timestampAuthorities }) => {
      partOf(tlogs[0], 'publicKey')['validFor'] = { start: '2026-01-02T03:04:05Z', end: '2026-01-02T03:04:05.678Z' };
      (tlogs[0] as JsonObject)['operator'] = 'sealward.test';
      (timestampAuthorities[0] as JsonObject)['operator'] = 'other.test';
    });
    const { logs, timestampAuthorities, certificateLogs, authorities } = parseTrustedRoot(source);
    assert.deepEqual(logs[0]?.window, { from: Date.UTC(2026, 0, 2, 3, 4, 5), to: Date.UTC(2026, 0, 2, 3, 4, 5, 678) });
    assert.deepEqual([logs[0].operator, logs[1]?.operator, timestampAuthorities[0]?.operator], ['sealward.test', undefined, 'other.test']);
    assert.equal(logs[0].id, sigstore.rekor.key.publicKey.fingerprint);
    assert.equal(certificateLogs[0]?.id, sigstore.certificateLog.key.publicKey.fingerprint);
    assert.equal(authorities[0]?.certificates.length, 2);
    assert.equal(authorities[0].name, 'https://fulcio.sealward.test');
    assert.notEqual(authorities[0].id, timestampAuthorities[0]?.id);
  });

  it('may be of either media type, and of no other', () => {
    assert.doesNotThrow(() => parseTrustedRoot(changed((root) => void (root['mediaType'] = 'application/vnd.dev.sigstore.trustedroot.v0.2+json'))));
    for (const mediaType of ['', 'application/vnd.dev.sigstore.trustedroot+json;version=0.3', 'toString'])
      refuses((root) => void (root['mediaType'] = mediaType));
    refuses((root) => void delete root['mediaType']);
  });

  it('without a start of validity is refused: a missing bound is no bound that anybody wrote', () => {
    const holders: ((root: Root) => JsonObject)[] = [
      ({ tlogs }) => partOf(tlogs[1], 'publicKey'),
      ({ ctlogs }) => partOf(ctlogs[0], 'publicKey'),
      ({ certificateAuthorities }) => certificateAuthorities[0] as JsonObject,
      ({ timestampAuthorities }) => timestampAuthorities[0] as JsonObject,
    ];
    for (const holder of holders) {
      for (const validFor of [
        undefined,
        null,
        {},
        { start: '' },
        { end: '2026-01-01T00:00:00Z' },
        { start: '2026-01-02T00:00:00Z', end: '2026-01-01T00:00:00Z' },
      ]) {
        refuses((root) => {
          if (validFor === undefined) delete holder(root)['validFor'];
          else holder(root)['validFor'] = validFor as JsonValue;
        });
      }
    }
  });

  it('has times as RFC 3339 writes them', () => {
    const from = (start: string): number | undefined =>
      parseTrustedRoot(changed(({ tlogs }) => void (partOf(tlogs[0], 'publicKey')['validFor'] = { start }))).logs[0]?.window.from;
    assert.equal(from('2026-01-02T03:04:05Z'), Date.UTC(2026, 0, 2, 3, 4, 5));
    assert.equal(from('2026-01-02T03:04:05.123456789Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 123));
    assert.equal(from('2026-01-02T03:04:05.1Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 100));
    assert.equal(from('2026-01-02T03:04:05+01:00'), Date.UTC(2026, 0, 2, 2, 4, 5));
    for (const start of ['2026-01-02', '2026-01-02 03:04:05Z', '2026-01-02T03:04:05', '2026-13-02T03:04:05Z', '1768478400', 'now', '2026-01-02T03:04:05.Z']) {
      refuses(({ tlogs }) => void (partOf(tlogs[0], 'publicKey')['validFor'] = { start }));
    }
  });

  it('whose keys or certificates cannot be read is refused whole', () => {
    for (const rawBytes of ['AAAA', encodeBase64(sigstore.rekor.key.publicKey.spki.slice(1)), encodeBase64(sigstore.authority.root.der)]) {
      refuses(({ tlogs }) => void (partOf(tlogs[0], 'publicKey')['rawBytes'] = rawBytes));
      refuses(
        ({ certificateAuthorities }) =>
          void (partOf(certificateAuthorities[0], 'certChain')['certificates'] = [{ rawBytes: rawBytes === 'AAAA' ? rawBytes : 'MAA=' }]),
      );
    }
    refuses(({ certificateAuthorities }) => void (partOf(certificateAuthorities[0], 'certChain')['certificates'] = []));
    refuses(
      ({ certificateAuthorities }) =>
        void (partOf(certificateAuthorities[0], 'certChain')['certificates'] = [
          { rawBytes: encodeBase64(sigstore.authority.root.der) },
          { rawBytes: encodeBase64(sigstore.authority.root.der) },
        ]),
    );
    refuses(({ tlogs }) => void ((tlogs[0] as JsonObject)['logId'] = { keyId: 'AAAA' }));
    refuses(({ tlogs }) => void ((tlogs[0] as JsonObject)['hashAlgorithm'] = 'SHA2_512'));
    refuses(({ tlogs }) => void ((tlogs[0] as JsonObject)['unknown'] = 1));
    refuses((root) => void (root['unknown'] = []));
  });

  it('is bounded: in bytes, in parties, in certificates', () => {
    const [log] = (sigstore.trustedRoot as Root).tlogs;
    const logs = (count: number) => (root: Root) => void (root.tlogs = Array.from({ length: count }, () => log as JsonObject));
    assert.equal(parseTrustedRoot(changed(logs(64))).logs.length, 64);
    refuses(logs(65), 'ERR_TOO_LARGE');
    const chain = (count: number) => (root: Root) => {
      const signers = Array.from({ length: count }, () => ({ rawBytes: encodeBase64(sigstore.issue().der) }));
      partOf(root.certificateAuthorities[0], 'certChain')['certificates'] = signers;
    };
    assert.equal(parseTrustedRoot(changed(chain(LIMITS.intermediateCertificates + 1))).authorities[0]?.certificates.length, 11);
    refuses(chain(LIMITS.intermediateCertificates + 2), 'ERR_TOO_LARGE');
    const text = JSON.stringify(sigstore.trustedRoot);
    assert.doesNotThrow(() => parseTrustedRoot(utf8(text.padEnd(LIMITS.documentBytes))));
    assert.throws(() => parseTrustedRoot(utf8(text.padEnd(LIMITS.documentBytes + 1))), { code: 'ERR_TOO_LARGE' });
  });
});

describe('what is given by hand', () => {
  it('is trusted at any time', () => {
    const key = createTestKey().publicKey;
    const log = createTestCertificateLog({ now: () => TEST_NOW }).key.publicKey;
    for (const anchor of [keyAnchor(key), logAnchor(encodePublicKeyPem(log), 'a log'), certificateLogAnchor(encodePublicKeyPem(log), 'a log')]) {
      assert.deepEqual(anchor.window, ALWAYS);
      assert.equal(anchor.id, anchor.key.fingerprint);
    }
    assert.equal(keyAnchor(key, 'mine').name, 'mine');
    assert.match(keyAnchor(key).name, /^ECDSA P-256 key [0-9a-f]{16}$/);
    assert.equal(encodeHex(logAnchor(encodePublicKeyPem(log), 'a log').logId), log.fingerprint);
    assert.equal(encodeHex(certificateLogAnchor(encodePublicKeyPem(log), 'a log').logId), log.fingerprint);
  });

  it('is one authority for each root, with whatever stands below it', () => {
    const { root, intermediate } = sigstore.authority;
    const other = createTestSigstore().authority.root;
    const [a, b, c] = [root, intermediate, other].map(({ der }) => parseCertificate(der)) as [
      ReturnType<typeof parseCertificate>,
      ReturnType<typeof parseCertificate>,
      ReturnType<typeof parseCertificate>,
    ];
    const two = authorityAnchors([a, b, c]);
    assert.deepEqual(
      two.map(({ certificates }) => certificates.map(({ fingerprint }) => fingerprint)),
      [
        [b.fingerprint, a.fingerprint],
        [b.fingerprint, c.fingerprint],
      ],
    );
    assert.notEqual(two[0]?.id, two[1]?.id);
    // A chain that stops below its root is trusted where it stops.
    assert.deepEqual(
      timestampAuthorityAnchors([b]).map(({ kind, certificates }) => [kind, certificates.length]),
      [['timestamp-authority', 1]],
    );
    assert.throws(() => authorityAnchors([]), { code: 'ERR_CERTIFICATE_INVALID' });
  });

  it('joins with what a root gives, kind by kind', () => {
    const key = keyAnchor(createTestKey().publicKey);
    const joined = joinAnchors(sigstore.anchors, { keys: [key] }, NO_ANCHORS);
    assert.deepEqual([joined.keys, joined.logs.length, joined.authorities.length], [[key], 2, 1]);
  });
});

describe('a window', () => {
  it('is inclusive at both ends, and endless where no end is given', () => {
    assert.deepEqual(
      [9, 10, 15, 20, 21].map((at) => inWindow({ from: 10, to: 20 }, at)),
      [false, true, true, true, false],
    );
    assert.equal(inWindow({ from: 10 }, Number.MAX_SAFE_INTEGER), true);
    assert.equal(inWindow({ from: 10 }, Number.NaN), false);
    assert.equal(inWindow(ALWAYS, -1), true);
  });
});
