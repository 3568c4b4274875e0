import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { GroupCommit, openDatabase, openServerState } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealward-store-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = (): string => join(folder, `state-${files++}.db`);
const invalid = { code: 'ERR_STATE_INVALID' };

describe('the state of a server', () => {
  it('is there again after a restart: used tokens, counters, marks and requests', async () => {
    const path = file();
    const first = openServerState(path);
    assert.deepEqual(await Promise.all([first.takeToken('a', 1, 1000), first.takeToken('a', 1, 1000), first.takeToken('b', 2, 1000)]), [true, false, true]);
    assert.deepEqual([await first.reserve('serial', 10), await first.reserve('serial', 5)], [0n, 10n]);
    assert.deepEqual([await first.raise('dated', 500.7), await first.raise('dated', 400)], [500, 500]);
    await first.recordIssuance(1, 'issued', '{}');
    await first.keepOpenings('ab', '{}');
    await first.close();
    const second = openServerState(path);
    assert.deepEqual([await second.takeToken('a', 1, 1000), await second.takeToken('b', 2, 1000), await second.takeToken('b', 2, 1000)], [false, true, false]);
    await second.giveTokenBack('a');
    assert.equal(await second.takeToken('a', 1, 1000), true);
    assert.deepEqual([await second.reserve('serial', 1), await second.raise('dated', 0), await second.outcomes()], [15n, 500, { issued: 1 }]);
    await second.close();
  });

  it('forgets tokens a day after their end, and none before', async () => {
    const state = openServerState(file());
    const day = 24 * 60 * 60 * 1000;
    await state.takeToken('old', 1, 1000);
    await state.takeToken('new', 1, 1000 + day);
    assert.equal(await state.takeToken('old', 1, 1000), false);
    await state.takeToken('newer', 1, 1001 + day);
    assert.equal(await state.takeToken('old', 1, 1000), true, 'it is refused for its age by then');
    await state.close();
  });

  it('belongs to one process', () => {
    const path = file();
    const first = openServerState(path);
    assert.throws(() => openServerState(path), { ...invalid, message: /in use/ });
    return first.close();
  });

  it('is refused when it is damaged, no database, or of another version, and left as it was', async () => {
    const path = file();
    const state = openServerState(path);
    await state.recordIssuance(1, 'issued', 'x'.repeat(20_000));
    await state.close();
    const bytes = readFileSync(path);
    const damaged = file();
    copyFileSync(path, damaged);
    const broken = Buffer.from(bytes);
    broken.fill(0xff, 4096, 8192);
    writeFileSync(damaged, broken);
    assert.throws(() => openServerState(damaged), invalid);
    assert.deepEqual(readFileSync(damaged), broken);
    const text = file();
    writeFileSync(text, 'no database at all, but text that is long enough to be looked at as one by its header');
    assert.throws(() => openServerState(text), { ...invalid, message: /no database/ });
    assert.throws(() => openDatabase(path, { schema: '', version: 7, what: 'the database' }), { ...invalid, message: /another version/ });
    assert.throws(() => openServerState(join(folder, 'missing', 'state.db')), invalid);
  });
});

describe('a state that was there before', () => {
  it('is not made anew when it is gone, or when only the beginning of a file is left', async () => {
    const path = file();
    assert.throws(() => openServerState(path, true), { ...invalid, message: /is missing/ });
    assert.ok(!existsSync(path));
    writeFileSync(path, '');
    assert.throws(() => openServerState(path, true), { ...invalid, message: /is missing/ });
    assert.equal(readFileSync(path).length, 0);
    await openServerState(path).close();
    await openServerState(path, true).close();
  });
});

describe('writes in groups', () => {
  it('undo the one that fails and keep the others', async () => {
    const database = openDatabase(file(), { schema: 'CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT', version: 1, what: 'the database' });
    const commits = new GroupCommit(database, 'the database');
    const insert = (n: number) => commits.write((db) => void db.prepare('INSERT INTO t VALUES (?)').run(n));
    const outcomes = await Promise.allSettled([insert(1), insert(1), insert(2)]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(database.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 2);
    database.close();
  });

  it('answer nobody before the commit, and nobody at all after one that failed', async () => {
    const database = openDatabase(file(), { schema: 'CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT', version: 1, what: 'the database' });
    const commits = new GroupCommit(database, 'the database');
    // A commit that fails: the transaction is gone by the time it is committed.
    await assert.rejects(
      commits.write((db) => db.exec('ROLLBACK')),
      invalid,
    );
    assert.ok(commits.failure);
    await assert.rejects(
      commits.write(() => 1),
      invalid,
    );
    database.close();
  });
});
