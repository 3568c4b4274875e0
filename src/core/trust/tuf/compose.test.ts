/** The documents that are written, member by member as TUF's specification names them, and read back as what was meant. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey } from '../../../testing/index.ts';
import { encodePublicKeyPem, hash } from '../../crypto/index.ts';
import { encodeHex, type JsonObject, utf8 } from '../../encoding/index.ts';
import { Fields } from '../fields.ts';
import { composeRoot, composeSnapshot, composeTargets, composeTimestamp, encodeMetadata } from './compose.ts';
import { delegationsFor, delegationTo } from './delegated-path.ts';
import { parseRoot, parseTargets } from './metadata.ts';
import { composeMetadataKey, HOLDER_FIELD, metadataAlgorithm, readMetadataKey } from './metadata-key.ts';

const EXPIRES = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const common = { version: 7, expires: EXPIRES };
const said = { spec_version: '1.0.31', version: 7, expires: '2026-01-02T03:04:05Z' };
const [key, other] = [createTestKey().publicKey, createTestKey('ed25519').publicKey];
const sha256 = (bytes: Uint8Array): string => encodeHex(hash('sha256', bytes));
const bytes = utf8('abc');

describe('composed metadata', () => {
  it('of files names each with length, digest and what is said beside it', () => {
    const targets = composeTargets({
      ...common,
      files: [
        { path: 'a', bytes },
        { path: 'b', bytes: utf8(''), custom: { x: 1 } },
      ],
    });
    assert.deepEqual(targets, {
      _type: 'targets',
      ...said,
      targets: { a: { length: 3, hashes: { sha256: sha256(bytes) } }, b: { length: 0, hashes: { sha256: sha256(utf8('')) }, custom: { x: 1 } } },
    });
    assert.ok(!('delegations' in composeTargets({ ...common, files: [], delegations: [] })));
  });

  it('of delegations names keys once, and each role with its paths, terminating', () => {
    const { id, record } = composeMetadataKey(key);
    const delegations = [
      { name: 'a', paths: ['a/*'], keys: [{ key }, { key: other, holder: 'maria' }], threshold: 2 },
      { name: 'b', paths: ['b/*', 'c/*'], keys: [{ key }], threshold: 1 },
    ];
    const composed = composeTargets({ ...common, files: [], delegations });
    const named = composeMetadataKey(other, 'maria');
    assert.deepEqual(composed['delegations'], {
      keys: { [id]: record, [named.id]: named.record },
      roles: [
        { name: 'a', keyids: [id, named.id], threshold: 2, terminating: true, paths: ['a/*'] },
        { name: 'b', keyids: [id], threshold: 1, terminating: true, paths: ['b/*', 'c/*'] },
      ],
    });
    const read = parseTargets(encodeMetadata(composed, []), 'targets');
    assert.deepEqual(
      read.delegations.map(({ name, threshold, terminating, paths, keys }) => [name, threshold, terminating, paths, keys.map(({ holder }) => holder)]),
      [
        ['a', 2, true, ['a/*'], [undefined, 'maria']],
        ['b', 1, true, ['b/*', 'c/*'], [undefined]],
      ],
    );
  });

  it('of a snapshot and a timestamp names what it is about by version, length and digest', () => {
    const record = { version: 3, length: 3, hashes: { sha256: sha256(bytes) } };
    assert.deepEqual(composeSnapshot({ ...common, documents: [{ role: 'keys', version: 3, bytes }] }), {
      _type: 'snapshot',
      ...said,
      meta: { 'keys.json': record },
    });
    const timestamp = composeTimestamp({ ...common, issuedAt: EXPIRES - 1000, snapshot: { version: 3, bytes } });
    const { meta, ...rest } = timestamp;
    assert.deepEqual(meta, { 'snapshot.json': record });
    assert.deepEqual(Object.values(rest).includes('2026-01-02T03:04:04Z'), true);
  });

  it('of a root keeps post-quantum keys apart, with a threshold that they can meet', () => {
    const quantum = createTestKey('ml-dsa-65').publicKey;
    const one = { keys: [{ key }], threshold: 1 };
    const both = { keys: [{ key }, { key: other }, { key: quantum }], threshold: 2 };
    const root = parseRoot(encodeMetadata(composeRoot({ ...common, roles: { root: both, timestamp: one, snapshot: one, targets: one } }), []));
    assert.deepEqual([root.type, root.version, root.consistentSnapshot], ['root', 7, true]);
    assert.deepEqual([root.roles.root.threshold, root.roles.root.keys.length], [2, 2]);
    assert.deepEqual([root.postQuantum.root?.threshold, root.postQuantum.root?.keys.length], [1, 1]);
    assert.deepEqual(Object.keys(root.postQuantum), ['root']);
    assert.ok(!JSON.stringify(composeRoot({ ...common, roles: { root: one, timestamp: one, snapshot: one, targets: one } })).includes('ml-dsa'));
  });

  it('lists signatures by the id of their key, each key once', () => {
    const made = [key, other].map((one) => ({ key: one, signature: utf8(one.kind) }));
    const list = (all: typeof made) =>
      (JSON.parse(new TextDecoder().decode(encodeMetadata({}, all))) as { signatures: { keyid: string }[] }).signatures.map(({ keyid }) => keyid);
    const ids = [key, other].map((one) => composeMetadataKey(one).id).sort();
    assert.deepEqual(list(made), ids);
    assert.deepEqual(list([...made].reverse()), ids);
    assert.deepEqual(list([...made, ...made]), ids);
  });
});

describe('keys of metadata', () => {
  const read = (record: JsonObject) => readMetadataKey('id', new Fields(record, 'it'));
  const refused = (record: JsonObject): string => {
    try {
      read(record);
      return 'read';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('are written and read with type and scheme by their kind', () => {
    for (const [kind, keytype, scheme, algorithm] of [
      ['ecdsa-p256', 'ecdsa', 'ecdsa-sha2-nistp256', 'ecdsa-p256-sha256'],
      ['ecdsa-p384', 'ecdsa', 'ecdsa-sha2-nistp384', 'ecdsa-p384-sha384'],
      ['ed25519', 'ed25519', 'ed25519', 'ed25519'],
      ['ml-dsa-44', 'ml-dsa', 'ml-dsa-44', 'ml-dsa-44'],
      ['ml-dsa-65', 'ml-dsa', 'ml-dsa-65', 'ml-dsa-65'],
      ['ml-dsa-87', 'ml-dsa', 'ml-dsa-87', 'ml-dsa-87'],
    ] as const) {
      const { publicKey } = createTestKey(kind);
      const { record } = composeMetadataKey(publicKey, 'maria');
      assert.deepEqual([record['keytype'], record['scheme'], record[HOLDER_FIELD]], [keytype, scheme, 'maria']);
      const { usable, holder, id } = read(record);
      assert.deepEqual([usable?.key.fingerprint, usable?.algorithm.id, holder, id], [publicKey.fingerprint, algorithm, 'maria', 'id']);
      assert.equal(metadataAlgorithm(publicKey).id, algorithm);
    }
    for (const kind of ['rsa2048', 'ecdsa-p521'] as const) assert.throws(() => metadataAlgorithm(createTestKey(kind).publicKey), { code: 'ERR_KEY_INVALID' });
  });

  it('of others are read as they write them: types by curve, RSA in PEM, raw bytes in hexadecimal', () => {
    const pem = (kind: 'ecdsa-p256' | 'ecdsa-p384' | 'rsa3072') => encodePublicKeyPem(createTestKey(kind).publicKey);
    const record = (keytype: string, scheme: string, text: string): JsonObject => ({ keytype, scheme, keyval: { public: text } });
    assert.equal(read(record('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', pem('ecdsa-p256'))).usable?.algorithm.id, 'ecdsa-p256-sha256');
    assert.equal(read(record('ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384', pem('ecdsa-p384'))).usable?.algorithm.id, 'ecdsa-p384-sha384');
    assert.equal(read(record('rsa', 'rsassa-pss-sha256', pem('rsa3072'))).usable?.key.kind, 'rsa');
    const point = encodeHex(key.spki.slice(-65));
    assert.equal(read(record('ecdsa', 'ecdsa-sha2-nistp256', point)).usable?.key.fingerprint, key.fingerprint);
    assert.equal(read(record('ed25519', 'ed25519', encodeHex(other.raw))).usable?.key.fingerprint, other.fingerprint);
    for (const [type, scheme] of [
      ['rsa', 'rsassa-pss-sha256'],
      ['ml-dsa', 'ml-dsa-65'],
    ] as const)
      assert.equal(refused(record(type, scheme, point)), 'it, keyval: public cannot be read: it is not in PEM');
    assert.equal(refused(record('ecdsa', 'ecdsa-sha2-nistp384', pem('ecdsa-p256'))), 'it: the key does not fit to its scheme ecdsa-sha2-nistp384');
    for (const [type, scheme] of [
      ['ecdsa', 'ed25519'],
      ['toString', 'x'],
      ['sphincs', 'sphincs-shake-128s'],
    ] as const)
      assert.deepEqual(read(record(type, scheme, 'anything')), { id: 'id' }, 'a kind that is not read counts for nothing, and spoils nothing');
  });
});

describe('whom a path is delegated to', () => {
  const signers = { keys: [], threshold: 1 };
  const targets = { type: 'targets', version: 1, expires: 0, files: new Map(), bytes, canonical: bytes, signatures: [] } as const;

  it('ends at the first role that is terminating, and says so', () => {
    const roles = (...terminating: boolean[]) =>
      terminating.map((ends, at) => ({ ...signers, name: `r${at}`, paths: at === 1 ? ['other/*'] : ['a/*'], terminating: ends }));
    const asked = (...terminating: boolean[]) => {
      const found = delegationsFor({ ...targets, delegations: roles(...terminating) }, 'a/x');
      return [found.terminating, found.delegations.map(({ name }) => name).join()];
    };
    assert.deepEqual(asked(false, true, false), [false, 'r0,r2']);
    assert.deepEqual(asked(true, true, false), [true, 'r0']);
    assert.deepEqual(asked(false, false, true, true), [true, 'r0,r2']);
    const read = parseTargets(
      utf8(
        JSON.stringify({
          signatures: [],
          signed: {
            _type: 'targets',
            ...said,
            targets: {},
            delegations: { keys: {}, roles: [{ name: 'a', keyids: [], threshold: 1, terminating: false, path_hash_prefixes: ['ab'] }] },
          },
        }),
      ),
      'targets',
    );
    assert.deepEqual(read.delegations, [{ name: 'a', keys: [], threshold: 1, terminating: false, pathHashPrefixes: ['ab'] }]);
    assert.deepEqual(parseTargets(encodeMetadata(composeTargets({ ...common, files: [] }), []), 'targets').delegations, []);
  });

  it('of bins is the one bin of its digest, and nobody else', () => {
    const bins = { ...targets, delegations: [], succinct: { ...signers, bitLength: 4, namePrefix: 'bin' } };
    const digit = sha256(utf8('a/x')).slice(0, 1);
    const found = delegationsFor(bins, 'a/x');
    assert.deepEqual(found, { delegations: [{ ...bins.succinct, name: `bin-${digit}`, terminating: true, paths: [] }], terminating: true });
    assert.deepEqual(delegationTo(bins, 'bin-f'), { ...bins.succinct, name: 'bin-f', terminating: true, paths: [] });
    for (const name of ['bin-10', 'bin-g', 'bin-0f', 'bin-', 'bin', 'other-f', 'bin-F']) assert.equal(delegationTo(bins, name), undefined, name);
  });
});
