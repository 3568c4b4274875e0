import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bound, JournalDisk } from '../../../test/journal-disk.ts';
import { entryOf, LOG_KEY, newFolder, noteKey, openTestJournal, ORIGIN } from '../../../test/journals.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  computeRoot,
  edgeTiles,
  leafHash,
  NOTE_KEY_TYPE,
  parseCheckpoint,
  parseHashTile,
  parseNote,
  rootFromEdge,
  tilePath,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from '../../core/tlog/index.ts';
import { folderFiles } from './files.ts';
import type { Journal, JournalFiles, JournalOptions } from './index.ts';

function utf8Text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

async function fill(journal: Journal, count: number): Promise<void> {
  const first = Number(journal.size);
  const tickets = Array.from({ length: count }, (_, i) => journal.add(entryOf(first + i)));
  for (const { durable } of tickets) await durable;
}

/** Everything that can be said about a journal, said twice. */
async function checkAll(journal: Journal, size: number): Promise<void> {
  const tree = await journal.sign();
  if (size === 0) return assert.equal(tree, undefined);
  assert.ok(tree);
  const leaves = Array.from({ length: size }, (_, i) => leafHash(entryOf(i)));
  assert.equal(tree.size, BigInt(size));
  assert.deepEqual(tree.root, computeRoot(leaves));
  assert.equal(verifyNote(parseNote(tree.note), [LOG_KEY.verifier]).ok, true);
  assert.deepEqual(
    (await journal.entries(0n, tree.size)).map((entry) => Buffer.from(entry).toString()),
    Array.from({ length: size }, (_, i) => Buffer.from(entryOf(i)).toString()),
  );
  for (const index of new Set([0, size >> 1, size - 1])) {
    const { proof } = await journal.prove(BigInt(index));
    assert.ok(verifyInclusion({ index: BigInt(index), size: tree.size, leafHash: leaves[index] as Uint8Array, proof, root: tree.root }), `proof of ${index}`);
  }
}

