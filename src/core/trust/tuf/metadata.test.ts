import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOW, type TufRepository } from '../../../../test/tuf-repository.ts';
import { documentOf as json, follow, made, rewritten } from '../../../../test/tuf-steps.ts';
import { type JsonObject, type JsonValue, LIMITS, utf8 } from '../../encoding/index.ts';
import type { ErrorCode } from '../../errors.ts';
import { composeTargets, composeTimestamp } from './compose.ts';
import { matchFile, parseRoot, parseSnapshot, parseTargets, parseTimestamp, type TopRole } from './metadata.ts';
import { hasCurrentTargets, nextSnapshot, nextTargets, nextTimestamp, startTrust } from './trusted-metadata.ts';

const refuses = (by: () => unknown, code: ErrorCode): void => assert.throws(by, { code });

describe('documents that are named by their version alone, as other repositories do', () => {
  /** Without length and digests. */
  function bare(): TufRepository {
    const repository = made();
    const strip = (meta: JsonObject): void => {
      for (const name of Object.keys(meta)) meta[name] = { version: (meta[name] as JsonObject)['version'] as number };
    };
    rewritten(repository, 'snapshot', (signed) => strip(signed['meta'] as JsonObject));
    rewritten(repository, 'timestamp', (signed) => strip(signed['meta'] as JsonObject));
    return repository;
  }

  it('are followed', () => {
    assert.equal(follow(bare()).targets.size, 2);
  });

  it('are refused in another version than the one that is named', () => {
    const repository = bare();
    const served = new Map(repository.metadata);
    const trusted = nextTimestamp(startTrust(served.get('1.root.json') as Uint8Array), served.get('timestamp.json') as Uint8Array, NOW);
    refuses(() => nextSnapshot(trusted, repository.publishSnapshot(), NOW), 'ERR_TRUST_MISMATCH');
    const full = nextSnapshot(trusted, served.get('1.snapshot.json') as Uint8Array, NOW);
    refuses(() => nextTargets(full, 'targets', 'root', repository.publishTargets(), NOW), 'ERR_TRUST_MISMATCH');
    const next = nextTargets(full, 'targets', 'root', served.get('1.targets.json') as Uint8Array, NOW);
    refuses(() => nextTargets(next, 'deny', 'targets', repository.publishDelegated('deny'), NOW), 'ERR_TRUST_MISMATCH');
    // What is held of another version is not current.
    const ahead = nextTargets(next, 'deny', 'targets', served.get('1.deny.json') as Uint8Array, NOW);
    assert.equal(hasCurrentTargets(ahead, 'deny', 'targets', NOW), true);
    const document = ahead.targets.get('deny') as ReturnType<typeof parseTargets>;
    assert.equal(hasCurrentTargets({ ...ahead, targets: new Map([...ahead.targets, ['deny', { ...document, version: 2 }]]) }, 'deny', 'targets', NOW), false);
  });

  it('are held against what is named besides: the length alone, a digest alone, one that nobody knows', () => {
    const bytes = utf8('abc');
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    for (const record of [
      {},
      { length: 3 },
      { hashes: { sha256 } },
      { hashes: { sha256: sha256.toUpperCase() } },
      { length: 3, hashes: { sha256, other: 'x' } },
    ])
      matchFile(record, bytes, 'it');
    for (const record of [
      { length: 2 },
      { length: 4 },
      { hashes: { sha256: sha256.replace('b', 'c') } },
      { hashes: { other: sha256 } },
      { hashes: { sha256, sha512: sha256 } },
      { length: 4, hashes: { sha256 } },
    ])
      refuses(() => matchFile(record, bytes, 'it'), 'ERR_TRUST_MISMATCH');
  });

  it('are refused where they speak of nothing, of something else, or of nothing known', () => {
    const repository = made();
    const meta = (role: 'timestamp' | 'snapshot', value: JsonObject): Uint8Array => rewritten(repository, role, (signed) => void (signed['meta'] = value));
    const one = { version: 1 };
    refuses(() => parseTimestamp(meta('timestamp', { 'snapshot.json': one, 'other.json': one })), 'ERR_TRUST_INVALID');
    refuses(() => parseTimestamp(meta('timestamp', { 'other.json': one })), 'ERR_TRUST_INVALID');
    refuses(() => parseSnapshot(meta('snapshot', { 'targets.txt': one })), 'ERR_TRUST_INVALID');
    refuses(() => parseSnapshot(meta('snapshot', { 'targets.json': { version: 1, hashes: {} } })), 'ERR_TRUST_INVALID');
    refuses(() => parseSnapshot(meta('snapshot', { 'targets.json': { version: 0 } })), 'ERR_TRUST_INVALID');
    assert.equal(parseSnapshot(meta('snapshot', { 'targets.json': one })).meta.size, 1);
  });

  it('are written with moments in whole seconds, as section 4.1 has them and some clients demand', () => {
    const signed = composeTargets({ version: 1, expires: NOW + 999, files: [] });
    assert.equal(signed['expires'], '2026-01-15T00:00:00Z');
    const timestamp = composeTimestamp({ version: 1, expires: NOW + 1999, issuedAt: NOW + 1, snapshot: { version: 1, bytes: utf8('') } });
    assert.deepEqual([timestamp['expires'], timestamp['x-sealward-issued']], ['2026-01-15T00:00:01Z', '2026-01-15T00:00:00Z']);
  });

  it('are of version 1 of the specification', () => {
    const repository = made();
    for (const [version, good] of [
      ['1.0', true],
      ['1.0.31', true],
      ['1.9.0', true],
      ['2.0.0', false],
      ['1', false],
      ['10.0', false],
      ['1.0.x', false],
    ] as const) {
      const bytes = rewritten(repository, 'timestamp', (signed) => void (signed['spec_version'] = version));
      if (good) assert.ok(parseTimestamp(bytes));
      else refuses(() => parseTimestamp(bytes), 'ERR_TRUST_INVALID');
    }
  });

  it('of targets have files with a length and at least one digest, and delegations of one kind', () => {
    const repository = made();
    const targets = (change: (signed: JsonObject) => void): Uint8Array => {
      repository.versions.targets = 0;
      repository.publishTargets();
      return rewritten(repository, 'targets', change);
    };
    const file = (value: JsonValue) => targets((signed) => void (signed['targets'] = { x: value }));
    assert.ok(parseTargets(file({ length: 0, hashes: { md5: 'x' }, custom: { a: 1 } }), 'targets'));
    for (const value of [{}, { length: 1 }, { hashes: { sha256: 'x' } }, { length: 1, hashes: {} }, { length: -1, hashes: { sha256: 'x' } }])
      refuses(() => parseTargets(file(value), 'targets'), 'ERR_TRUST_INVALID');
    const succinct = (rest: JsonObject, roles = false) =>
      targets(
        (signed) =>
          void (signed['delegations'] = {
            keys: {},
            succinct_roles: { keyids: [], threshold: 1, name_prefix: 'bin', bit_length: 8, ...rest },
            ...(roles ? { roles: [] } : {}),
          }),
      );
    assert.equal(parseTargets(succinct({}), 'targets').succinct?.bitLength, 8);
    assert.equal(parseTargets(succinct({ bit_length: 32 }), 'targets').succinct?.bitLength, 32);
    for (const bytes of [
      () => succinct({ bit_length: 33 }),
      () => succinct({ bit_length: 0 }),
      () => succinct({ name_prefix: '' }),
      () => succinct({}, true),
      () => succinct({ threshold: 0 }),
    ])
      refuses(() => parseTargets(bytes(), 'targets'), 'ERR_TRUST_INVALID');
  });
});

