/** Decisions kept per second on one core, a log read back from its tiles, and one proof verified without a network. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DecisionLog, openDecisionLog, type RecordedDecision } from '../src/clients/journal/index.ts';
import { folderSource, scanLog, TileLog } from '../src/clients/tiles/index.ts';
import { canonicalJson } from '../src/core/encoding/index.ts';
import { encodeOfflineProof, encodeVerifierKey, NOTE_KEY_TYPE, parseLogPolicy, parseOfflineProof, verifyOfflineProof } from '../src/core/tlog/index.ts';
import { noteKey } from '../test/journals.ts';
import { race } from './interleaved.ts';
import type { Row } from './table.ts';

const ORIGIN = 'bench.example/cluster/one';
const KEY = noteKey(ORIGIN);
const POLICY = parseLogPolicy(new TextEncoder().encode(`log ${encodeVerifierKey(KEY.verifier, NOTE_KEY_TYPE.ed25519)}\nquorum none\n`));
const PER_COMMIT = 1024;
/** Of the records of tlog.md: 311 bytes as a leaf. */
const BODY = canonicalJson({
  decision: 'deny',
  digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
  policies: [`sha256:${'fedcba98'.repeat(4)}`],
  trust: 42,
});
const GOALS = { recordsPerSecond: 120_000, scannedPerSecond: 20_000, verifyMs: 0.2 };

interface Rate {
  /** Per second of processor time of this process: what one core can do when the disk follows. */
  readonly cpu: number;
  readonly wall: number;
}

export async function benchJournal(seconds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-bench-journal-'));
  try {
    const commits = await measureRecords(join(folder, 'commits'), seconds / 2, undefined);
    const signed = await measureRecords(join(folder, 'signed'), seconds / 2, 1000);
    return [
      {
        what: 'decisions kept, 1,024 a commit, thousands/s',
        value: thousands(commits.cpu),
        atLeast: GOALS.recordsPerSecond / 1000,
        figures: describe(commits),
      },
      { what: 'with a checkpoint each second, thousands/s', value: thousands(signed.cpu), atLeast: GOALS.recordsPerSecond / 1000, figures: describe(signed) },
      ...(await readBack(join(folder, 'signed'), seconds / 2)),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const thousands = (perSecond: number): number => perSecond / 1000;
const describe = ({ cpu, wall }: Rate): string => `${cpu.toFixed(0)}/s of one core, ${wall.toFixed(0)}/s by the clock, each on the disk before its answer`;

async function measureRecords(place: string, seconds: number, signAfterMs: number | undefined): Promise<Rate> {
  const log = await openDecisionLog({
    place,
    origin: ORIGIN,
    keys: [KEY],
    create: true,
    mode: 'strict',
    failed: (error) => {
      throw error;
    },
    pace: { perCommit: PER_COMMIT, signAfterMs },
  });
  await record(log, 20);
  const [began, before] = [performance.now(), process.cpuUsage()];
  let done = 0;
  while (performance.now() - began < seconds * 1000) done += await record(log, 10);
  // What is left to sign belongs to the work.
  if (signAfterMs !== undefined) await log.journal.sign();
  const wall = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  await log.close();
  return { cpu: done / ((user + system) / 1e6), wall: done / wall };
}

/** Two commits under way, as when more is asked than one can take. */
async function record(log: DecisionLog, commits: number): Promise<number> {
  let last: Promise<RecordedDecision[]> | undefined;
  for (let i = 0; i < commits; i++) {
    const next = Promise.all(Array.from({ length: PER_COMMIT }, () => log.record({ outcome: 'deny', body: BODY })));
    await last;
    last = next;
  }
  await last;
  return commits * PER_COMMIT;
}

async function readBack(folder: string, seconds: number): Promise<Row[]> {
  const log = new TileLog(folderSource(folder), POLICY);
  const seen = await log.newest();
  const before = process.cpuUsage();
  const began = performance.now();
  let entries = 0;
  for (; performance.now() - began < seconds * 1000; ) entries += Number((await scanLog(log, seen, { tiles: true })).entries);
  const wall = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  const scanned = { cpu: entries / ((user + system) / 1e6), wall: entries / wall };
  const { entry, proof } = await log.prove(seen.checkpoint.size / 2n, seen);
  if (!entry) throw new Error('the entry is gone');
  const text = new TextEncoder().encode(encodeOfflineProof({ index: seen.checkpoint.size / 2n, proof, envelope: seen.envelope, extra: entry }));
  const [verified] = race([{ run: (times) => repeat(times, () => verifyOnce(text)) }], seconds / 2);
  if (!verified) throw new Error('nothing was timed');
  return [
    {
      what: 'scanning a log from its tiles, thousands/s',
      value: thousands(scanned.cpu),
      atLeast: GOALS.scannedPerSecond / 1000,
      figures: `${scanned.cpu.toFixed(0)}/s of one core, ${scanned.wall.toFixed(0)}/s by the clock; ${seen.checkpoint.size} entries, every tile compared`,
    },
    {
      what: 'one proof verified offline, ms',
      value: verified.mean,
      atMost: GOALS.verifyMs,
      figures: `reading the file, the signature, ${proof.length} hashes; ${(1000 / verified.mean).toFixed(0)}/s`,
    },
  ];
}

function repeat(times: number, run: () => void): void {
  for (let i = 0; i < times; i++) run();
}

function verifyOnce(text: Uint8Array): void {
  const proof = parseOfflineProof(text);
  if (!verifyOfflineProof(proof, proof.extra as Uint8Array, POLICY).ok) throw new Error('the proof does not verify');
}
