import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noteKey } from '../../../test/journals.ts';
import { concatBytes, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import {
  computeRoot,
  encodeCheckpoint,
  encodeOfflineProof,
  encodeVerifierKey,
  inclusionProof,
  leafHash,
  logKey,
  NOTE_KEY_TYPE,
  parseLogPolicy,
  parseOfflineProof,
  parseSubmission,
  signNote,
  verifyOfflineProof,
} from './index.ts';

const KEY = noteKey('log.example');
const POLICY = parseLogPolicy(utf8(`log ${encodeVerifierKey(KEY.verifier, NOTE_KEY_TYPE.ed25519)}\nquorum none\n`));
const LEAVES = Array.from({ length: 21 }, (_, i) => leafHash(utf8(`entry ${i}`)));

async function proofOf(index: bigint, extra?: Uint8Array): Promise<Uint8Array> {
  const envelope = await signNote(encodeCheckpoint({ origin: 'log.example', size: 21n, root: computeRoot(LEAVES) }), [KEY]);
  return utf8(encodeOfflineProof({ index, proof: inclusionProof(LEAVES, index), envelope, ...(extra ? { extra } : {}) }));
}

test('law: a proof reads back, verifies for its entry, and for no other', async () => {
  for (let i = 0n; i < 21n; i++) {
    const proof = parseOfflineProof(await proofOf(i, i % 2n ? utf8(`entry ${i}`) : undefined));
    assert.equal(proof.extra === undefined, i % 2n === 0n);
    assert.equal(verifyOfflineProof(proof, utf8(`entry ${i}`), POLICY).ok, true);
    const other = verifyOfflineProof(proof, utf8(`entry ${i + 1n}`), POLICY);
    assert.equal(other.ok ? '' : other.reason, 'LOG_PROOF_INVALID');
  }
});

test('any flipped bit of a proof is refused, or changes nothing that counts', async () => {
  const sound = await proofOf(4n);
  const base = parseOfflineProof(sound);
  for (let bit = 0; bit < sound.length * 8; bit++) {
    const flipped = sound.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    try {
      const proof = parseOfflineProof(flipped);
      const verdict = verifyOfflineProof(proof, utf8('entry 4'), POLICY);
      // Flips that name another key make the line one of a stranger; then nobody signed.
      assert.equal(verdict.ok, false, `bit ${bit}: ${Buffer.from(flipped).toString()} ${String(base.index)}`);
    } catch (error) {
      assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', `bit ${bit}: ${String(error)}`);
    }
  }
});

test('junk is refused and never crashes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
      for (const bytes of [junk, concatBytes(utf8('c2sp.org/tlog-proof@v1\n'), junk), concatBytes(utf8('old 1\n'), junk)]) {
        for (const parse of [parseOfflineProof, parseSubmission, parseLogPolicy]) {
          try {
            parse(bytes);
          } catch (error) {
            assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
          }
        }
      }
    }),
  );
});

test('a proof says what is wrong with it', async () => {
  const good = new TextDecoder().decode(await proofOf(4n));
  for (const [text, why] of [
    ['c2sp.org/tlog-proof@v1\nindex 12', /no empty line/],
    [good.replace('@v1', '@v2'), /does not begin with c2sp/],
    [good.replace('index 4', 'place 4'), /names no index/],
    [good.replace('index 4', 'index 04'), /the index is not a decimal number/],
    [good.replace('index 4', `index ${'4'.repeat(60)}`), new RegExp(`"4{60}"$`)],
    [good.replace('index 4', `index ${'4'.repeat(61)}`), /"4{60}\.\.\."$/],
  ] as const)
    assert.throws(() => parseOfflineProof(utf8(text)), { code: 'ERR_LOG_FORMAT', message: why });
});

test('an envelope that cannot be read, or is of another log, is an answer and no crash', async () => {
  const proof = parseOfflineProof(await proofOf(4n));
  const reasons = ['', 'no note at all', proof.envelope.replace('log.example\n', 'other.example\n')].map((envelope) => {
    const verdict = verifyOfflineProof({ ...proof, envelope }, utf8('entry 4'), POLICY);
    return verdict.ok ? 'ok' : verdict.reason;
  });
  assert.deepEqual(reasons, ['CHECKPOINT_INVALID', 'CHECKPOINT_INVALID', 'LOG_UNKNOWN']);
});

test('bounds: one hash more than LIMITS.inclusionProofHashes, one byte more than LIMITS.bundleBytes and LIMITS.submissionBytes', async () => {
  const { envelope } = parseOfflineProof(await proofOf(0n));
  const many = (count: number): Uint8Array =>
    utf8(encodeOfflineProof({ index: 0n, proof: Array.from({ length: count }, () => LEAVES[0] as Uint8Array), envelope }));
  assert.equal(parseOfflineProof(many(LIMITS.inclusionProofHashes)).proof.length, LIMITS.inclusionProofHashes);
  assert.throws(() => parseOfflineProof(many(LIMITS.inclusionProofHashes + 1)), { code: 'ERR_TOO_LARGE' });
  assert.throws(() => parseOfflineProof(new Uint8Array(LIMITS.bundleBytes + 1)), { code: 'ERR_TOO_LARGE' });
  assert.throws(() => parseSubmission(new Uint8Array(LIMITS.submissionBytes + 1)), { code: 'ERR_TOO_LARGE' });
});

test('a log has a key of a kind that signs checkpoints', () => {
  const { verifier } = KEY;
  assert.equal(logKey('log.example', verifier.key, KEY.sign).verifier.id, verifier.id);
  assert.equal(logKey('log.example', noteKey('x', NOTE_KEY_TYPE.subtree).verifier.key, KEY.sign).verifier.statement, 'subtree/v1');
  assert.throws(() => logKey('log.example', { ...verifier.key, kind: 'rsa' }, KEY.sign), { code: 'ERR_KEY_INVALID' });
});
