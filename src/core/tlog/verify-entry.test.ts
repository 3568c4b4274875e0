/** Promises and inclusion proofs of a small log of our own, in both generations of Rekor. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { algorithmByName, parsePublicKey, sha256 } from '../crypto/index.ts';
import { concatBytes, decodeHex, encodeBase64, encodeHex, utf8 } from '../encoding/index.ts';
import {
  computeRoot,
  cosignedSubtree,
  cosignedText,
  encodeCheckpoint,
  encodeNote,
  inclusionProof,
  leafHash,
  NOTE_KEY_TYPE,
  noteVerifier,
  type Refusal,
  type TransparencyLog,
  type TransparencyLogEntry,
  verifyCheckpoint,
  verifyEntryInclusion,
  verifyInclusionPromise,
} from './index.ts';

interface TestLog extends TransparencyLog {
  readonly origin: string;
  readonly name: string;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

const signerOf = (hash: string | null, key: KeyObject) => (message: Uint8Array) => new Uint8Array(sign(hash, message, key));
const publicKey = (key: KeyObject) => parsePublicKey(key.export({ format: 'der', type: 'spki' }));

function rekorV1(namedCurve = 'P-256', hash = 'sha256'): TestLog {
  const pair = generateKeyPairSync('ec', { namedCurve });
  const key = publicKey(pair.publicKey);
  // The operator named the server otherwise than the URL under which it is reached.
  return {
    origin: 'rekor.internal - 42',
    name: 'rekor.internal',
    logId: decodeHex(key.fingerprint),
    key,
    baseUrl: 'https://rekor.example',
    sign: signerOf(hash, pair.privateKey),
  };
}

function rekorV2(): TestLog {
  const pair = generateKeyPairSync('ed25519');
  const key = publicKey(pair.publicKey);
  const logId = sha256(concatBytes(utf8('log.example\n'), Uint8Array.of(1), key.raw));
  return { origin: 'log.example', name: 'log.example', logId, key, baseUrl: 'https://log.example:8080/path', sign: signerOf(null, pair.privateKey) };
}

const V1 = rekorV1();
const V2 = rekorV2();
const BODIES = Array.from({ length: 11 }, (_, i) => utf8(`{"entry":${i}}`));
const LEAVES = BODIES.map(leafHash);
const ROOT = computeRoot(LEAVES);
const SIZE = BigInt(LEAVES.length);

interface Head {
  readonly origin?: string;
  readonly name?: string;
  readonly size?: bigint;
  readonly root?: Uint8Array;
  readonly id?: number;
}

function checkpointOf(log: TestLog, head: Head = {}, more: Parameters<typeof encodeNote>[1] = []): string {
  const text = encodeCheckpoint({ origin: head.origin ?? log.origin, size: head.size ?? SIZE, root: head.root ?? ROOT });
  const id = head.id ?? new DataView(log.logId.buffer, log.logId.byteOffset).getUint32(0);
  return encodeNote(text, [{ name: head.name ?? log.name, id, signature: log.sign(utf8(text)) }, ...more]);
}

/** The entry at an index as the log hands it out; in Rekor v1 earlier trees shift the index that people see. */
function entryOf(log: TestLog, index: bigint, shift = log === V2 ? 0n : 1000n): TransparencyLogEntry & Required<Pick<TransparencyLogEntry, 'inclusionProof'>> {
  return {
    logIndex: index + shift,
    logId: log.logId,
    kind: 'hashedrekord',
    version: log === V2 ? '0.0.2' : '0.0.1',
    canonicalizedBody: BODIES[Number(index)] as Uint8Array,
    inclusionProof: { logIndex: index, treeSize: SIZE, rootHash: ROOT, hashes: inclusionProof(LEAVES, index), checkpoint: checkpointOf(log) },
  };
}

const reasonOf = (answer: { readonly ok: true } | Refusal): string => (answer.ok ? 'ok' : answer.reason);
const flip = (bytes: Uint8Array, bit: number): Uint8Array => bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));

