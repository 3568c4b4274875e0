/** Every step to the disk broken in every way, and a process that is killed at random: nothing acknowledged is lost, nothing signed is contradicted. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bound, type Fault, FAULTS, JournalDisk, seeded } from '../../../test/journal-disk.ts';
import { entryOf, LOG_KEY, newFolder, openTestJournal } from '../../../test/journals.ts';
import { equalBytes } from '../../core/encoding/index.ts';
import {
  computeRoot,
  edgeTiles,
  leafHash,
  parseCheckpoint,
  parseEntryBundle,
  parseHashTile,
  parseNote,
  parseVerifierKey,
  rootFromEdge,
  tilePath,
  verifyNote,
} from '../../core/tlog/index.ts';
import type { Journal, JournalFiles, JournalPace } from './index.ts';
import { readSegment, sealFrame } from './segment.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);
const PACE: Partial<JournalPace> = { segmentBytes: 2000, perCommit: 50, signAfterMs: undefined, recordBytes: 900 };
const LEAVES = Array.from({ length: 2000 }, (_, i) => leafHash(entryOf(i)));

interface Told {
  /** Entries that were acknowledged: all below it. */
  acknowledged: number;
  readonly notes: Set<string>;
  /** Checkpoints that were shown before the record of them was on the disk. */
  readonly early?: string[];
}

/** Appends, signs and rolls over, until it is done or the disk breaks. */
async function live(disk: JournalDisk, told: Told, rounds: number): Promise<void> {
  disk.onCheckpoint = (text) => {
    told.notes.add(text);
    if (!disk.durable('signed.jsonl').includes(JSON.stringify(text))) told.early?.push(text);
  };
  let journal: Journal | undefined;
  try {
    journal = await openTestJournal(disk, { pace: PACE, failed: () => {} });
    for (let round = 0; round < rounds; round++) {
      const first = Number(journal.size);
      const last = Array.from({ length: 37 + round * 11 }, (_, i) => (journal as Journal).add(entryOf(first + i))).at(-1);
      await last?.durable;
      told.acknowledged = Math.max(told.acknowledged, Number(last?.index ?? -1n) + 1);
      if (round % 2 === 1) await journal.sign();
    }
  } catch {
    // What broke is known; what counts is what was said before.
  }
  await journal?.close().catch(() => {});
}

/** What the next process finds, and whether it can go on. */
async function examine(disk: JournalDisk, told: Told, what: string): Promise<void> {
  const journal = await openTestJournal(disk, { pace: PACE }).catch((error: unknown) => assert.fail(`${what}: ${String(error)}`));
  assert.ok(Number(journal.size) >= told.acknowledged, `${what}: ${told.acknowledged} acknowledged, ${journal.size} there`);
  journal.add(entryOf(Number(journal.size)));
  await journal.append(entryOf(Number(journal.size) + 1));
  const tree = await journal.sign();
  assert.ok(tree);
  await journal.close();
  assert.deepEqual(tree.root, computeRoot(LEAVES.slice(0, Number(tree.size))), what);
  for (const text of told.notes) {
    const note = parseNote(text);
    const { size, root } = parseCheckpoint(note);
    assert.ok(verifyNote(note, [LOG_KEY.verifier]).ok && size <= tree.size && equalBytes(root, computeRoot(LEAVES.slice(0, Number(size)))), `${what}: ${text}`);
  }
  await readAsOthers(disk, tree.size, tree.root, what);
}

/** The files alone, by what a stranger knows of tiles. */
async function readAsOthers(disk: JournalDisk, size: bigint, root: Uint8Array, what: string): Promise<void> {
  const file = async (path: string): Promise<Uint8Array> => (await disk.read(path)) ?? assert.fail(`${what}: ${path} is missing`);
  const rows = await Promise.all(edgeTiles(size).map(async (tile) => parseHashTile(await file(tilePath(tile)), tile.width)));
  assert.deepEqual(rootFromEdge(rows), root, what);
  for (let index = 0n; index * 256n < size; index++) {
    const width = size - index * 256n < 256n ? Number(size % 256n) : 256;
    const entries = parseEntryBundle(await file(tilePath({ level: 'entries', index, width })), width);
    const hashes = parseHashTile(await file(tilePath({ level: 0, index, width })), width);
    for (const [i, entry] of entries.entries()) assert.ok(equalBytes(leafHash(entry), hashes[i] as Uint8Array), `${what}: entry ${index * 256n + BigInt(i)}`);
  }
}

