import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import pg from 'pg';
import { type OwnPostgres, requirePostgres, startPostgres } from '../../../test/postgres.ts';
import { openPostgresState } from './index.ts';

describe('the state of a server in PostgreSQL', () => {
  let started: Promise<OwnPostgres> | undefined;
  const own = (): Promise<OwnPostgres> => (started ??= startPostgres());
  after(async () => (await started)?.stop());

  it('is shared: tokens, numbers and marks are the same for all servers, at the same moment', async (t) => {
    if (!requirePostgres(t)) return;
    const postgres = await own();
    const url = await postgres.database();
    const [first, second] = await Promise.all([openPostgresState(url), openPostgresState(url)]);
    const taken = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? first : second).takeToken('token', 3, 1000)));
    assert.equal(taken.filter(Boolean).length, 3);
    await first.giveTokenBack('token');
    assert.deepEqual([await second.takeToken('token', 3, 1000), await first.takeToken('token', 3, 1000)], [true, false]);
    const numbers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? first : second).reserve('serial', 10)));
    assert.deepEqual(
      numbers.sort((a, b) => Number(a - b)),
      Array.from({ length: 20 }, (_, i) => BigInt(i * 10)),
    );
    assert.deepEqual([await first.raise('dated', 500.7), await second.raise('dated', 400), await second.raise('dated', 600)], [500, 500, 600]);
    await Promise.all([first.recordIssuance(1, 'issued', '{}'), second.recordIssuance(2, 'refused', '{}'), second.recordIssuance(2, 'refused', '{}')]);
    await first.keepOpenings('ab', '{}');
    assert.deepEqual(await first.outcomes(), { issued: 1, refused: 2 });
    await Promise.all([first.close(), second.close()]);
  });

  it('is not made anew in a database that lost it', async (t) => {
    if (!requirePostgres(t)) return;
    const url = await (await own()).database();
    await assert.rejects(openPostgresState(url, true), { code: 'ERR_STATE_INVALID', message: /does not hold the tables/ });
    await (await openPostgresState(url)).close();
    await (await openPostgresState(url, true)).close();
  });

  it('forgets tokens a day after their end, and none before', async (t) => {
    if (!requirePostgres(t)) return;
    const postgres = await own();
    const state = await openPostgresState(await postgres.database());
    const day = 24 * 60 * 60 * 1000;
    await state.takeToken('old', 1, 1000);
    await state.takeToken('new', 1, 1000 + day);
    assert.equal(await state.takeToken('old', 1, 1000), false);
    await state.takeToken('newer', 1, 1001 + day);
    assert.equal(await state.takeToken('old', 1, 1000), true);
    await state.close();
  });

  it('has what it answered after the database was killed, says so while it is gone, and goes on', async (t) => {
    if (!requirePostgres(t)) return;
    const postgres = await own();
    const state = await openPostgresState(await postgres.database());
    const given: bigint[] = [];
    const enough = Promise.withResolvers<void>();
    const write = async (): Promise<void> => {
      // Until the database is gone.
      for (;;) if (given.push(await state.reserve('serial', 1)) === 50) enough.resolve();
    };
    const writers = Promise.allSettled([write(), write()]);
    await enough.promise;
    await postgres.kill();
    await writers;
    await assert.rejects(state.takeToken('t', 1, 1), { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.match(state.failure()?.message ?? '', /does not answer/);
    await postgres.start();
    // Nobody is sent to a server that is not ready: it has to find out by itself.
    for (let i = 0; i < 2000 && state.failure() !== undefined; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(state.failure(), undefined);
    // Lost numbers are numbers that nobody uses; none that was given is given again.
    assert.equal(new Set(given).size, given.length);
    assert.equal(given.includes(await state.reserve('serial', 1)), false);
    await state.close();
  });

  it('is refused when it is of another version, may lose what it answered, or is not there', async (t) => {
    if (!requirePostgres(t)) return;
    const postgres = await own();
    const url = await postgres.database();
    await (await openPostgresState(url)).close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('UPDATE server_version SET version = 3');
    await assert.rejects(openPostgresState(url), { code: 'ERR_STATE_INVALID', message: /another version/ });
    await client.query('UPDATE server_version SET version = 2');
    await client.query('DROP TABLE server_counter');
    const damaged = await openPostgresState(url);
    await assert.rejects(damaged.reserve('serial', 1), { code: 'ERR_STATE_INVALID', message: /refuses \(42P01\)/ });
    await damaged.close();
    await client.end();
    await assert.rejects(openPostgresState('postgres://nobody:swordfish@127.0.0.1:1/none'), (error: Error) => {
      assert.doesNotMatch(error.message, /swordfish/);
      return (error as { code?: string }).code === 'ERR_SERVICE_UNAVAILABLE';
    });
  });
});
