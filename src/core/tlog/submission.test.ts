/** What a witness answers to each submission, by itself: no store, no network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteKey } from '../../../test/journals.ts';
import { encodeBase64, utf8 } from '../encoding/index.ts';
import {
  computeRoot,
  consistencyProof,
  emptyRoot,
  encodeCheckpoint,
  encodeSubmission,
  judgeSubmission,
  leafHash,
  parseSubmission,
  signNote,
  type Submission,
  type SubmissionVerdict,
  type Witnessed,
} from './index.ts';

const LOG = noteKey('log.example');
const KEYS = [LOG.verifier];
const LEAVES = Array.from({ length: 12 }, (_, i) => leafHash(utf8(`entry ${i}`)));
const OTHERS = Array.from({ length: 12 }, (_, i) => leafHash(utf8(`other ${i}`)));
const rootOf = (size: number, leaves = LEAVES): Uint8Array => computeRoot(leaves.slice(0, size));
const seen = (size: number, leaves = LEAVES): Witnessed => ({ size: BigInt(size), root: rootOf(size, leaves) });

async function bodyOf(old: number | bigint, size: number, { proof, root = rootOf(size), key = LOG, extra = '' }: Partial<Made> = {}): Promise<Uint8Array> {
  const made = proof ?? (old > 0 && old < size ? consistencyProof(LEAVES, BigInt(old), BigInt(size)) : []);
  const envelope = await signNote(`${encodeCheckpoint({ origin: 'log.example', size: BigInt(size), root })}${extra}`, [key]);
  return utf8(encodeSubmission({ old: BigInt(old), proof: made, envelope }));
}

interface Made {
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly key: typeof LOG;
  readonly extra: string;
}

const judged = async (body: Promise<Uint8Array>, latest?: Witnessed): Promise<SubmissionVerdict> => judgeSubmission(parseSubmission(await body), KEYS, latest);

test('a submission reads back as it was written', async () => {
  const body = await bodyOf(5, 12);
  const submission: Submission = parseSubmission(body);
  assert.deepEqual([submission.old, submission.checkpoint.origin, submission.checkpoint.size], [5n, 'log.example', 12n]);
  assert.deepEqual(submission.proof, consistencyProof(LEAVES, 5n, 12n));
  assert.equal(encodeSubmission(submission), new TextDecoder().decode(body));
});

test('a witness cosigns what follows from what it saw, from nothing on, and the same once more', async () => {
  const signs = { status: 200 };
  assert.deepEqual(await judged(bodyOf(0, 0)), signs);
  assert.deepEqual(await judged(bodyOf(0, 7)), signs);
  assert.deepEqual(await judged(bodyOf(0, 7), { size: 0n, root: emptyRoot() }), signs);
  for (let old = 1; old <= 12; old++) for (let size = old; size <= 12; size++) assert.deepEqual(await judged(bodyOf(old, size), seen(old)), signs);
});

test('it refuses each other thing with its own status and reason', async () => {
  const refused = async (status: number, why: RegExp, body: Promise<Uint8Array>, latest?: Witnessed): Promise<void> => {
    const verdict = await judged(body, latest);
    assert.equal(verdict.status, status);
    assert.match('why' in verdict ? verdict.why : '', why);
  };
  await refused(403, /no key of the log signed/, bodyOf(0, 7, { key: noteKey('log.example') }));
  await refused(400, /has extension lines/, bodyOf(0, 7, { extra: 'one more line\n' }));
  await refused(400, /old size is larger/, bodyOf(8, 7, { proof: [] }), seen(8));
  await refused(422, /nothing proves that a tree follows the empty one/, bodyOf(0, 7, { proof: [rootOf(3)] }));
  await refused(422, /not the root of the empty tree/, bodyOf(0, 0, { root: rootOf(3) }));
  await refused(422, /another tree of that size was cosigned/, bodyOf(7, 7), seen(7, OTHERS));
  await refused(422, /does not lead from the tree that was cosigned last/, bodyOf(7, 12), seen(7, OTHERS));
  await refused(422, /does not lead/, bodyOf(7, 12, { proof: consistencyProof(LEAVES, 6n, 12n) }), seen(7));
  await refused(422, /does not lead/, bodyOf(7, 12, { root: rootOf(12, OTHERS) }), seen(7));
});

test('whoever is elsewhere is told what was cosigned last', async () => {
  assert.deepEqual(await judged(bodyOf(5, 12), seen(7)), { status: 409, size: 7n });
  assert.deepEqual(await judged(bodyOf(0, 12), seen(7)), { status: 409, size: 7n });
  assert.deepEqual(await judged(bodyOf(5, 12)), { status: 409, size: 0n });
});

test('a body that is none is refused by what is wrong with it', async () => {
  const good = new TextDecoder().decode(await bodyOf(5, 12));
  const envelope = good.slice(good.indexOf('\n\n') + 2);
  const hash = encodeBase64(rootOf(3));
  const lines = (count: number): string => `${hash}\n`.repeat(count);
  for (const [text, why] of [
    [envelope, /does not begin with the old size/],
    ['old 5\n', /no empty line/],
    [`old 05\n\n${envelope}`, /the old size is not a decimal/],
    [`OLD 5\n\n${envelope}`, /does not begin with the old size/],
    [`old 5\n${hash.slice(4)}\n\n${envelope}`, /no SHA-256 hash/],
    [`old 5\n${lines(64)}\n${envelope}`, /more than 63 lines/],
    [`old 5\n\nno note`, /no blank line/],
  ] as const) {
    assert.throws(() => parseSubmission(utf8(text)), { code: 'ERR_LOG_FORMAT', message: why }, text.slice(0, 40));
  }
  assert.equal(parseSubmission(utf8(`old 5\n${lines(63)}\n${envelope}`)).proof.length, 63);
});