describe('a journal on a disk that breaks', () => {
  it('has its steps', async () => {
    const told = { acknowledged: 0, notes: new Set<string>(), early: [] };
    const disk = new JournalDisk();
    await live(disk, told, 8);
    await examine(disk.after(), told, 'unbroken');
    assert.deepEqual(told.early, [], 'what is shown is recorded, on the disk');
    assert.ok(disk.steps > 60 && told.acknowledged > 500 && told.notes.size >= 4, `${disk.steps} steps`);
  });

  for (const kind of FAULTS) {
    it(`loses nothing that was acknowledged, and contradicts nothing that was shown: each step ${kind}`, async () => {
      const whole = new JournalDisk();
      await live(whole, { acknowledged: 0, notes: new Set() }, 8);
      for (let at = 0; at < whole.steps; at++) {
        const told: Told = { acknowledged: 0, notes: new Set() };
        const disk = new JournalDisk(undefined, { at, kind });
        await live(disk, told, 8);
        const what = `step ${at} ${kind}`;
        await examine(disk.after(), told, `${what}, killed`);
        for (let seed = 0; seed < (TORTURE ? 20 : 1); seed++) await examine(disk.after(seeded(at * 31 + seed)), told, `${what}, power lost (${seed})`);
      }
    });
  }

  it('survives one fault after another, in any order', async () => {
    for (let seed = 0; seed < (TORTURE ? 3000 : 60); seed++) {
      const random = seeded(seed);
      const told: Told = { acknowledged: 0, notes: new Set() };
      let disk = new JournalDisk();
      for (let lives = 0; lives < 4; lives++) {
        await live(disk, told, 3);
        const fault = { at: Math.floor(random() * 60), kind: FAULTS[Math.floor(random() * FAULTS.length)] as Fault };
        disk = disk.after(random() < 0.5 ? random : undefined, fault);
      }
      await live(disk, told, 2);
      await examine(disk.after(random() < 0.5 ? random : undefined), told, `seed ${seed}`);
    }
  });

  it('signs nothing over what reads back as something else, whichever of the two is wrong', async () => {
    const disk = new JournalDisk();
    const faults: Record<string, Pick<JournalFiles, 'append'> | Pick<JournalFiles, 'readAt'>> = {
      // A flipped bit on the way to the disk, under a check that was made afterwards.
      ERR_LOG_INCONSISTENT: {
        append: async (path, bytes) => {
          if (!path.endsWith('.wal') || bytes.length === 0) return disk.append(path, bytes);
          const [frame] = readSegment(bytes, path, false).frames;
          if (!frame) throw new Error('no frame');
          const changed = bytes.slice();
          changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
          sealFrame(changed, frame);
          return disk.append(path, changed);
        },
      },
      // One on the disk.
      ERR_JOURNAL_DAMAGED: {
        readAt: async (path, at, length) => {
          const bytes = await disk.readAt(path, at, length);
          bytes[length - 1] = (bytes[length - 1] as number) ^ 1;
          return bytes;
        },
      },
    };
    for (const [code, fault] of Object.entries(faults)) {
      const place: JournalFiles = { ...bound(disk), ...fault };
      const journal = await openTestJournal(place, { record: new JournalDisk(), pace: PACE, failed: () => {} });
      await journal.append(entryOf(0));
      await assert.rejects(journal.sign(), { code });
      assert.equal(journal.signed, undefined);
      assert.throws(() => journal.add(entryOf(1)), { code });
      await journal.close();
      await disk.remove('journal');
    }
  });

  it('is written and signed no more after a step that failed', async () => {
    const whole = new JournalDisk();
    await live(whole, { acknowledged: 0, notes: new Set() }, 4);
    let broken = 0;
    for (const kind of ['lost', 'stored'] as const) {
      for (let at = 8; at < whole.steps; at += 3) {
        const disk = new JournalDisk(undefined, { at, kind });
        let failures = 0;
        const journal = await openTestJournal(disk, { pace: PACE, failed: () => failures++ });
        let steps = 0;
        await (async () => {
          for (let i = 0; i < 400; i++) {
            await journal.append(entryOf(i));
            if (i % 20 === 19) await journal.sign();
          }
        })().catch(() => {
          steps = disk.steps;
        });
        if (steps === 0) continue;
        broken++;
        assert.equal(failures, 1);
        assert.throws(() => journal.add(entryOf(0)), { code: /ERR_JOURNAL_FAILED|ERR_LOG_INCONSISTENT/ });
        await assert.rejects(journal.sign());
        await journal.close();
        assert.equal(disk.steps, steps, `step ${at} ${kind}: nothing was written afterwards`);
      }
    }
    assert.ok(broken >= 4);
  });
});

