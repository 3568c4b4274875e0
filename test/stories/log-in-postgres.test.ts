/** The log in PostgreSQL: several servers on one database, steps that break, and a database that is killed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { Client } from 'pg';
import type { Signer } from '../../src/clients/signers/index.ts';
import { parseSctList } from '../../src/core/tlog/index.ts';
import { inPostgres, openCertificateLog, openLog, type OpenedLog, openPostgresWitness } from '../../src/services/log/index.ts';
import { bench, MAINTAINER, requestFor } from '../certificate-authority.ts';
import { breakAndMend } from '../log-crashes.ts';
import { FAULTS, STEPS } from '../log-faults.ts';
import { type Answered, checkHistory } from '../log-histories.ts';
import { newEntry, newFolder, newSigner } from '../logs.ts';
import { requirePostgres, startPostgres } from '../postgres.ts';

async function startServers(t: TestContext, connection: string, signer: Signer, count: number): Promise<OpenedLog[]> {
  const open = (): Promise<OpenedLog> =>
    openLog({ origin: 'log.example', signer, store: inPostgres({ connection, lease: 1500 }), failed: assert.fail, pace: { retry: 20 } });
  const logs = await Promise.all(Array.from({ length: count }, open));
  t.after(() => Promise.all(logs.map((log) => log.close())));
  return logs;
}

/** As a client does: when the answer is 503, it asks again. */
async function addUntilAnswered(log: OpenedLog, text: string): Promise<Answered> {
  const entry = newEntry(text);
  for (const end = Date.now() + 60_000; ; ) {
    try {
      return { entry, included: await log.add(entry) };
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_SERVICE_UNAVAILABLE', String(error));
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function query(sql: string, connectionString: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

it('a log in PostgreSQL', async (t) => {
  if (!requirePostgres(t)) return;
  const postgres = await startPostgres();
  t.after(() => postgres.stop());

  // First, because after a crash it forces every file of every database to the disk.
  await t.test('goes on when the database was killed, and what was answered stands', async (t) => {
    const connection = await postgres.database();
    const logs = await startServers(t, connection, newSigner(), 2);
    const answers: Answered[] = [];
    const stopped = new AbortController();
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; !stopped.signal.aborted; i++) answers.push(await addUntilAnswered(logs[writer % 2] as OpenedLog, `writer ${writer}, entry ${i}`));
      }),
    );
    writers.catch(() => {});
    for (let round = 0; round < 2; round++) {
      const until = answers.length + 60;
      while (answers.length < until) await new Promise((resolve) => setTimeout(resolve, 10));
      await postgres.kill();
      await postgres.start();
    }
    const until = answers.length + 60;
    while (answers.length < until) await new Promise((resolve) => setTimeout(resolve, 10));
    stopped.abort();
    await writers;
    // Both have to know all that was answered by the other.
    await addUntilAnswered(logs[0] as OpenedLog, 'the last');
    await checkHistory(logs[0] as OpenedLog, answers);
  });

  await t.test('remembers what a witness cosigned: of two servers one is first, and nobody goes back', async () => {
    const connection = await postgres.database();
    const [one, two] = await Promise.all([openPostgresWitness(connection), openPostgresWitness(connection)]);
    const at = (size: bigint) => ({ origin: 'log.example', size, root: new Uint8Array(32).fill(Number(size)), note: `${size}` });
    const race = (from: bigint | undefined, ...sizes: readonly [bigint, bigint]): Promise<boolean[]> =>
      Promise.all([one.replace('log.example', from, at(sizes[0])), two.replace('log.example', from, at(sizes[1]))]);
    assert.equal(await two.latest('log.example'), undefined);
    assert.equal((await race(undefined, 5n, 6n)).filter(Boolean).length, 1);
    const first = await two.latest('log.example');
    assert.deepEqual(first, at(first?.size ?? 0n));
    assert.equal((await race(first.size, 7n, 8n)).filter(Boolean).length, 1);
    assert.deepEqual(await race(first.size, 9n, 9n), [false, false]);
    assert.deepEqual(await race(undefined, 9n, 9n), [false, false]);
    await Promise.all([one.close(), two.close()]);
    await assert.rejects(one.latest('log.example'), { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.match(one.failure()?.message ?? '', /the database does not answer/);
  });

  await t.test('is written by several servers at once, without gaps and with one history', async (t) => {
    const signer = newSigner();
    const connection = await postgres.database();
    const logs = await startServers(t, connection, signer, 3);
    const answers = await Promise.all(Array.from({ length: 900 }, (_, i) => addUntilAnswered(logs[i % 3] as OpenedLog, `entry ${i >> 1}`)));
    assert.equal(new Set(answers.map(({ included }) => included.index)).size, 450, 'the same entry has one index, whoever was asked');
    // Who signed leaves; another one takes over.
    await Promise.all(logs.slice(0, 2).map((log) => log.close()));
    answers.push(await addUntilAnswered(logs[2] as OpenedLog, 'one more'));
    await checkHistory(logs[2] as OpenedLog, answers);
    assert.equal(answers.at(-1)?.included.index, 450n);
  });

  await t.test('keeps certificates, each at the index that its promise names', async (t) => {
    const [signer, connection] = [newSigner('ecdsa-p256'), await postgres.database()];
    const options = {
      origin: 'ct.example',
      signer,
      store: inPostgres({ connection, lease: 1500 }),
      failed: assert.fail,
      now: Date.now,
      url: 'https://ct.example/',
    };
    const logs = await Promise.all([openCertificateLog(options), openCertificateLog(options)]);
    t.after(() => Promise.all(logs.map((log) => log.close())));
    const benches = logs.map((log) => bench({}, { log }));
    const indexes = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const { authority, tokens } = benches[i % 2] as (typeof benches)[0];
        const [certificate] = await authority.issue(requestFor(await tokens.token(`user ${i}`, { claims: MAINTAINER })));
        const [sct] = parseSctList(certificate?.extensions.find(({ oid }) => oid === '1.3.6.1.4.1.11129.2.4.2')?.value ?? new Uint8Array());
        return sct?.extensions.at(-1);
      }),
    );
    assert.deepEqual(
      indexes.toSorted((a, b) => (a ?? 0) - (b ?? 0)),
      Array.from({ length: 12 }, (_, i) => i),
    );
  });

  await t.test('loses nothing when a step fails', async () => {
    const connection = await postgres.database();
    let origins = 0;
    for (const step of STEPS) {
      // What was not done at all is the easy case, and broken in the files of SQLite anyway.
      for (const kind of process.env['SEALWARD_TORTURE'] ? FAULTS : FAULTS.slice(1)) {
        const dies = kind === FAULTS[1];
        await breakAndMend(inPostgres({ connection }), { origin: `log${origins++}.example`, step, kind, nth: step === 'tiles' ? 1 : 2, dies, entries: 300 });
      }
    }
  });

  await t.test('refuses a database that does not wait for its disk, and the log of another key', async () => {
    const connection = await postgres.database();
    const [signer, other] = [newSigner(), newSigner()];
    const open = (by: Signer, origin = 'log.example'): Promise<OpenedLog> =>
      openLog({ origin, signer: by, store: inPostgres({ connection }), failed: assert.fail });
    const log = await open(signer);
    await addUntilAnswered(log, 'an entry');
    await log.close();
    await assert.rejects(open(other), { code: 'ERR_STATE_INVALID' });
    await query('ALTER SYSTEM SET fsync = off', connection);
    await query('SELECT pg_reload_conf()', connection);
    try {
      for (;;) {
        if ((await query("SELECT current_setting('fsync') AS fsync", connection))[0]?.['fsync'] === 'off') break;
      }
      await assert.rejects(open(signer), { code: 'ERR_STATE_INVALID', message: /fsync/ });
    } finally {
      await query('ALTER SYSTEM RESET fsync', connection);
      await query('SELECT pg_reload_conf()', connection);
    }
  });

  await t.test('is not made anew in another database, where the mark beside the key knows of the first', async (t) => {
    const [first, empty] = [await postgres.database(), await postgres.database()];
    const [signer, mark] = [newSigner(), join(newFolder(t), 'log.mark')];
    const open = (connection: string): Promise<OpenedLog> =>
      openLog({ origin: 'log.example', signer, mark, store: inPostgres({ connection }), failed: assert.fail });
    await (await open(first)).close();
    await assert.rejects(open(empty), { code: 'ERR_STATE_INVALID', message: /missing: the database has none of log\.example/ });
    assert.deepEqual(await query("SELECT to_regclass('sealward_log') AS found", empty), [{ found: null }]);
    await (await open(first)).close();
  });

  await t.test('refuses entries or a sign record that were brought back from a copy', async () => {
    const connection = await postgres.database();
    const signer = newSigner();
    const open = (): Promise<OpenedLog> => openLog({ origin: 'log.example', signer, store: inPostgres({ connection }), failed: assert.fail });
    const log = await open();
    for (let i = 0; i < 5; i++) await addUntilAnswered(log, `entry ${i}`);
    await log.close();
    for (const [change, undo, code] of [
      ['UPDATE sealward_log SET size = 3', 'UPDATE sealward_log SET size = 5', 'ERR_LOG_ROLLED_BACK'],
      [
        'CREATE TABLE kept AS SELECT * FROM sealward_log_signed WHERE size > 3; DELETE FROM sealward_log_signed WHERE size > 3',
        'INSERT INTO sealward_log_signed SELECT * FROM kept',
        'ERR_LOG_ROLLED_BACK',
      ],
      [
        "UPDATE sealward_log_entry SET body = body || 'x' WHERE seq = 2",
        'UPDATE sealward_log_entry SET body = substr(body, 1, length(body) - 1) WHERE seq = 2',
        'ERR_LOG_INCONSISTENT',
      ],
    ] as const) {
      await query(change, connection);
      await assert.rejects(open(), { code }, change);
      await query(undo, connection);
    }
    await (await open()).close();
  });
});
