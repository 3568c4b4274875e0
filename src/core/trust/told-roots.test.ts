/** Trusted roots, signing configurations and suppositions: what is told where they cannot be taken, whole, and where they end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey, createTestSigstore } from '../../testing/index.ts';
import { listedKey, TrustRepository } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import { encodeBase64, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { ALWAYS } from './anchor.ts';
import { keyAnchor } from './given.ts';
import { digestState } from './next.ts';
import { targetName } from './publication.ts';
import { parseSigningConfig } from './signing-config.ts';
import { supposeRevoked } from './suppose.ts';
import { parseTrustedRoot } from './trusted-root.ts';

const why = (run: () => unknown): string => {
  try {
    run();
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof SealwardError);
    return `${error.code} ${error.message}`;
  }
};
const invalid = (text: string): string => `ERR_TRUSTED_ROOT_INVALID the trusted root${text}`;

describe('a trusted root', () => {
  const sigstore = createTestSigstore();
  const root = sigstore.trustedRoot as JsonObject & Record<string, JsonObject[]>;
  const [log] = root['tlogs'] as JsonObject[];
  const withKey = (change: JsonObject): string =>
    why(() => parseTrustedRoot(utf8(JSON.stringify({ ...root, tlogs: [{ ...log, publicKey: { ...(log?.['publicKey'] as JsonObject), ...change } }] }))));
  it('says of each anchor which kind it is', () => {
    const anchors = parseTrustedRoot(utf8(JSON.stringify({ ...root, ctlogs: [log] })));
    assert.deepEqual(
      [anchors.authorities, anchors.logs, anchors.certificateLogs, anchors.timestampAuthorities].map((all) => [
        ...new Set(all.map(({ kind }) => kind as string)),
      ]),
      [['certificate-authority'], ['log'], ['certificate-log'], ['timestamp-authority']],
    );
  });
  it('holds keys of the kind that it names, as the name says that they are written', () => {
    const rsa = createTestKey('rsa2048');
    assert.equal(withKey({}), 'taken');
    assert.equal(withKey({ keyDetails: 5 }), 'taken', 'the number of the same algorithm');
    assert.equal(
      withKey({ keyDetails: 'PKIX_ED25519' }),
      invalid('.tlogs[0].publicKey: its key cannot be read: the trusted root.tlogs[0].publicKey: the key is not of the kind that keyDetails names'),
    );
    for (const keyDetails of ['NOTHING', 9999, true, null, ['PKIX_ED25519']] as JsonValue[])
      assert.match(withKey({ keyDetails }), /keyDetails is not an algorithm that is read|keyDetails/, JSON.stringify(keyDetails));
    assert.equal(withKey({ keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256', rawBytes: encodeBase64(rsa.publicKey.spki) }), 'taken');
    // Behind the 24 bytes that say that it is one stands the key itself.
    assert.equal(withKey({ keyDetails: 'PKCS1_RSA_PKCS1V5', rawBytes: encodeBase64(rsa.publicKey.spki.subarray(24)) }), 'taken');
    assert.match(withKey({ keyDetails: 'PKCS1_RSA_PKCS1V5', rawBytes: encodeBase64(rsa.publicKey.spki) }), /its key cannot be read/);
    assert.match(withKey({ rawBytes: 'AAAA' }), /^ERR_TRUSTED_ROOT_INVALID the trusted root\.tlogs\[0\]\.publicKey: its key cannot be read: ./);
  });
  it('is valid from a moment to a moment, which may be the same, and not for ever because one cannot be read', () => {
    const during = (validFor: JsonObject): string => withKey({ validFor });
    const start = '2026-01-01T00:00:00Z';
    const at = '.tlogs[0].publicKey.validFor: ';
    assert.equal(during({ start, end: start }), 'taken');
    assert.equal(during({ start, end: '2025-12-31T23:59:59Z' }), invalid(`${at}it ends before it starts`));
    assert.equal(during({ start, end: 'tomorrow' }), invalid(`${at}end is not a time`));
    assert.equal(during({ start: 'yesterday' }), invalid(`${at}start is not a time`));
    assert.equal(during({ end: start }), invalid(`${at}start is missing`));
  });
  it('is bounded, and says what it is where it is no JSON', () => {
    const text = JSON.stringify(root);
    assert.equal(
      why(() => parseTrustedRoot(utf8(text.padEnd(LIMITS.documentBytes)))),
      'taken',
    );
    assert.match(
      why(() => parseTrustedRoot(utf8(text.padEnd(LIMITS.documentBytes + 1)))),
      /^ERR_TOO_LARGE the trusted root/,
    );
    assert.match(
      why(() => parseTrustedRoot(utf8('{'))),
      /the trusted root/,
    );
  });
});

describe('a signing configuration', () => {
  const config = (rekorTlogConfig: JsonObject): unknown =>
    parseSigningConfig(utf8(JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json', rekorTlogConfig }))).logSelection;
  it('may write its selectors as numbers', () => {
    assert.deepEqual(
      [config({ selector: 1 }), config({ selector: 2 }), config({ selector: 3, count: 1 })],
      [{ rule: 'all' }, { rule: 'any' }, { rule: 'exact', count: 1 }],
    );
    assert.equal(
      why(() => config({ selector: 0 })),
      'ERR_TRUSTED_ROOT_INVALID the signing configuration.rekorTlogConfig: selector is missing',
    );
    assert.match(
      why(() => config({ selector: 4 })),
      /^ERR_TRUSTED_ROOT_INVALID the signing configuration.rekorTlogConfig: selector/,
    );
  });
  it('says what it is where it is no JSON, or too large', () => {
    assert.match(
      why(() => parseSigningConfig(utf8('{'))),
      /the signing configuration/,
    );
    assert.match(
      why(() => parseSigningConfig(utf8(' '.repeat(LIMITS.documentBytes + 1)))),
      /^ERR_TOO_LARGE the signing configuration/,
    );
  });
});

describe('a supposition', () => {
  it('of a revocation at the very end of a key is one, and later is none', () => {
    const repository = new TrustRepository();
    repository.keys = [listedKey({ state: 'retired', retiredAt: NOW })];
    repository.publishTrust();
    const { state } = repository.first();
    assert.deepEqual(
      supposeRevoked(state, 'release/1', NOW).keys.map(({ state: is, invalidFrom, reason }) => [is, invalidFrom, reason]),
      [['compromised', NOW, 'supposed']],
    );
    assert.equal(
      why(() => supposeRevoked(state, 'release', NOW + 1)),
      'ERR_TRUST_TRANSITION the key release/1 does not count from an earlier moment on already',
    );
    assert.equal(
      why(() => supposeRevoked(state, 'n'.repeat(81))),
      `ERR_TRUST_PLAN no key of the trust state is called ${JSON.stringify('n'.repeat(80))}`,
    );
  });
});

describe('a trust state', () => {
  it('has anchors for keys alone, its texts by their paths, and no suspension among its denials', () => {
    const repository = new TrustRepository();
    const { key: _, ...bare } = listedKey({ name: 'log', role: 'log', anchor: 'ab'.repeat(32) });
    repository.keys = [listedKey(), bare];
    for (const name of ['b', 'c', 'a']) repository.texts.set(`policy/${name}.yaml`, name);
    const [first] = repository.people;
    repository.denials = [
      { id: 's', kind: 'suspension', name: 'log', version: 1, at: NOW, by: first.publicKey.fingerprint, reason: 'r', addedAt: NOW },
      { id: 'r', kind: 'revocation', name: 'log', version: 1, reason: 'r', addedAt: NOW },
      { id: 'k', kind: 'run', run: 'x', reason: 'r', addedAt: NOW },
    ];
    repository.publishTrust();
    const { state } = repository.first();
    assert.deepEqual(
      state.anchors.keys.map(({ name }) => name),
      ['release/1'],
    );
    assert.deepEqual(
      state.policies.map(({ path }) => path),
      ['policy/a.yaml', 'policy/b.yaml', 'policy/c.yaml'],
    );
    assert.deepEqual(
      state.denials.map(({ id }) => id),
      ['k'],
    );
    const at = (from: number): string =>
      digestState({ ...state, anchors: { ...state.anchors, keys: [{ ...keyAnchor(createTestKey().publicKey, 'x'), id: 'x', window: { from } }] } });
    assert.equal(new Set([at(ALWAYS.from), at(0), at(1)]).size, 3);
    assert.equal(at(ALWAYS.from), at(ALWAYS.from));
  });
  it('names its files by the best digest that they have', () => {
    assert.equal(targetName('a', { other: 'ef', sha512: 'cd' }), 'targets/cd.a');
    assert.equal(targetName('a', { other: 'ef', sha512: 'cd', sha256: 'ab' }), 'targets/ab.a');
  });
});
