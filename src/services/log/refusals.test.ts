/** Logs that must not start: what they keep is not all that they promised. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { neverFails, newEntry, newFolder, newSigner } from '../../../test/logs.ts';
import { inFolder } from './folder-store.ts';
import { type LogOptions, type OpenedLog, openLog } from './open-log.ts';

const signer = newSigner();
const open = (folder: string, more: Partial<LogOptions> = {}): Promise<OpenedLog> =>
  openLog({ origin: 'log.example', signer, store: inFolder(folder), failed: neverFails, ...more });

async function add(folder: string, texts: readonly string[], more: Partial<LogOptions> = {}): Promise<void> {
  const log = await open(folder, more);
  await Promise.all(texts.map((text) => log.add(newEntry(text))));
  await log.close();
}
const FIVE = ['a', 'b', 'c', 'd', 'e'];
const refused = async (folder: string, code: string, more: Partial<LogOptions> = {}): Promise<void> => {
  await assert.rejects(open(folder, more), (error: { code?: string; hint?: string }) => error.code === code && (error.hint ?? '') !== '');
};

describe('a log does not start', () => {
  it('while another process has it', async (t) => {
    const folder = newFolder(t);
    const log = await open(folder);
    await refused(folder, 'ERR_STATE_INVALID');
    await log.close();
    await (await open(folder)).close();
  });

  it('without its record of signed checkpoints, or with an older copy of it', async (t) => {
    const folder = newFolder(t);
    await add(folder, FIVE);
    const [record, copy] = [join(folder, 'sign.db'), readFileSync(join(folder, 'sign.db'))];
    await add(folder, ['f']);
    rmSync(record);
    await refused(folder, 'ERR_STATE_INVALID');
    writeFileSync(record, copy);
    await refused(folder, 'ERR_LOG_ROLLED_BACK');
  });

  it('without its entries, or what SQLite makes of none, and leaves what is there as it is', async (t) => {
    const contents = (folder: string): string[] => readdirSync(folder).map((name) => `${name} ${readFileSync(join(folder, name)).toString('hex')}`);
    for (const mark of [undefined, join(newFolder(t), 'log.mark')]) {
      const folder = newFolder(t);
      const more = mark === undefined ? {} : { mark };
      await add(folder, FIVE, more);
      const [entries, record] = [join(folder, 'log.db'), join(folder, 'sign.db')];
      const copies = [readFileSync(entries), readFileSync(record)] as const;
      const losses = [
        () => rmSync(entries),
        () => writeFileSync(entries, ''),
        () => rmSync(record),
        () => writeFileSync(record, ''),
        // Where nothing at all is left, only the mark knows.
        ...(mark === undefined ? [] : [() => [entries, record].forEach((file) => rmSync(file))]),
      ];
      for (const lose of losses) {
        lose();
        const before = contents(folder);
        await assert.rejects(open(folder, more), { code: 'ERR_STATE_INVALID', message: /missing/ });
        assert.deepEqual(contents(folder), before);
        writeFileSync(entries, copies[0]);
        writeFileSync(record, copies[1]);
      }
      await add(folder, ['f'], more);
    }
  });

  it('but begins again where it was killed while it was made, before anything was signed', async (t) => {
    const folder = newFolder(t);
    await (await open(folder)).close();
    rmSync(join(folder, 'log.db'));
    await (await open(folder)).close();
    writeFileSync(join(folder, 'log.db'), '');
    await add(folder, FIVE);
  });

  it('with older entries than it signed for, or with changed ones', async (t) => {
    const folder = newFolder(t);
    await add(folder, FIVE);
    const copy = readFileSync(join(folder, 'log.db'));
    await add(folder, ['f']);
    const newest = readFileSync(join(folder, 'log.db'));
    writeFileSync(join(folder, 'log.db'), copy);
    await refused(folder, 'ERR_LOG_ROLLED_BACK');
    writeFileSync(join(folder, 'log.db'), newest);
    const database = new DatabaseSync(join(folder, 'log.db'));
    database.exec("UPDATE entry SET body = CAST('another' AS BLOB) WHERE seq = 2");
    database.close();
    await refused(folder, 'ERR_LOG_INCONSISTENT');
  });

  it('with an entry that is gone from between the others, signed for or not', async (t) => {
    const folder = newFolder(t);
    await add(folder, FIVE);
    const database = new DatabaseSync(join(folder, 'log.db'));
    database.exec("INSERT INTO entry VALUES (6, zeroblob(32), CAST('behind a gap' AS BLOB))");
    database.close();
    const codes: string[] = [];
    const log = await open(folder, { failed: ({ code }) => codes.push(code) });
    await assert.rejects(log.add(newEntry('f')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    await log.close();
    assert.deepEqual(codes, ['ERR_LOG_INCONSISTENT']);
  });

  it('from a copy of all of it, where the mark beside the key knows better', async (t) => {
    const [folder, mark] = [newFolder(t), join(newFolder(t), 'log.mark')];
    await add(folder, FIVE, { mark });
    const copy = newFolder(t);
    cpSync(folder, copy, { recursive: true });
    await add(folder, ['f'], { mark });
    await refused(copy, 'ERR_LOG_ROLLED_BACK', { mark });
    await add(folder, ['g'], { mark });
  });

  it('as a second store for one key', async (t) => {
    const mark = join(newFolder(t), 'log.mark');
    await add(newFolder(t), FIVE, { mark });
    await refused(newFolder(t), 'ERR_STATE_INVALID', { mark });
    writeFileSync(mark, '{}');
    await refused(newFolder(t), 'ERR_STATE_INVALID', { mark });
    await refused(newFolder(t), 'ERR_FILE_UNREADABLE', { mark: join(mark, 'below a file') });
  });

  it('with another key or under another name', async (t) => {
    const folder = newFolder(t);
    await add(folder, FIVE);
    await refused(folder, 'ERR_STATE_INVALID', { signer: newSigner() });
    await refused(folder, 'ERR_STATE_INVALID', { origin: 'other.example' });
    await refused(folder, 'ERR_STATE_INVALID', { signer: newSigner('rsa2048') });
    await (await open(folder)).close();
  });

  it('on a damaged file', async (t) => {
    for (const file of ['log.db', 'sign.db']) {
      const folder = newFolder(t);
      await add(folder, FIVE);
      writeFileSync(join(folder, file), 'no database at all, whatever its name says');
      await refused(folder, 'ERR_STATE_INVALID');
    }
  });

  it('and stops when memory or disk change what was committed', async (t) => {
    const folder = newFolder(t);
    let failed: string | undefined;
    const log = await openLog({
      origin: 'log.example',
      signer,
      failed: (error) => (failed = error.code),
      pace: { soonest: 0 },
      async store(identity) {
        const store = await inFolder(folder)(identity);
        // As it is read back for the second hash, one bit is another.
        return {
          ...store,
          entries: async (from, to) =>
            (await store.entries(from, to)).map(({ leaf, body }) => ({ leaf, body: body.map((octet, i) => (i === 0 ? octet ^ 1 : octet)) })),
        };
      },
    });
    await assert.rejects(log.add(newEntry('an entry')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.equal(failed, 'ERR_LOG_INCONSISTENT');
    assert.equal(log.tiles.checkpoint(), undefined);
    assert.deepEqual([log.health().ready, log.health().reason?.includes('two ways')], [false, true]);
    await assert.rejects(log.add(newEntry('another')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    await log.close();
  });
});
