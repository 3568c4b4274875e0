/** Reading log entries, from the proto3 JSON of a bundle and from cosign's annotation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comparable, damagedJson } from '../../../test/damaged-json.ts';
import { encodeBase64, encodeBase64Url, encodeHex, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { parseLogEntry, parseRekorBundle } from './index.ts';

const HASH = new Uint8Array(32).fill(0xfb);
const SIGNATURE = utf8('a signature');
const BODY = utf8('{"kind":"hashedrekord","apiVersion":"0.0.1"}');
const B64_HASH = encodeBase64(HASH);
const b64 = (text: string): string => encodeBase64(utf8(text));

function refuses(read: () => unknown, message: RegExp, code = 'ERR_LOG_FORMAT'): void {
  assert.throws(read, (error) => error instanceof SealwardError && error.code === code && message.test(error.message), String(message));
}

const ENTRY: JsonObject = {
  logIndex: '5',
  logId: { keyId: B64_HASH },
  kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
  integratedTime: '1700000000',
  inclusionPromise: { signedEntryTimestamp: encodeBase64(SIGNATURE) },
  inclusionProof: { logIndex: '4', rootHash: B64_HASH, treeSize: '9', hashes: [B64_HASH, B64_HASH], checkpoint: { envelope: 'a note' } },
  canonicalizedBody: b64('{}'),
};

const READ = {
  logIndex: '5n',
  logId: encodeHex(HASH),
  kind: 'hashedrekord',
  version: '0.0.1',
  integratedTime: '1700000000n',
  inclusionPromise: encodeHex(SIGNATURE),
  inclusionProof: { logIndex: '4n', treeSize: '9n', rootHash: encodeHex(HASH), hashes: [encodeHex(HASH), encodeHex(HASH)], checkpoint: 'a note' },
  canonicalizedBody: encodeHex(utf8('{}')),
};

test('an entry reads the same in every spelling that proto3 JSON allows', () => {
  assert.deepEqual(comparable(parseLogEntry(ENTRY)), READ);
  const snake = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(snake);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snake(member)]));
  };
  assert.deepEqual(comparable(parseLogEntry(snake(ENTRY))), READ);
  assert.deepEqual(comparable(parseLogEntry({ ...ENTRY, logIndex: 5, integratedTime: 1_700_000_000 })), READ);
  for (const keyId of [encodeBase64Url(HASH), B64_HASH.replace('=', '')]) assert.deepEqual(comparable(parseLogEntry({ ...ENTRY, logId: { keyId } })), READ);
});

test('what proto3 leaves out is zero or absent', () => {
  const { integratedTime: _time, inclusionPromise: _promise, inclusionProof: _proof, ...rest } = READ;
  const none = { ...ENTRY, integratedTime: '0', inclusionPromise: null, inclusionProof: null };
  assert.deepEqual(comparable(parseLogEntry(none)), rest);
  const first: JsonObject = { ...none, inclusionProof: { rootHash: B64_HASH, treeSize: '1', checkpoint: { envelope: '' } } };
  delete first['logIndex'];
  assert.deepEqual(comparable(parseLogEntry(first)), {
    ...rest,
    logIndex: '0n',
    inclusionProof: { logIndex: '0n', treeSize: '1n', rootHash: encodeHex(HASH), hashes: [] },
  });
});

test('entries with unknown fields, impossible numbers or missing parts are refused', () => {
  refuses(() => parseLogEntry({ ...ENTRY, other: 1 }), /not known/);
  refuses(() => parseLogEntry({ ...ENTRY, log_index: '5' }), /two names/);
  refuses(() => parseLogEntry({ ...ENTRY, inclusionProof: { ...(ENTRY['inclusionProof'] as JsonObject), other: 1 } }), /not known/);
  refuses(() => parseLogEntry({ ...ENTRY, logId: { keyId: encodeBase64(HASH.subarray(1)) } }), /31 bytes/);
  for (const bad of ['-1', '05', '1.0', '1e3', '', ' 1', '9223372036854775808', -1, 1.5, true, {}, []]) {
    refuses(() => parseLogEntry({ ...ENTRY, logIndex: bad }), /logIndex/);
    refuses(() => parseLogEntry({ ...ENTRY, integratedTime: bad }), /integratedTime/);
    refuses(() => parseLogEntry({ ...ENTRY, inclusionProof: { ...(ENTRY['inclusionProof'] as JsonObject), treeSize: bad } }), /treeSize/);
  }
  for (const name of ['logId', 'kindVersion', 'canonicalizedBody']) refuses(() => parseLogEntry({ ...ENTRY, [name]: null }), new RegExp(name));
  for (const value of [undefined, null, 1, 'x', []]) refuses(() => parseLogEntry(value), /not an object/);
});

test('bounds: one hash more than LIMITS.inclusionProofHashes', () => {
  const withHashes = (count: number): JsonObject => ({
    ...ENTRY,
    inclusionProof: { ...(ENTRY['inclusionProof'] as JsonObject), hashes: Array.from({ length: count }, () => B64_HASH) },
  });
  assert.equal(parseLogEntry(withHashes(LIMITS.inclusionProofHashes)).inclusionProof?.hashes.length, LIMITS.inclusionProofHashes);
  refuses(() => parseLogEntry(withHashes(LIMITS.inclusionProofHashes + 1)), /bound/, 'ERR_TOO_LARGE');
});

test('an entry with an attestation in it is read although it is larger than other documents', () => {
  const filled = utf8(`{"kind":"intoto","apiVersion":"0.0.2","spec":"${'x'.repeat(LIMITS.documentBytes)}"}`);
  const payload = { ...BUNDLE.Payload, body: encodeBase64(filled) };
  assert.equal(parseRekorBundle(JSON.stringify({ ...BUNDLE, Payload: payload })).kind, 'intoto');
});

test('no member of an entry can be missing or of another type and do worse than be refused', () => {
  for (const mutant of damagedJson(ENTRY)) {
    try {
      parseLogEntry(mutant);
    } catch (error) {
      assert.ok(error instanceof SealwardError && ['ERR_LOG_FORMAT', 'ERR_TOO_LARGE'].includes(error.code), String(error));
    }
  }
});

const BUNDLE = {
  SignedEntryTimestamp: encodeBase64(SIGNATURE),
  Payload: { body: encodeBase64(BODY), integratedTime: 1_700_000_000, logIndex: 5, logID: encodeHex(HASH) },
};

test("cosign's annotation reads as an entry whose kind is that of its body", () => {
  const { inclusionProof: _, ...rest } = READ;
  assert.deepEqual(comparable(parseRekorBundle(JSON.stringify(BUNDLE))), { ...rest, canonicalizedBody: encodeHex(BODY) });
  const bad: JsonObject[] = [{}, { Payload: BUNDLE.Payload }, { SignedEntryTimestamp: BUNDLE.SignedEntryTimestamp }, { ...BUNDLE, more: 1 }];
  for (const part of [
    { logID: 'zz' },
    { logID: encodeHex(HASH).toUpperCase() },
    { logID: 'ab' },
    { logIndex: -1 },
    { integratedTime: 0 },
    { body: '' },
    { body: b64('{}') },
    { body: b64('[]') },
  ]) {
    bad.push({ ...BUNDLE, Payload: { ...BUNDLE.Payload, ...part } });
  }
  for (const json of bad) refuses(() => parseRekorBundle(JSON.stringify(json)), /./);
  refuses(() => parseRekorBundle('{'), /strict JSON/);
});

test('law: an annotation damaged anywhere reads or is refused, and does nothing worse', () => {
  const text = JSON.stringify(BUNDLE);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, cut) => {
      const damaged = cut ? text.slice(0, at) : text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ change) + text.slice(at + 1);
      try {
        parseRekorBundle(damaged);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