for (const [generation, log] of Object.entries({ 'Rekor v1': V1, 'Rekor v2': V2 })) {
  test(`${generation}: every entry is proven by the checkpoint, and by nothing that differs`, () => {
    for (let index = 0n; index < SIZE; index++) {
      const entry = entryOf(log, index);
      const answer = verifyEntryInclusion(entry, log);
      assert.ok(answer.ok);
      assert.deepEqual(
        { size: answer.checkpoint.size, origin: answer.checkpoint.origin, cosignatures: answer.cosignatures },
        { size: SIZE, origin: log.origin, cosignatures: [] },
      );
      const { inclusionProof: proof } = entry;
      const broken: [string, Partial<TransparencyLogEntry>][] = [
        ['LOG_PROOF_INVALID', { canonicalizedBody: flip(entry.canonicalizedBody, Number(index)) }],
        ['LOG_PROOF_INVALID', { inclusionProof: { ...proof, hashes: proof.hashes.slice(1) } }],
        ['LOG_PROOF_INVALID', { inclusionProof: { ...proof, hashes: proof.hashes.with(0, flip(proof.hashes[0] as Uint8Array, 9)) } }],
        ['LOG_PROOF_INVALID', { inclusionProof: { ...proof, logIndex: index + 1n }, logIndex: entry.logIndex + 1n }],
        ['LOG_PROOF_INVALID', { inclusionProof: { ...proof, logIndex: index - 1n }, logIndex: entry.logIndex - 1n }],
        ['LOG_PROOF_INVALID', { inclusionProof: { ...proof, rootHash: flip(proof.rootHash, 255) } }],
        ['LOG_PROOF_INVALID', { inclusionProof: { ...proof, treeSize: SIZE + 1n } }],
        ['LOG_UNKNOWN', { logId: flip(log.logId, 100) }],
        ['CHECKPOINT_INVALID', { inclusionProof: { ...proof, checkpoint: 'no checkpoint' } }],
        ['CHECKPOINT_INVALID', { inclusionProof: { ...proof, checkpoint: '' } }],
      ];
      for (const [reason, change] of broken) assert.equal(reasonOf(verifyEntryInclusion({ ...entry, ...change }, log)), reason, Object.keys(change).join());
    }
  });

  test(`${generation}: without a checkpoint nothing is proven, sound or not`, () => {
    const { inclusionProof: proof, ...entry } = entryOf(log, 3n);
    const { checkpoint: _, ...bare } = proof;
    assert.equal(reasonOf(verifyEntryInclusion(entry, log)), 'LOG_PROOF_MISSING');
    assert.equal(reasonOf(verifyEntryInclusion({ ...entry, inclusionProof: bare }, log)), 'LOG_PROOF_MISSING');
    assert.equal(reasonOf(verifyEntryInclusion({ ...entry, inclusionProof: { ...bare, logIndex: 4n } }, log)), 'LOG_PROOF_INVALID');
  });

  test(`${generation}: a checkpoint of another tree, log, name or key ID is refused`, () => {
    const entry = entryOf(log, 3n);
    const withCheckpoint = (head: Head): string =>
      reasonOf(verifyEntryInclusion({ ...entry, inclusionProof: { ...entry.inclusionProof, checkpoint: checkpointOf(log, head) } }, log));
    assert.equal(withCheckpoint({}), 'ok');
    assert.equal(withCheckpoint({ size: SIZE + 1n }), 'LOG_PROOF_INVALID');
    assert.equal(withCheckpoint({ root: flip(ROOT, 0) }), 'LOG_PROOF_INVALID');
    assert.equal(withCheckpoint({ origin: 'other.example' }), 'CHECKPOINT_INVALID');
    assert.equal(withCheckpoint({ origin: 'other.example - 42' }), 'CHECKPOINT_INVALID');
    assert.equal(withCheckpoint({ name: 'other.example' }), 'CHECKPOINT_INVALID');
    assert.equal(withCheckpoint({ id: 1 }), 'CHECKPOINT_INVALID');
    const stranger = { ...log, ...(log === V1 ? rekorV1() : rekorV2()), logId: log.logId };
    assert.equal(reasonOf(verifyCheckpoint(checkpointOf(stranger), log)), 'CHECKPOINT_INVALID');
  });
}

