import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { concatBytes, utf8 } from '../../core/encoding/index.ts';
import { fails } from '../../../test/loopback.ts';
import { BACKGROUND_DISK, type BackgroundSteps, createDurably, DISK, type FileSteps, writeDurably, writeInBackground, writeNewFiles } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-files-'));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = (): string => mkdtempSync(join(root, 'f-'));
const failure = (code: string): Error => Object.assign(new Error(code), { code });

type Way = 'lost' | 'done but reported lost';
const WAYS: readonly Way[] = ['lost', 'done but reported lost'];

/** A disk whose n-th step of one kind fails; `calls` has every step that was taken. */
function broken(step: keyof FileSteps | undefined, way: Way, code = 'EIO', nth = 1): { steps: FileSteps; calls: string[] } {
  const calls: string[] = [];
  let left = nth;
  const make = (name: keyof FileSteps): never =>
    ((...given: readonly unknown[]) => {
      calls.push(`${name} ${basename(String(given[0])).replace(/\.[0-9a-f]{12}\./, '.*.')}`);
      const real = DISK[name] as (...all: readonly unknown[]) => unknown;
      if (name !== step || --left > 0) return real(...given);
      if (way !== 'lost') real(...given);
      throw failure(code);
    }) as never;
  const steps: FileSteps = {
    makeFolder: make('makeFolder'),
    create: make('create'),
    rename: make('rename'),
    link: make('link'),
    syncFolder: make('syncFolder'),
    unlink: make('unlink'),
  };
  return { steps, calls };
}

function background(step: keyof BackgroundSteps, way: Way): BackgroundSteps {
  return {
    ...BACKGROUND_DISK,
    [step]: async (...given: readonly unknown[]) => {
      if (way !== 'lost') await (BACKGROUND_DISK[step] as (...all: readonly unknown[]) => Promise<unknown>)(...given);
      throw failure('EIO');
    },
  };
}

const old = utf8('the old content');
const fresh = utf8('the new content, which is longer');

/** The one file, whole, and nothing beside it; or nothing at all. */
function contentOf(path: string): string | undefined {
  const names = readdirSync(dirname(path));
  assert.deepEqual(
    names.filter((name) => name !== basename(path)),
    [],
    'nothing is left beside it',
  );
  return names.length === 0 ? undefined : readFileSync(path, 'utf8');
}

describe('a file that is replaced', () => {
  it('is brought to the disk before it has its name, and its name before anybody is told', () => {
    const { steps, calls } = broken(undefined, 'lost');
    writeDurably(join(root, 'order', 'deep', 'file'), fresh, { steps });
    assert.deepEqual(calls, [
      'makeFolder deep',
      'create .file.*.tmp',
      'rename .file.*.tmp',
      'syncFolder deep',
      'syncFolder order',
      `syncFolder ${basename(root)}`,
    ]);
  });

  for (const step of ['makeFolder', 'create', 'rename', 'syncFolder'] as const) {
    for (const way of WAYS) {
      it(`is the old one or the new one after ${step} was ${way}, and the same again succeeds`, () => {
        const path = join(folder(), 'file');
        writeFileSync(path, old);
        assert.throws(() => writeDurably(path, fresh, { steps: broken(step, way).steps }), { code: 'EIO' });
        const happened = step === 'syncFolder' || (step === 'rename' && way !== 'lost');
        assert.equal(contentOf(path), Buffer.from(happened ? fresh : old).toString());
        writeDurably(path, fresh);
        assert.equal(contentOf(path), Buffer.from(fresh).toString());
      });

      it(`is the old one or the new one in the background after ${step} was ${way}, and the same again succeeds`, async () => {
        const path = join(folder(), 'file');
        writeFileSync(path, old);
        await assert.rejects(writeInBackground(path, fresh, { steps: background(step, way) }), { code: 'EIO' });
        const happened = step === 'syncFolder' || (step === 'rename' && way !== 'lost');
        assert.equal(contentOf(path), Buffer.from(happened ? fresh : old).toString());
        await writeInBackground(path, fresh);
        assert.equal(contentOf(path), Buffer.from(fresh).toString());
      });
    }
  }

  it('may come in pieces, and a source that fails leaves what was there', async () => {
    const path = join(folder(), 'file');
    const pieces = async function* (fail: boolean): AsyncGenerator<Uint8Array> {
      yield fresh.subarray(0, 5);
      if (fail) throw failure('the source');
      yield fresh.subarray(5);
    };
    await writeInBackground(path, pieces(false));
    await assert.rejects(writeInBackground(path, pieces(true)), { code: 'the source' });
    assert.equal(contentOf(path), Buffer.from(fresh).toString());
  });

  it('is for its owner alone unless said otherwise, as are the folders that are made for it', async () => {
    const plain = join(folder(), 'plain');
    writeFileSync(plain, '', { mode: 0o777 });
    const allowed = statSync(plain).mode & 0o777;
    for (const mode of [undefined, 0o644, 0o444]) {
      const [one, two] = [join(folder(), 'made', 'file'), join(folder(), 'made', 'file')];
      const options = mode === undefined ? {} : { mode };
      writeDurably(one, fresh, options);
      await writeInBackground(two, fresh, options);
      for (const path of [one, two]) {
        assert.equal(statSync(path).mode & 0o777, (mode ?? 0o600) & allowed);
        assert.equal(statSync(dirname(path)).mode & 0o777, mode === undefined ? 0o700 : allowed);
      }
    }
  });

  it('under a long name is written as well', () => {
    const path = join(folder(), 'n'.repeat(250));
    writeDurably(path, fresh);
    assert.equal(contentOf(path), Buffer.from(fresh).toString());
  });
});

