/** What went wrong in other readers of logs, as cases of `sealward log` and of what stands under it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { folderSource, LogFault, scanLog, TileLog, type TileSource } from '../../src/clients/tiles/index.ts';
import { LIMITS, utf8 } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { encodeVerifierKey, NOTE_KEY_TYPE, parseLogPolicy, verifyInclusion, leafHash } from '../../src/core/tlog/index.ts';
import { LOG_KEY, newFolder, openTestJournal } from '../journals.ts';

const POLICY = parseLogPolicy(utf8(`log ${encodeVerifierKey(LOG_KEY.verifier, NOTE_KEY_TYPE.ed25519)}\nquorum none\n`));
const SIZE = 600;

describe('a reader of logs', () => {
  let folder = '';
  const cleaning: (() => void)[] = [];
  before(async () => {
    folder = newFolder({ after: (done) => cleaning.push(done) });
    const journal = await openTestJournal(folder);
    for (let i = 0; i < SIZE; i++) journal.add(utf8(`entry ${i}`));
    await journal.close();
  });
  after(() => {
    for (const done of cleaning) done();
  });

  /** The log with one file changed. */
  const changed = (path: string, change: (bytes: Uint8Array) => Uint8Array): TileSource => {
    const source = folderSource(folder);
    return { ...source, read: async (asked, max) => (asked === path ? change((await source.read(asked, max)) ?? new Uint8Array()) : source.read(asked, max)) };
  };

  const refused = async (work: Promise<unknown>, what: string): Promise<void> => {
    await assert.rejects(work, (error) => error instanceof LogFault || (error instanceof SealwardError && error.family === 'InputError'), what);
  };

  it('CVE-2026-56865, CVE-2026-56864: takes no tile, bundle or checkpoint with one byte changed', async () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (path) => /^(?:tile\/|checkpoint)/.test(path) && statSync(join(folder, path)).isFile(),
    );
    assert.ok(files.length >= 8);
    for (const path of files) {
      const { length } = readFileSync(join(folder, path));
      for (let at = 0; at < length; at += Math.max(1, Math.floor(length / 40))) {
        const source = changed(path, (bytes) => bytes.map((byte, i) => (i === at ? byte ^ 0x20 : byte)));
        const log = new TileLog(source, POLICY);
        await refused((async () => scanLog(log, await log.newest(), { tiles: true }))(), `${path} byte ${at}`);
      }
    }
  });

  it('CVE-2026-56865: proves nothing by hashes that are not under the root, and hands out no entry that was changed', async () => {
    const honest = new TileLog(folderSource(folder), POLICY);
    const seen = await honest.newest();
    for (const index of [0n, 255n, 256n, 599n]) {
      const { entry, proof } = await honest.prove(index, seen);
      const { size, root } = seen.checkpoint;
      assert.ok(verifyInclusion({ index, size, leafHash: leafHash(entry as Uint8Array), proof, root }));
    }
    for (const path of ['tile/0/000', 'tile/1/000.p/2', 'tile/entries/000']) {
      const log = new TileLog(
        changed(path, (bytes) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))),
        POLICY,
      );
      await refused(Promise.all([log.prove(1n, seen), log.prove(4n, seen), log.prove(300n, seen)]), path);
    }
  });

  it('CVE-2026-56865: hashes behind the size that was signed change nothing', async () => {
    const source = folderSource(folder);
    // The partial tile is gone; the full one begins with it and ends in what nobody signed.
    const longer: TileSource = {
      ...source,
      read: async (path, max) => {
        if (path === 'tile/0/002.p/88') return undefined;
        if (path !== 'tile/0/002') return source.read(path, max);
        const bytes = new Uint8Array(256 * 32).fill(7);
        bytes.set((await source.read('tile/0/002.p/88', max)) ?? assert.fail('no tile'));
        return bytes;
      },
    };
    const log = new TileLog(longer, POLICY);
    assert.equal((await scanLog(log, await log.newest(), { tiles: true })).entries, BigInt(SIZE));
  });

  it('CVE-2022-36111: a tree that is older than, or another one than, what was seen is an alarm', async () => {
    const log = new TileLog(folderSource(folder), POLICY);
    const seen = await log.newest();
    const { checkpoint } = seen;
    await assert.rejects(log.consistency({ ...checkpoint, size: 601n }, checkpoint), { finding: 'LOG_INCONSISTENT' });
    await assert.rejects(log.consistency({ ...checkpoint, root: new Uint8Array(32) }, checkpoint), { finding: 'LOG_INCONSISTENT' });
    await assert.rejects(log.consistency({ ...checkpoint, size: 300n }, checkpoint), { finding: 'LOG_INCONSISTENT' });
    for (const known of [
      { size: 300n, root: new Uint8Array(32) },
      { size: 700n, root: checkpoint.root },
    ]) {
      await assert.rejects(scanLog(log, seen, { from: known }), { finding: 'LOG_INCONSISTENT' });
      await assert.rejects(scanLog(log, seen, { older: [known] }), { finding: 'LOG_INCONSISTENT' });
    }
  });

  it('a log that shows new entries to nobody is at fault, one that let go of old ones is not', async () => {
    const source = folderSource(folder);
    const without = (...gone: readonly string[]): TileSource => ({
      ...source,
      read: async (path, max) => (gone.includes(path) ? undefined : source.read(path, max)),
    });
    const pruned = new TileLog(without('tile/entries/000'), POLICY);
    assert.deepEqual(await scanLog(pruned, await pruned.newest()), { entries: 344n, gone: 256n });
    for (const path of ['tile/entries/001', 'tile/entries/002.p/88']) {
      const hiding = new TileLog(without(path), POLICY);
      await assert.rejects(scanLog(hiding, await hiding.newest()), { finding: 'LOG_TREE_INVALID', message: /are missing/ });
    }
  });

  it('bounds: one byte more than LIMITS.entryBundleBytes', async () => {
    let asked = 0;
    const source: TileSource = {
      ...folderSource(folder),
      read: async (path, max) => {
        if (!path.startsWith('tile/entries/')) return folderSource(folder).read(path, max);
        asked = max;
        throw new SealwardError('ERR_TOO_LARGE', 'one over');
      },
    };
    const log = new TileLog(source, POLICY);
    await assert.rejects(scanLog(log, await log.newest()), { code: 'ERR_TOO_LARGE' });
    assert.equal(asked, LIMITS.entryBundleBytes);
    await assert.rejects(folderSource(folder).read('tile/0/000', 256 * 32 - 1), { code: 'ERR_TOO_LARGE' });
    assert.equal((await folderSource(folder).read('tile/0/000', 256 * 32))?.length, 256 * 32);
  });
});
