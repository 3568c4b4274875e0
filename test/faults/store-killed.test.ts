/**
 * kill -9 at random while two processes keep evidence in one folder: what the store said that it has is there, whole, and
 * nothing that was half-written is taken for anything. `npm run torture` kills a thousand times.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FolderStore, prune, type StoreProblem } from '../../src/clients/evidence/index.ts';
import { digestOf, formatDigest } from '../../src/core/artifact/index.ts';
import { contentOf } from './store-content.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);
const KILLS = TORTURE ? 1000 : 20;
const WRITERS = ['first', 'second'];
/** Every so many rounds the folder is a new one, so that the key is made by several at once, too. */
const ROUNDS_PER_FOLDER = 4;

interface Writer {
  readonly child: ChildProcess;
  readonly lines: AsyncIterable<string>;
}

/** What was acknowledged, by writer. */
interface Acknowledged {
  kept: number;
  readonly written: Map<number, number>;
}

function start(folder: string, name: string, from: number): Writer {
  const program = fileURLToPath(new URL('./store-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [program, folder, name, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout }) };
}

/** Lets it write so many times, kills it, and takes in all that it said before it died. */
async function kill({ child, lines }: Writer, after: number, said: Acknowledged): Promise<void> {
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of lines) {
    const [verb = '', text = ''] = line.split(' ');
    assert.ok(['ready', 'kept', 'wrote'].includes(verb), line);
    const n = Number(text);
    if (verb === 'kept') said.kept = Math.max(said.kept, n);
    if (verb === 'wrote') said.written.set(n % 7, n);
    if (seen++ === after) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'it ran until it was killed');
}

/** A process that begins afresh finds everything that was acknowledged. */
function examine(folder: string, said: ReadonlyMap<string, Acknowledged>, what: string): FolderStore {
  const problems: StoreProblem[] = [];
  const store = new FolderStore(folder, { onProblem: (problem) => problems.push(problem) });
  for (const [name, { kept, written }] of said) {
    for (let n = 0; n <= kept; n++) assert.ok(store.bytes(digestAt(n)), `${what}: ${name} kept ${n}, and it is not there`);
    for (const [slot, n] of written) assertRecord(store, name, slot, n, what);
  }
  assert.deepEqual([...problems, ...store.check().problems], [], what);
  return store;
}

const digestAt = (n: number): string => formatDigest(digestOf(contentOf(n)));

/** The last one that was acknowledged, or a later one that was written while the writer died. */
function assertRecord(store: FolderStore, name: string, slot: number, least: number, what: string): void {
  const body = store.record('answers', `${name} ${slot}`);
  const n = Number(body?.n);
  assert.ok(n >= least && n % 7 === slot, `${what}: ${name} wrote ${least}, and ${n} is there`);
  assert.equal(body?.digest, digestAt(n), what);
  assert.ok(store.bytes(digestAt(n)), `${what}: what the record names is there`);
}

/** @returns how many drafts were left behind. */
async function torment(root: string, kills: number): Promise<number> {
  let left = 0;
  let said = new Map<string, Acknowledged>();
  for (let round = 0; round * WRITERS.length < kills; round++) {
    const folder = join(root, `store-${Math.floor(round / ROUNDS_PER_FOLDER)}`);
    if (round % ROUNDS_PER_FOLDER === 0) said = new Map(WRITERS.map((name) => [name, { kept: -1, written: new Map<number, number>() }]));
    await Promise.all([...said].map(([name, mine]) => kill(start(folder, name, mine.kept + 1), Math.floor(Math.random() * 32), mine)));
    const store = examine(folder, said, `round ${round}`);
    if (round % ROUNDS_PER_FOLDER < ROUNDS_PER_FOLDER - 1) continue;
    const drafts = store.leftovers().length;
    assert.ok(drafts <= WRITERS.length * ROUNDS_PER_FOLDER, `${drafts} drafts, and each death leaves one at most`);
    left += drafts;
    // What died in the middle of a write is cleared away when it is old, with the bytes that no record names; the rest stays.
    prune(store, { maxBytes: Number.POSITIVE_INFINITY, now: Date.now() + 3600_000 });
    assert.deepEqual([store.leftovers(), store.check().problems], [[], []]);
    for (const [name, { written }] of said) for (const [slot, n] of written) assertRecord(store, name, slot, n, `round ${round}, cleared`);
    rmSync(folder, { recursive: true });
  }
  return left;
}

const title = `two processes keep evidence in one folder and are killed, ${KILLS} times: all that was acknowledged is there, whole`;

test(title, { timeout: TORTURE ? 3600_000 : 240_000 }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'sealward-killed-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  t.diagnostic(`${await torment(root, KILLS)} drafts were left behind`);
});