describe('a file that replaces nothing', () => {
  it('is made once, however many try', () => {
    const path = join(folder(), 'file');
    assert.deepEqual([createDurably(path, old), createDurably(path, fresh)], [true, false]);
    assert.equal(contentOf(path), Buffer.from(old).toString());
  });

  for (const step of ['makeFolder', 'create', 'link', 'syncFolder'] as const) {
    for (const way of WAYS) {
      it(`is whole or not there after ${step} was ${way}, and the same again tells which`, () => {
        const path = join(folder(), 'file');
        assert.throws(() => createDurably(path, fresh, { steps: broken(step, way).steps }), { code: 'EIO' });
        const happened = step === 'syncFolder' || (step === 'link' && way !== 'lost');
        assert.equal(contentOf(path), happened ? Buffer.from(fresh).toString() : undefined);
        assert.equal(createDurably(path, fresh), !happened);
        assert.equal(contentOf(path), Buffer.from(fresh).toString());
      });
    }
  }

  for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES']) {
    it(`is made in place where links end with ${code}`, () => {
      const path = join(folder(), 'file');
      const without: FileSteps = { ...DISK, link: () => assert.fail(failure(code)) };
      assert.deepEqual([createDurably(path, old, { steps: without }), createDurably(path, fresh, { steps: without })], [true, false]);
      assert.equal(contentOf(path), Buffer.from(old).toString());
      const half: FileSteps = {
        ...without,
        create: (file, bytes, mode) => {
          DISK.create(file, file.endsWith('.tmp') ? bytes : bytes.subarray(0, 3), mode);
          if (!file.endsWith('.tmp')) throw failure('ENOSPC');
        },
      };
      const other = join(folder(), 'file');
      assert.throws(() => createDurably(other, fresh, { steps: half }), { code: 'ENOSPC' });
      assert.equal(contentOf(other), undefined, 'no half of it stays');
    });
  }
});

describe('several new files', () => {
  const files = (where: string) => ['a', 'b'].map((name) => ({ path: join(where, name), content: name, mode: 0o600 }));

  it('are all there or none, and replace nothing', () => {
    const where = folder();
    writeNewFiles(files(where));
    assert.deepEqual(readdirSync(where), ['a', 'b']);
    assert.throws(() => writeNewFiles(files(where)), fails('ERR_FILE_EXISTS'));
    rmSync(join(where, 'a'));
    assert.throws(() => writeNewFiles(files(where)), fails('ERR_FILE_EXISTS'));
    assert.deepEqual(readdirSync(where), ['b']);
  });

  for (const [step, nth] of [
    ['create', 1],
    ['create', 2],
    ['link', 1],
    ['link', 2],
    ['syncFolder', 1],
  ] as const) {
    for (const way of WAYS) {
      it(`are none after ${step} ${nth} was ${way}, but for one that was there and reported lost`, () => {
        const where = folder();
        assert.throws(() => writeNewFiles(files(where), broken(step, way, 'EIO', nth).steps), fails('ERR_FILE_UNREADABLE'));
        // A link that is reported lost may not be ours to remove: whoever took the name meanwhile would lose it.
        const left = step === 'link' && way !== 'lost' ? [['a', 'b'][nth - 1]] : [];
        assert.deepEqual(readdirSync(where), left);
        for (const name of left) assert.equal(readFileSync(join(where, name as string), 'utf8'), name);
      });
    }
  }

  it('of which one was put there meanwhile are none, and that one stays', () => {
    const where = folder();
    const steps: FileSteps = {
      ...DISK,
      link: (from, to) => {
        if (to.endsWith('b')) writeFileSync(to, concatBytes(utf8('of somebody else')), { flag: 'wx' });
        DISK.link(from, to);
      },
    };
    assert.throws(() => writeNewFiles(files(where), steps), fails('ERR_FILE_EXISTS'));
    assert.deepEqual([readdirSync(where), readFileSync(join(where, 'b'), 'utf8')], [['b'], 'of somebody else']);
  });
});