test('Rekor v2 has one tree, so the index beside the proof is held against it; v1 may have several', () => {
  assert.equal(reasonOf(verifyEntryInclusion(entryOf(V2, 3n, 1n), V2)), 'LOG_PROOF_INVALID');
  assert.equal(reasonOf(verifyEntryInclusion({ ...entryOf(V2, 3n, 1n), version: '0.0.1' }, V2)), 'LOG_PROOF_INVALID');
  assert.equal(reasonOf(verifyEntryInclusion(entryOf(V1, 3n, 77n), V1)), 'ok');
});

test('of a checkpoint of another log it is said whose it is', () => {
  const other = verifyCheckpoint(checkpointOf(V2, { origin: 'other.example' }), V2);
  assert.match(other.ok ? '' : other.detail, /is of another log: its origin is "other\.example"/);
});

test('a log whose key is of ML-DSA signs statements about its tree, and never the text itself', () => {
  const pair = generateKeyPairSync('ml-dsa-44');
  const key = publicKey(pair.publicKey);
  const logId = sha256(concatBytes(utf8('log.example\n'), Uint8Array.of(6), key.raw));
  const log: TestLog = { origin: 'log.example', name: 'log.example', logId, key, baseUrl: 'https://log.example', sign: signerOf(null, pair.privateKey) };
  const text = encodeCheckpoint({ origin: log.origin, size: SIZE, root: ROOT });
  const signature = concatBytes(new Uint8Array(8), log.sign(cosignedSubtree({ text }, log.name, 0n) ?? assert.fail('no checkpoint')));
  const id = new DataView(logId.buffer, logId.byteOffset).getUint32(0);
  assert.equal(reasonOf(verifyCheckpoint(encodeNote(text, [{ name: log.name, id, signature }]), log)), 'ok');
  assert.equal(reasonOf(verifyCheckpoint(checkpointOf(log), log)), 'CHECKPOINT_INVALID');
});

test('a promise without a time is none, and that is said', () => {
  const { integratedTime: _, ...timeless } = promised(V1);
  const verdict = verifyInclusionPromise(timeless, V1);
  assert.deepEqual(verdict, { ok: false, reason: 'LOG_PROMISE_INVALID', detail: 'the log entry states no time for its promise' });
});

test('a log signs under the host name of its URL, whatever port and path, and a v2 log cannot pass for a v1 log', () => {
  const { baseUrl: _url, ...noUrl } = V2;
  assert.equal(reasonOf(verifyCheckpoint(checkpointOf(V2), noUrl)), 'CHECKPOINT_INVALID');
  assert.equal(reasonOf(verifyCheckpoint(checkpointOf(V2), { ...V2, baseUrl: 'not a URL' })), 'CHECKPOINT_INVALID');
  assert.equal(reasonOf(verifyCheckpoint(checkpointOf(V2), { ...V2, baseUrl: 'https://example' })), 'CHECKPOINT_INVALID');
  assert.equal(reasonOf(verifyCheckpoint(checkpointOf(V2, { origin: 'log.example - 42' }), V2)), 'CHECKPOINT_INVALID');
  const { baseUrl: _, ...byKeyAlone } = V1;
  assert.equal(reasonOf(verifyCheckpoint(checkpointOf(V1), byKeyAlone)), 'ok');
});