describe('bounds', () => {
  const bound = (role: TopRole, limit: number): void => {
    const repository = made();
    const name = role === 'timestamp' ? 'timestamp.json' : `1.${role}.json`;
    const text = Buffer.from(repository.metadata.get(name) as Uint8Array).toString();
    const parse = { root: parseRoot, timestamp: parseTimestamp, snapshot: parseSnapshot, targets: (bytes: Uint8Array) => parseTargets(bytes, 'targets') }[role];
    assert.ok(parse(utf8(text.padEnd(limit))));
    refuses(() => parse(utf8(text.padEnd(limit + 1))), 'ERR_TOO_LARGE');
  };

  it('of documents in bytes', () => {
    bound('root', LIMITS.tufRootBytes);
    bound('timestamp', LIMITS.tufTimestampBytes);
    bound('snapshot', LIMITS.tufSnapshotBytes);
    bound('targets', LIMITS.tufTargetsBytes);
  });

  it('of members', () => {
    const repository = made();
    const unsigned = (signed: JsonObject, signatures: JsonValue = []): Uint8Array => utf8(JSON.stringify({ signed, signatures }));
    const many = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
    const root = repository.root();
    const signatures = (count: number) => many(count, (i) => ({ keyid: String(i), sig: '' }));
    assert.ok(parseRoot(unsigned(root, signatures(LIMITS.tufSignatures))));
    refuses(() => parseRoot(unsigned(root, signatures(LIMITS.tufSignatures + 1))), 'ERR_TOO_LARGE');
    const [key] = Object.values(root['keys'] as JsonObject) as [JsonObject];
    const keys = (count: number) => ({ ...root, keys: Object.fromEntries(many(count, (i) => [String(i), { ...key, keytype: 'other' }])) });
    assert.ok(parseRoot(unsigned(keys(LIMITS.tufKeys))));
    refuses(() => parseRoot(unsigned(keys(LIMITS.tufKeys + 1))), 'ERR_TOO_LARGE');
    const { signed: snapshot } = json(repository.metadata.get('1.snapshot.json') as Uint8Array) as { signed: JsonObject };
    const meta = (count: number) => ({ ...snapshot, meta: Object.fromEntries(many(count, (i) => [`${i}.json`, { version: 1 }])) });
    assert.ok(parseSnapshot(unsigned(meta(LIMITS.tufRoles))));
    refuses(() => parseSnapshot(unsigned(meta(LIMITS.tufRoles + 1))), 'ERR_TOO_LARGE');
    const targets = (count: number, path = 'x') =>
      composeTargets({ version: 1, expires: NOW, files: many(count, (i) => ({ path: `${i}${path}`, bytes: utf8('') })) });
    assert.ok(parseTargets(unsigned(targets(LIMITS.tufTargets)), 'targets'));
    refuses(() => parseTargets(unsigned(targets(LIMITS.tufTargets + 1)), 'targets'), 'ERR_TOO_LARGE');
    assert.ok(parseTargets(unsigned(targets(1, 'x'.repeat(LIMITS.tufPathLength - 1))), 'targets'));
    refuses(() => parseTargets(unsigned(targets(1, 'x'.repeat(LIMITS.tufPathLength))), 'targets'), 'ERR_TRUST_INVALID');
  });
});