describe('a journal', () => {
  it('keeps entries through restarts, with proofs, and as tiles that say the same', async (t) => {
    const folder = newFolder(t);
    let size = 0;
    for (const more of [0, 1, 254, 1, 1, 300, 700, 3]) {
      const journal = await openTestJournal(folder, { pace: { segmentBytes: 4000, perCommit: 100 } });
      assert.equal(journal.size, BigInt(size));
      await fill(journal, more);
      size += more;
      await checkAll(journal, size);
      await journal.close();
    }
    const checkpoint = parseCheckpoint(parseNote(readFileSync(join(folder, 'checkpoint'), 'utf8')));
    const edge = edgeTiles(checkpoint.size).map((tile) => parseHashTile(readFileSync(join(folder, tilePath(tile))), tile.width));
    assert.deepEqual(rootFromEdge(edge), checkpoint.root);
    assert.equal(checkpoint.origin, ORIGIN);
    assert.ok(readdirSync(join(folder, 'journal')).length <= 3, 'old segments are gone');
    assert.equal(existsSync(join(folder, 'tile/0/000.p')), false, 'full tiles have no partial ones beside them');
  });

  it('proves the tree that is shown, also while the next round replaces its partial tiles', async () => {
    const disk = new JournalDisk();
    let during = 0;
    const place: JournalFiles = {
      ...bound(disk),
      remove: async (path) => {
        await disk.remove(path);
        if (!path.endsWith('.p')) return;
        during++;
        const { tree, proof } = await journal.prove(7n);
        assert.equal(tree.size, 200n);
        assert.ok(verifyInclusion({ index: 7n, size: 200n, leafHash: leafHash(entryOf(7)), proof, root: tree.root }));
        assert.deepEqual(
          (await journal.entries(198n, 200n)).map(utf8Text),
          [198, 199].map((i) => utf8Text(entryOf(i))),
        );
        assert.ok(verifyConsistency({ size1: 100n, size2: 200n, root1: older, root2: tree.root, proof: await journal.consistency(100n) }));
      },
    };
    const older = computeRoot(Array.from({ length: 100 }, (_, i) => leafHash(entryOf(i))));
    const journal = await openTestJournal(place, { record: new JournalDisk() });
    await fill(journal, 200);
    await journal.sign();
    await fill(journal, 100);
    await checkAll(journal, 300);
    assert.equal(during, 2, 'the partial hash tile and the partial bundle were replaced');
    await journal.close();
  });

  it('signs what was committed before a crash and not signed yet', async (t) => {
    const folder = newFolder(t);
    const first = await openTestJournal(folder);
    await fill(first, 300);
    const copy = newFolder(t);
    cpSync(folder, copy, { recursive: true });
    await first.close();
    const second = await openTestJournal(copy, { create: false });
    assert.equal(second.size, 300n);
    await fill(second, 10);
    await checkAll(second, 310);
    await second.close();
  });

  it('has one writer', async (t) => {
    const folder = newFolder(t);
    const journal = await openTestJournal(folder);
    await assert.rejects(openTestJournal(folder), { code: 'ERR_JOURNAL_IN_USE' });
    await journal.close();
    await (await openTestJournal(folder)).close();
  });

  it('says what of it a disk refuses, and that it is neither taken by another nor our bug', async (t) => {
    const [unlockable, unwritable] = [newFolder(t), newFolder(t)];
    mkdirSync(join(unlockable, 'lock.db'));
    const cannotLock = `the journal ${unlockable} cannot be locked: unable to open database file`;
    await assert.rejects(openTestJournal(unlockable), { code: 'ERR_FILE_UNREADABLE', message: cannotLock });
    mkdirSync(join(unwritable, 'signed.jsonl'));
    await assert.rejects(openTestJournal(unwritable), { code: 'ERR_FILE_UNREADABLE', message: /cannot be opened: EISDIR/ });
    await assert.rejects(openTestJournal(join(unwritable, 'lock.db', 'x')), { code: 'ERR_FILE_UNREADABLE', message: /cannot be opened: ENOTDIR/ });
    const full = async (): Promise<never> => Promise.reject(Object.assign(new Error(), { code: 'ENOSPC', syscall: 'write' }));
    const files = folderFiles(newFolder(t));
    await assert.rejects(openTestJournal({ ...files, append: full, put: full }), { code: 'ERR_JOURNAL_FAILED', message: /cannot be opened: ENOSPC/ });
  });

  it('is begun only when asked to, and never without the record of what it signed', async (t) => {
    const folder = newFolder(t);
    await assert.rejects(openTestJournal(folder, { create: false }), { code: 'ERR_STATE_INVALID' });
    const journal = await openTestJournal(folder);
    await fill(journal, 3);
    await journal.close();
    rmSync(join(folder, 'signed.jsonl'));
    await assert.rejects(openTestJournal(folder), { code: 'ERR_STATE_INVALID', message: /record of what the log .* signed is missing/ });
  });

  it('refuses a restored snapshot: the record, or whoever has seen more, knows better', async (t) => {
    const [folder, record, snapshot] = [newFolder(t), newFolder(t), newFolder(t)];
    const journal = await openTestJournal(folder, { record });
    await fill(journal, 5);
    await journal.sign();
    cpSync(folder, snapshot, { recursive: true });
    const older = newFolder(t);
    cpSync(record, older, { recursive: true });
    await fill(journal, 5);
    const newest = await journal.sign();
    await journal.close();
    await assert.rejects(openTestJournal(snapshot, { record }), { code: 'ERR_LOG_ROLLED_BACK', message: /signed 10 entries, and 5 are here/ });
    await assert.rejects(openTestJournal(newFolder(t), { record }), { code: 'ERR_LOG_ROLLED_BACK' });
    // Both restored: only a witness can tell.
    const elsewhere = async (): Promise<string[]> => [newest?.note ?? ''];
    await assert.rejects(openTestJournal(snapshot, { record: older, elsewhere }), { code: 'ERR_LOG_ROLLED_BACK', message: /others have seen 10/ });
    const fork = await openTestJournal(snapshot, { record: older });
    await fork.append(utf8('another past'));
    await fill(fork, 5);
    await fork.sign();
    await assert.rejects(fork.compareWith(newest?.note ?? ''), { code: 'ERR_LOG_ROLLED_BACK', message: /another tree of 10/ });
    await fork.close();
    await assert.rejects(openTestJournal(folder, { record: older }), { code: /ERR_/ });
  });

  it('refuses two stores that share one record', async (t) => {
    const [one, two, record] = [newFolder(t), newFolder(t), newFolder(t)];
    const first = await openTestJournal(one, { record });
    await assert.rejects(openTestJournal(two, { record }), { code: 'ERR_JOURNAL_IN_USE' });
    await fill(first, 1);
    await first.close();
    await assert.rejects(openTestJournal(two, { record }), { code: 'ERR_LOG_ROLLED_BACK' });
  });

  it('refuses a record of another log, and one that somebody edited', async (t) => {
    const folder = newFolder(t);
    const journal = await openTestJournal(folder);
    await fill(journal, 1);
    await journal.sign();
    await fill(journal, 1);
    await journal.close();
    await assert.rejects(openTestJournal(folder, { origin: 'log.example/another' }), { code: 'ERR_JOURNAL_DAMAGED' });
    await assert.rejects(openTestJournal(folder, { keys: [noteKey(ORIGIN)] }), { code: 'ERR_LOG_INCONSISTENT' });
    const path = join(folder, 'signed.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, [lines[0], lines[2], ''].join('\n'));
    await assert.rejects(openTestJournal(folder), { code: 'ERR_JOURNAL_DAMAGED', message: /does not follow/ });
    writeFileSync(path, `${lines.slice(0, 2).join('\n')}\n{"previous":`);
    // A line that was cut off never left; the one before it is the newest then, and is consistent.
    await (await openTestJournal(folder)).close();
  });

  it('keeps every checkpoint that it signed, in files that go on from each other', async (t) => {
    const folder = newFolder(t);
    const notes: string[] = [];
    for (let life = 0; life < 3; life++) {
      const journal = await openTestJournal(folder, { pace: { recordBytes: 1000 } });
      for (let i = 0; i < 5; i++) {
        await fill(journal, 1);
        notes.push((await journal.sign())?.note ?? '');
      }
      await journal.close();
    }
    const files = readdirSync(folder).filter((name) => /^signed.*jsonl$/.test(name));
    assert.ok(files.length > 3);
    const kept = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n').slice(1));
    const recorded = new Set(kept.map((line) => (JSON.parse(line) as { note: string }).note));
    assert.deepEqual([...recorded].toSorted(), notes.toSorted());
    const head = readFileSync(join(folder, 'signed.jsonl'), 'utf8').split('\n')[0] ?? '';
    writeFileSync(join(folder, 'signed.jsonl'), `${head}\n`);
    await assert.rejects(openTestJournal(folder), { code: 'ERR_JOURNAL_DAMAGED', message: /lost the line/ });
  });

  it('refuses any flipped bit of what was committed, and drops only what was cut off', async (t) => {
    const folder = newFolder(t);
    const journal = await openTestJournal(folder);
    await fill(journal, 20);
    await journal.close();
    const path = join(folder, 'journal', readdirSync(join(folder, 'journal'))[0] as string);
    const sound = readFileSync(path);
    for (let bit = 0; bit < sound.length * 8; bit += 41) {
      const damaged = Buffer.from(sound);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      writeFileSync(path, damaged);
      await assert.rejects(openTestJournal(folder), { code: /^ERR_(JOURNAL_DAMAGED|LOG_ROLLED_BACK)$/ }, `bit ${bit}`);
    }
    writeFileSync(path, sound);
    appendFileSync(path, sound.subarray(0, sound.length - 1));
    appendFileSync(path, new Uint8Array(0));
    const again = await openTestJournal(folder);
    assert.equal(again.size, 20n);
    await again.close();
    assert.deepEqual(readFileSync(path), sound);
  });

  it('signs with a post-quantum key beside the classical one', async (t) => {
    const extra = noteKey(ORIGIN, NOTE_KEY_TYPE.subtree);
    const journal = await openTestJournal(newFolder(t), { keys: [LOG_KEY, extra] });
    await fill(journal, 3);
    const note = parseNote((await journal.sign())?.note ?? '');
    const verdict = verifyNote(note, [LOG_KEY.verifier, extra.verifier]);
    assert.equal(verdict.ok && verdict.signatures.length, 2);
    await journal.close();
  });

  it('shows a checkpoint only when its witnesses have cosigned, and asks them again', async (t) => {
    const folder = newFolder(t);
    const asked: bigint[] = [];
    let there = false;
    const cosign: JournalOptions['cosign'] = async (envelope, prove) => {
      if (!there) throw new SealwardError('ERR_WITNESS_REFUSED', 'no witness answers');
      const { size, root } = parseCheckpoint(parseNote(envelope));
      asked.push(size);
      const leaves = Array.from({ length: 2 }, (_, i) => leafHash(entryOf(i)));
      if (size > 2n) assert.ok(verifyConsistency({ size1: 2n, root1: computeRoot(leaves), size2: size, root2: root, proof: await prove(2n) }));
      return `${envelope}\u2014 witness.example ${Buffer.alloc(80).toString('base64')}\n`;
    };
    const journal = await openTestJournal(folder, { cosign });
    await fill(journal, 2);
    assert.equal((await journal.sign())?.size, 2n);
    assert.equal(journal.heldBack?.code, 'ERR_WITNESS_REFUSED');
    assert.equal(existsSync(join(folder, 'checkpoint')), false);
    there = true;
    await journal.sign();
    assert.equal(journal.heldBack, undefined);
    await fill(journal, 3);
    await journal.sign();
    assert.deepEqual(asked, [2n, 5n]);
    assert.match(readFileSync(join(folder, 'checkpoint'), 'utf8'), /witness\.example/);
    assert.equal((await journal.consistency(2n)).length > 0, true);
    await assert.rejects(journal.consistency(6n), { code: 'ERR_NOT_FOUND' });
    await journal.close();
  });

  it('refuses what is too long, more than it takes at once, and everything once it is closed', async (t) => {
    const journal = await openTestJournal(newFolder(t), { pace: { outstanding: 2 } });
    assert.throws(() => journal.add(new Uint8Array(65_536)), { code: 'ERR_TOO_LARGE' });
    const waiting = [journal.add(new Uint8Array(65_535)), journal.add(new Uint8Array())];
    assert.throws(() => journal.add(utf8('x')), { code: 'ERR_LOG_BUSY' });
    for (const { durable } of waiting) await durable;
    assert.equal(await journal.append(utf8('x')), 2n);
    assert.equal(journal.waiting, 0);
    await journal.close();
    assert.throws(() => journal.add(utf8('x')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.equal(journal.failure, undefined);
  });

  it('signs by itself soon after a commit', async (t) => {
    const journal = await openTestJournal(newFolder(t), { pace: { signAfterMs: 1, gatherMs: 1 } });
    await journal.append(utf8('x'));
    while (!journal.signed) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(journal.signed.size, 1n);
    await journal.close();
  });

  it('proves every entry, however entries, signatures and restarts follow each other', async (t) => {
    const step = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constant('sign' as const), fc.constant('restart' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.integer({ min: 200, max: 20_000 }), async (steps, segmentBytes) => {
        const folder = newFolder(t);
        let journal = await openTestJournal(folder, { pace: { segmentBytes, perCommit: 64 } });
        for (const one of steps) {
          if (one === 'sign') await journal.sign();
          else if (one === 'restart') {
            await journal.close();
            journal = await openTestJournal(folder, { pace: { segmentBytes, perCommit: 64 } });
          } else await fill(journal, one);
        }
        await checkAll(journal, Number(journal.size));
        await journal.close();
        rmSync(folder, { recursive: true });
      }),
      { numRuns: process.env['SEALWARD_TORTURE'] ? 500 : 15 },
    );
  });
});