test('witnesses that are known are named with their time; unknown ones change nothing; a known one that fails refuses', () => {
  const pair = generateKeyPairSync('ed25519');
  const witness = noteVerifier('witness.example', NOTE_KEY_TYPE.cosignature, publicKey(pair.publicKey));
  const text = encodeCheckpoint({ origin: V2.origin, size: SIZE, root: ROOT });
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, 1_750_000_000n);
  const line = (message: Uint8Array) => ({ name: witness.name, id: witness.id, signature: concatBytes(time, signerOf(null, pair.privateKey)(message)) });
  const good = checkpointOf(V2, {}, [line(cosignedText({ bytes: utf8(text) }, 1_750_000_000n))]);
  const bad = checkpointOf(V2, {}, [line(utf8('something else'))]);
  const answer = verifyCheckpoint(good, V2, [witness]);
  assert.deepEqual(answer.ok && answer.cosignatures, [{ witness, time: 1_750_000_000n }]);
  for (const envelope of [good, bad]) assert.deepEqual(verifyCheckpoint(envelope, V2), verifyCheckpoint(checkpointOf(V2), V2));
  assert.equal(reasonOf(verifyCheckpoint(bad, V2, [witness])), 'CHECKPOINT_INVALID');
  const alone = encodeNote(text, [line(cosignedText({ bytes: utf8(text) }, 1_750_000_000n))]);
  assert.equal(reasonOf(verifyCheckpoint(alone, V2, [witness])), 'CHECKPOINT_INVALID');
});

/** The entry with the log's promise, made as Rekor makes it. */
function promised(log: TestLog): TransparencyLogEntry {
  const entry = { ...entryOf(log, 3n), integratedTime: 1_700_000_000n };
  const body = encodeBase64(entry.canonicalizedBody);
  const payload = JSON.stringify({ body, integratedTime: 1_700_000_000, logID: encodeHex(log.logId), logIndex: Number(entry.logIndex) });
  return { ...entry, inclusionPromise: log.sign(utf8(payload)) };
}

test('the promise vouches for body, time, log and index together, and is the only source of the time', () => {
  const entry = promised(V1);
  assert.deepEqual(verifyInclusionPromise(entry, V1), { ok: true, time: 1_700_000_000n });
  const { inclusionPromise, integratedTime, ...rest } = entry;
  const broken: [string, TransparencyLogEntry][] = [
    ['LOG_PROMISE_INVALID', { ...rest, integratedTime: integratedTime as bigint }],
    ['LOG_PROMISE_INVALID', { ...rest, inclusionPromise: inclusionPromise as Uint8Array }],
    ['LOG_PROMISE_INVALID', { ...entry, integratedTime: 1_700_000_001n }],
    ['LOG_PROMISE_INVALID', { ...entry, logIndex: entry.logIndex + 1n }],
    ['LOG_PROMISE_INVALID', { ...entry, logIndex: entry.inclusionProof?.logIndex as bigint }],
    ['LOG_PROMISE_INVALID', { ...entry, canonicalizedBody: BODIES[4] as Uint8Array }],
    ['LOG_UNKNOWN', { ...entry, logId: V2.logId }],
  ];
  for (let bit = 0; bit < (inclusionPromise as Uint8Array).length * 8; bit++)
    broken.push(['LOG_PROMISE_INVALID', { ...entry, inclusionPromise: flip(inclusionPromise as Uint8Array, bit) }]);
  for (const [reason, mutant] of broken) assert.equal(reasonOf(verifyInclusionPromise(mutant, V1)), reason);
  // Another log that goes by the same ID is told by its key.
  assert.equal(reasonOf(verifyInclusionPromise(entry, { ...rekorV1(), logId: V1.logId })), 'LOG_PROMISE_INVALID');
});

test('a log whose documents name its algorithm is held to it; otherwise every one that fits its key is tried', () => {
  const log = rekorV1('P-384', 'sha256');
  const entry = promised(log);
  assert.equal(reasonOf(verifyInclusionPromise(entry, log)), 'ok');
  assert.equal(reasonOf(verifyEntryInclusion(entry, log)), 'ok');
  const named = (name: string): TransparencyLog => ({ ...log, algorithm: algorithmByName(name) as NonNullable<TransparencyLog['algorithm']> });
  assert.equal(reasonOf(verifyInclusionPromise(entry, named('PKIX_ECDSA_P384_SHA_256'))), 'ok');
  assert.equal(reasonOf(verifyInclusionPromise(entry, named('PKIX_ECDSA_P384_SHA_384'))), 'LOG_PROMISE_INVALID');
  assert.equal(reasonOf(verifyEntryInclusion(entry, named('PKIX_ECDSA_P384_SHA_384'))), 'CHECKPOINT_INVALID');
});
