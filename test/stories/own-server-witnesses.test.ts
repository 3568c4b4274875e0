/** Two servers of one's own: what one keeps in its log the other one has to see, and a third witness is never there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeVerifierKey, NOTE_KEY_TYPE, noteVerifier, parseCheckpoint, parseNote } from '../../src/core/tlog/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { sha256 } from '../../src/core/crypto/index.ts';
import { sealward } from '../cli.ts';
import { asBytes, newSigner, recordRequest } from '../logs.ts';
import { freePort, type OwnServer, startOwnServer } from '../own-server.ts';
import { Workshop } from './workshop.ts';

interface Status {
  readonly parts: Readonly<Record<string, { readonly keys: readonly string[]; readonly witnesses?: Readonly<Record<string, string>> } | undefined>>;
}

const statusOf = async (server: OwnServer): Promise<Status> => (await (await fetch(`${server.operations}/status`)).json()) as Status;
const checkpointOf = async (url: string): Promise<string> => (await fetch(`${url}/checkpoint`)).text();
const sizeOf = (note: string): bigint => parseCheckpoint(parseNote(note)).size;

async function submit(server: OwnServer, text: string): Promise<number> {
  const request = await recordRequest(utf8(text), sha256(utf8(text)), newSigner('ecdsa-p256'));
  const answer = await fetch(`${server.url}/api/v2/log/entries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(asBytes(request)),
  });
  await answer.text();
  return answer.status;
}

/** Until it is so; each round asks the server anew, and the test runner ends what never comes. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a log that others have to see', () => {
  const workshop = new Workshop();
  let [logging, witnessing]: OwnServer[] = [];
  let policy = '';
  const own = (): readonly [OwnServer, OwnServer] => {
    assert.ok(logging && witnessing);
    return [logging, witnessing];
  };
  const readiness = async (): Promise<string> => (await fetch(`${own()[0].operations}/readyz`)).text();

  before(async () => {
    logging = await startOwnServer();
    const [log = ''] = (await statusOf(logging)).parts['log']?.keys ?? [];
    const logs = workshop.file('logs.policy', `log ${log}\nquorum none\n`);
    witnessing = await startOwnServer({
      configure: (yaml) => `${yaml.replace('roles: [', 'roles: [witness, ')}witness: { key: keys/witness.key, name: witness.sealward.test, logs: ${logs} }\n`,
    });
    const [witness = ''] = (await statusOf(witnessing)).parts['witness']?.keys ?? [];
    const nobody = encodeVerifierKey(noteVerifier('gone.sealward.test', NOTE_KEY_TYPE.cosignature, newSigner().publicKey()), NOTE_KEY_TYPE.cosignature);
    const lines = [
      `log ${log}`,
      `witness ours ${witness} ${witnessing.url}/witness`,
      `witness gone ${nobody} http://127.0.0.1:${await freePort()}`,
      'group some any ours gone',
      'quorum some',
    ];
    policy = workshop.file('witnesses.policy', `${lines.join('\n')}\n`);
    const yaml = readFileSync(logging.config, 'utf8');
    const witnesses = `  recordFolder: state/log\n  witnesses: { policy: ${policy}, patience: 500ms }\n`;
    writeFileSync(logging.config, yaml.replace('  recordFolder: state/log\n', witnesses));
    await logging.restart();
  });
  after(async () => {
    await logging?.stop();
    await witnessing?.stop();
    workshop.remove();
  });

  it('shows checkpoints that one of two cosigned, and says which one did not', async () => {
    const [log, witness] = own();
    assert.equal(await submit(log, 'one'), 201);
    const note = await checkpointOf(log.url);
    const seen = await checkpointOf(`${witness.url}/witness/${createHash('sha256').update('localhost').digest('hex')}`);
    assert.equal(parseNote(seen).text, parseNote(note).text);
    assert.ok(parseNote(note).signatures.some(({ name }) => name === 'witness.sealward.test'));
    const verified = await sealward(['log', 'verify', log.url, '--log-policy', policy]);
    assert.equal(verified.code, 0, verified.stderr);
    const { witnesses } = (await statusOf(log)).parts['log'] ?? {};
    assert.equal(witnesses?.['ours'], 'cosigned 1 entries');
    assert.match(witnesses['gone'] ?? '', /nothing listens there/);
    assert.deepEqual(JSON.parse(await readiness()), { ready: true, problems: [] });
    const metrics = await (await fetch(`${log.operations}/metrics`)).text();
    assert.match(metrics, /sealward_log_witnesses 1\n[^]*sealward_log_witnesses_met 1\n/);
  });

  it('shows nothing new while both are gone, is not ready, and goes on when one is back', async () => {
    const [log, witness] = own();
    const before = await checkpointOf(log.url);
    await witness.halt();
    const waiting = submit(log, 'two');
    await until(async () => /too few witnesses cosign/.test(await readiness()));
    assert.equal(await checkpointOf(log.url), before);
    await witness.restart();
    assert.equal(await waiting, 201);
    assert.equal(sizeOf(await checkpointOf(log.url)), 2n);
    assert.deepEqual(JSON.parse(await readiness()), { ready: true, problems: [] });
  });

  it('is cosigned by a witness that forgets nothing, and answers as the protocol says', async () => {
    const [log, witness] = own();
    await witness.restart();
    const note = await checkpointOf(log.url);
    const post = (body: string) => fetch(`${witness.url}/witness/add-checkpoint`, { method: 'POST', body });
    const older = await post(`old 0\n\n${note}`);
    assert.deepEqual([older.status, older.headers.get('content-type'), await older.text()], [409, 'text/x.tlog.size', '2\n']);
    assert.equal((await post(`old 2\n\n${note}`)).status, 200, 'the same once more');
    assert.equal((await post(`old 3\n\n${note}`)).status, 400);
    assert.equal((await post(`old 2\n\n${note.replace('localhost\n2\n', 'localhost\n3\n')}`)).status, 403);
    assert.equal((await post(`old 2\n\n${note.replace('localhost\n', 'other.example\n')}`)).status, 404);
    assert.equal((await post('nonsense')).status, 400);
    assert.equal((await post('x'.repeat(2 * 1024 * 1024))).status, 413);
    assert.equal((await fetch(`${witness.url}/witness/${'0'.repeat(64)}/checkpoint`)).status, 404);
  });

  it('is not cosigned by one whose memory is gone: that witness does not start', async () => {
    const [, witness] = own();
    const memory = join(witness.folder, 'state/witness.db');
    await witness.halt();
    const before = readFileSync(memory);
    rmSync(memory);
    await assert.rejects(witness.restart(), { code: 'ERR_STATE_INVALID', message: /the memory of the witness .* is missing/ });
    assert.ok(!existsSync(memory));
    writeFileSync(memory, before);
    await witness.restart();
  });
});