describe('a journal whose process is killed', () => {
  it(`loses nothing that was acknowledged (${TORTURE ? 1000 : 12} times kill -9)`, { timeout: 3_600_000 }, async (t) => {
    const [folder, record] = [newFolder(t), newFolder(t)];
    const program = fileURLToPath(new URL('../../../test/journal-writer.ts', import.meta.url));
    const random = seeded(7);
    let acknowledged = 0;
    const notes = new Set<string>();
    for (let life = 0; life < (TORTURE ? 1000 : 12); life++) {
      const child = spawn(process.execPath, [program, folder, record], { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = await linesUntilKilled(child, random() * 150);
      for (const line of lines) {
        const { size, note, failed } = JSON.parse(line) as { size?: number; note?: string; failed?: string };
        assert.equal(failed, undefined);
        if (size !== undefined) acknowledged = Math.max(acknowledged, size);
        if (note !== undefined) notes.add(note);
      }
    }
    const key = JSON.parse(readFileSync(join(record, 'key.json'), 'utf8')) as { vkey: string };
    const verifier = parseVerifierKey(key.vkey);
    const newest = parseCheckpoint(parseNote(readFileSync(join(folder, 'checkpoint'), 'utf8')));
    const entries: Uint8Array[] = [];
    for (let index = 0n; index * 256n < newest.size; index++) {
      const width = newest.size - index * 256n < 256n ? Number(newest.size % 256n) : 256;
      // Killed before the next checkpoint, the log may have replaced the partial bundle by the full one (tlog-tiles, "Partial Tiles").
      const shown = existsSync(join(folder, tilePath({ level: 'entries', index, width }))) ? width : 256;
      const bytes = readFileSync(join(folder, tilePath({ level: 'entries', index, width: shown })));
      entries.push(...parseEntryBundle(bytes, shown).slice(0, width));
    }
    assert.ok(acknowledged > 100 && notes.size > 3, `${acknowledged} entries, ${notes.size} checkpoints`);
    for (const [i, entry] of entries.entries()) assert.equal(Buffer.from(entry).toString(), `entry ${i}`, 'the index space has no gap');
    const leaves = entries.map(leafHash);
    for (const text of notes) {
      const note = parseNote(text);
      const { size, root } = parseCheckpoint(note);
      assert.ok(verifyNote(note, [verifier]).ok && size <= newest.size && equalBytes(root, computeRoot(leaves.slice(0, Number(size)))));
    }
    assert.deepEqual(newest.root, computeRoot(leaves));
    // What was acknowledged after the newest checkpoint is signed by the next start; the last child may not have come so far.
    const { sealedSize } = await reopen(folder, record, program);
    assert.ok(sealedSize >= acknowledged, `${acknowledged} acknowledged, ${sealedSize} there`);
  });
});

/** Kills it so many milliseconds after its first word. */
async function linesUntilKilled(child: ChildProcess, ms: number): Promise<string[]> {
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    timer ??= setTimeout(() => child.kill('SIGKILL'), ms);
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  return text.split('\n').slice(0, -1);
}

async function reopen(folder: string, record: string, program: string): Promise<{ sealedSize: number }> {
  const child = spawn(process.execPath, [program, folder, record, 'once'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  const { size } = JSON.parse(text.split('\n')[0] ?? '') as { size: number };
  return { sealedSize: size };
}
