/** kill -9 of a log under load, at random moments: nothing that was answered is lost, and there is one history. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keySigner } from '../../src/clients/signers/index.ts';
import { decodeBase64 } from '../../src/core/encoding/index.ts';
import { inFolder, inPostgres, openLog } from '../../src/services/log/index.ts';
import { type Answered, checkHistory } from '../log-histories.ts';
import { newEntry, newFolder } from '../logs.ts';
import { requirePostgres, startPostgres } from '../postgres.ts';

const PROGRAM = fileURLToPath(new URL('./log-process.ts', import.meta.url));
const TORTURE = process.env['SEALWARD_TORTURE'] !== undefined;

interface Line {
  readonly text: string;
  readonly index: string;
  readonly size: string;
  readonly root: string;
  readonly note: string;
  readonly proof: readonly string[];
}

function answeredIn(line: string): Answered {
  const { text, index, size, root, note, proof } = JSON.parse(line) as Line;
  const tree = { size: BigInt(size), root: decodeBase64(root), note };
  return { entry: newEntry(text), included: { index: BigInt(index), tree, proof: proof.map((hash) => decodeBase64(hash)) } };
}

/** Starts the log, lets it answer for a while, and kills it; what it had said by then. */
async function runAndKill(where: string, key: string, run: number): Promise<Answered[]> {
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, where, key, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const answers: Answered[] = [];
  const gone = once(child, 'exit');
  // After so many answers, and not after a time: how fast the machine is must not matter.
  const enough = 1 + Math.floor(Math.random() * 400);
  for await (const line of createInterface({ input: child.stdout })) {
    // The last line may have been cut.
    if (line !== 'ready' && line.endsWith('}')) answers.push(answeredIn(line));
    if (answers.length === enough) child.kill('SIGKILL');
  }
  const [code, signal] = (await gone) as [number | null, string | null];
  assert.deepEqual([code, signal], [null, 'SIGKILL'], 'it ran until it was killed');
  return answers;
}

async function killAgainAndAgain(t: { after(done: () => void): void }, where: string, kills: number): Promise<void> {
  const key = join(newFolder(t), 'log.pem');
  writeFileSync(key, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const answers: Answered[] = [];
  for (let run = 0; run < kills; run++) answers.push(...(await runAndKill(where, key, run)));
  const signer = keySigner(createPrivateKey(readFileSync(key)));
  const store = where.startsWith('postgres:') ? inPostgres({ connection: where, lease: 300 }) : inFolder(where);
  const log = await openLog({ origin: 'log.example', signer, store, failed: assert.fail });
  try {
    const signed = new Set(answers.map(({ included }) => included.tree.note));
    assert.ok(answers.length >= kills && signed.size >= kills / 2);
    await checkHistory(log, answers);
  } finally {
    await log.close();
  }
}

it(`a log in a folder outlives ${TORTURE ? 1000 : 30} kills`, async (t) => {
  await killAgainAndAgain(t, join(newFolder(t), 'log'), TORTURE ? 1000 : 30);
});

it('a log in PostgreSQL outlives the kills of its server', async (t) => {
  if (!requirePostgres(t)) return;
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  await killAgainAndAgain(t, await postgres.database(), TORTURE ? 200 : 5);
});
