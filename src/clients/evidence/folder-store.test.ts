import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { DISK, type FileSteps } from '../files/index.ts';
import { writeTar } from './tar.ts';
import { createMemoryStore, FolderStore, keepArchive, keptEdges, prune, readArchive, type StoreProblem, writeArchive } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-evidence-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, `store${folders++}`);

const bytes = utf8('a signature');
const digest = formatDigest(digestOf(bytes));
const body = { api: { state: 'complete', askedAt: 5 }, askedAt: 5 };
const carried = { api: { state: 'complete', askedAt: 5, imported: true }, askedAt: 5 };

function files(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a store in a folder', () => {
  it('keeps bytes and records, also for the next process', () => {
    const path = folder();
    const first = new FolderStore(path);
    assert.ok(first.keep(digest, bytes) && first.write('answers', 'r.test/a@x', body));
    const next = new FolderStore(path);
    assert.deepEqual([next.bytes(digest), next.record('answers', 'r.test/a@x')], [Buffer.from(bytes), body]);
    assert.deepEqual(next.records('answers'), [{ kind: 'answers', key: 'r.test/a@x', body }]);
    assert.deepEqual(
      [next.bytes(formatDigest(digestOf(utf8('other')))), next.record('tags', 'r.test/a@x'), next.bytes('../etc')],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(next.check(), { blobs: 1, records: 1, bytes: bytes.length, problems: [] });
  });

  it('takes nothing whose digest is another', () => {
    assert.equal(new FolderStore(folder()).keep(digest, utf8('something else')), false);
  });

  const ATTACKS: readonly (readonly [what: string, attack: (path: string) => void, why: RegExp])[] = [
    ['changed', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(/complete|signature/, 'CHANGED!!')), /does? not have|do not have|seal/],
    ['truncated', (path) => truncateSync(path, 3), /do not have|JSON|seal/],
    ['empty', (path) => truncateSync(path, 0), /do not have|JSON/],
    [
      'replaced by a link',
      (path) => {
        const text = readFileSync(path);
        rmSync(path);
        writeFileSync(`${path}.elsewhere`, text);
        symlinkSync(`${path}.elsewhere`, path);
      },
      /no file/,
    ],
    [
      'replaced by a folder',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /no file/,
    ],
  ];
  for (const [what, attack, why] of ATTACKS) {
    for (const kind of ['blob', 'record'] as const) {
      it(`notices a ${kind} that was ${what}, names it, and treats it as not there`, () => {
        const problems: StoreProblem[] = [];
        const path = folder();
        const store = new FolderStore(path, { onProblem: (problem) => problems.push(problem) });
        store.keep(digest, bytes);
        store.write('answers', 'k', body);
        const target = files(path).find((file) => file.includes(kind === 'blob' ? 'blobs' : 'records')) as string;
        attack(target);
        assert.equal(kind === 'blob' ? store.bytes(digest) : store.record('answers', 'k'), undefined);
        assert.match(problems[0]?.why ?? '', why);
        assert.ok(target.endsWith(problems[0]?.path ?? '?'));
      });
    }
  }

  it('believes no record of another installation, of another key, or under another name', () => {
    const [mine, theirs] = [folder(), folder()];
    const store = new FolderStore(mine);
    new FolderStore(theirs).write('answers', 'k', body);
    store.write('tags', 'k', body);
    const name = (path: string, kind: string): string => files(join(path, 'records', kind))[0] as string;
    const target = name(theirs, 'answers').replace(theirs, mine);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, readFileSync(name(theirs, 'answers')));
    assert.equal(store.record('answers', 'k'), undefined, 'sealed by another');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, readFileSync(name(mine, 'tags')));
    assert.equal(store.record('answers', 'k'), undefined, 'a record of another kind');
    assert.deepEqual(store.records('answers'), []);
  });

  it('refuses a key that is none', () => {
    const path = folder();
    assert.ok(new FolderStore(path).write('answers', 'k', body));
    truncateSync(join(path, 'seal.key'), 5);
    assert.throws(() => new FolderStore(path), { code: 'ERR_EVIDENCE_STORE' });
  });

  it('reads what cannot be written, and says so once', () => {
    const path = folder();
    new FolderStore(path).keep(digest, bytes);
    const problems: StoreProblem[] = [];
    const failing: FileSteps = {
      ...DISK,
      create: () => {
        throw Object.assign(new Error('x'), { code: 'EROFS' });
      },
    };
    const store = new FolderStore(path, { steps: failing, onProblem: (problem) => problems.push(problem) });
    assert.deepEqual([store.keep(formatDigest(digestOf(utf8('new'))), utf8('new')), store.write('answers', 'k', body)], [false, false]);
    assert.deepEqual(store.bytes(digest), Buffer.from(bytes));
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.why ?? '', /EROFS.*still read/);
  });

  for (const code of ['ENOSPC', 'EIO', 'EXDEV', 'EDQUOT']) {
    it(`goes on without keeping when a write ends with ${code}`, () => {
      const store = new FolderStore(folder(), {
        steps: {
          ...DISK,
          rename: () => {
            throw Object.assign(new Error('x'), { code });
          },
        },
      });
      assert.equal(store.keep(digest, bytes), false);
    });
  }

  const STEPS = ['makeFolder', 'create', 'rename', 'syncFolder'] as const;
  for (const step of STEPS) {
    for (const way of ['lost', 'done but reported lost'] as const) {
      it(`is whole after ${step} was ${way}`, () => {
        const path = folder();
        assert.equal(new FolderStore(path).bytes(digest), undefined);
        const broken: FileSteps = {
          ...DISK,
          [step]: (...given: never[]) => {
            if (way !== 'lost') (DISK[step] as (...all: never[]) => void)(...given);
            throw Object.assign(new Error('power'), { code: 'EIO' });
          },
        };
        const store = new FolderStore(path, { steps: broken });
        store.keep(digest, bytes);
        store.write('answers', 'k', body);
        const problems: StoreProblem[] = [];
        const next = new FolderStore(path, { onProblem: (problem) => problems.push(problem) });
        const found = next.bytes(digest);
        assert.ok(found === undefined || Buffer.compare(found, bytes) === 0);
        const record = next.record('answers', 'k');
        assert.ok(record === undefined || record.askedAt === 5);
        assert.deepEqual(problems, [], 'nothing half-written is found under a name of the store');
        assert.ok(next.keep(digest, bytes) && next.write('answers', 'k', body));
      });
    }
  }

  it('has bounds', () => {
    const store = new FolderStore(folder());
    const large = new Uint8Array(LIMITS.attestationBytes + 1);
    assert.equal(store.keep(formatDigest(digestOf(large)), large), false);
    assert.equal(store.write('answers', 'k', { text: 'x'.repeat(LIMITS.evidenceRecordBytes) }), false);
  });

  it('cannot be used where nothing may be read', { skip: process.getuid?.() === 0 && 'the super-user may read everything' }, () => {
    const path = folder();
    mkdirSync(path);
    chmodSync(path, 0);
    assert.throws(() => new FolderStore(path), { code: 'ERR_EVIDENCE_STORE' });
    chmodSync(path, 0o700);
  });
});

describe('keeping within a bound', () => {
  const manifest = (name: string): Uint8Array =>
    utf8(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        annotations: { name },
        config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: formatDigest(digestOf(utf8('{}'))), size: 2 },
        layers: [{ mediaType: 'application/octet-stream', digest, size: bytes.length }],
      }),
    );
  const old = Date.now() + 3_600_000;

  it('lets go first what was let in longest ago, keeps what is pinned, and takes the bytes along', () => {
    const store = new FolderStore(folder());
    store.keep(digest, bytes);
    const subjects = ['a', 'b', 'c'].map((name) => {
      const image = formatDigest(digestOf(utf8(name)));
      const signature = manifest(name);
      const named = formatDigest(digestOf(signature));
      store.keep(named, signature);
      store.write('answers', `r.test/${name}@${image}`, { askedAt: 1, api: { state: 'complete', askedAt: 1, descriptors: [{ digest: named }] } });
      return { image, named };
    });
    store.write('admitted', subjects[0]?.image as string, { at: 10 });
    store.write('admitted', subjects[1]?.image as string, { at: 30 });
    store.write('pins', subjects[2]?.image as string, { reason: 'it runs' });
    const loose = utf8('nothing names this');
    store.keep(formatDigest(digestOf(loose)), loose);

    const held = (): boolean[] => subjects.map(({ named }) => store.bytes(named) !== undefined);
    const before = prune(store, { maxBytes: 1e9, now: Date.now() });
    assert.deepEqual([before.digests, before.blobs], [0, 0], 'what is young stays');
    assert.ok(before.bytes > store.check().bytes, 'records count, too');
    const kept = prune(store, { maxBytes: 1e9, now: old });
    assert.equal(kept.blobs, 1, 'what nothing names goes');
    const running = prune(store, { maxBytes: 0, now: old, running: subjects.map(({ image }) => image) });
    assert.deepEqual([running.digests, held()], [0, [true, true, true]], 'what runs stays');
    const { digests, blobs } = prune(store, { maxBytes: kept.bytes - 1, now: old });
    assert.deepEqual([digests, blobs, held()], [1, 1, [false, true, true]]);
    prune(store, { maxBytes: 0, now: old });
    assert.deepEqual(held(), [false, false, true]);
    assert.ok(store.bytes(digest), 'what a pinned one names stays with it');
  });

  it('keeps as long as an image what its places do not list any more, and the indexes that list it', () => {
    const store = new FolderStore(folder());
    const image = formatDigest(digestOf(utf8('image')));
    const [withheld, index] = [utf8('a signature'), utf8('{"an": "index"}')].map((content) => {
      const name = formatDigest(digestOf(content));
      store.keep(name, content);
      return name;
    }) as [string, string];
    store.write('withheld', `r.test/app@${image}`, { askedAt: 1, documents: [{ digest: withheld, place: 'sig-tag' }] });
    store.write('indexes', `r.test/app@${image}`, { askedAt: 1, indexes: [index] });
    const held = (): boolean[] => [withheld, index].map((name) => store.bytes(name) !== undefined);
    prune(store, { maxBytes: 1e9, now: old });
    assert.deepEqual(held(), [true, true]);
    assert.equal(prune(store, { maxBytes: 0, now: old }).digests, 1);
    assert.deepEqual([held(), store.records('withheld'), store.records('indexes')], [[false, false], [], []]);
  });
});

describe('a store among others', () => {
  it('has one key, whoever came first', () => {
    const path = folder();
    const first: FolderStore[] = [];
    const slow: FileSteps = {
      ...DISK,
      create: (file, content, mode) => {
        DISK.create(file, content, mode);
        if (first.length === 0 && file.includes('seal.key')) first.push(new FolderStore(path));
      },
    };
    const second = new FolderStore(path, { steps: slow });
    first[0]?.write('tags', 'a', body);
    second.write('tags', 'b', body);
    assert.deepEqual([second.record('tags', 'a'), first[0]?.record('tags', 'b'), new FolderStore(path).record('tags', 'a')], [body, body, body]);
  });

  it('follows no folder that is a link', () => {
    const [path, elsewhere] = [folder(), folder()];
    mkdirSync(join(path, 'blobs'), { recursive: true });
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(path, 'blobs', 'sha256'));
    const problems: StoreProblem[] = [];
    const store = new FolderStore(path, { onProblem: (problem) => problems.push(problem) });
    assert.equal(store.keep(digest, bytes), false);
    assert.deepEqual([readdirSync(elsewhere), store.blobFiles()], [[], []]);
    assert.match(problems[0]?.why ?? '', /is no folder/);
  });

  it('replaces a file of the same length that was changed, and deletes nothing while it reads', () => {
    const path = folder();
    const store = new FolderStore(path);
    store.keep(digest, bytes);
    const target = files(join(path, 'blobs'))[0] as string;
    writeFileSync(target, 'x'.repeat(bytes.length));
    assert.equal(store.bytes(digest), undefined);
    assert.deepEqual(store.check().problems.length, 1);
    assert.equal(readFileSync(target, 'utf8'), 'x'.repeat(bytes.length), 'it stays, as evidence');
    assert.ok(store.keep(digest, bytes));
    assert.deepEqual(store.bytes(digest), Buffer.from(bytes));
    writeFileSync(target, 'x');
    assert.equal(store.removeBroken(store.check().problems), 1);
    assert.deepEqual(store.check(), { blobs: 0, records: 0, bytes: 0, problems: [] });
  });

  it('names a key that was replaced, and keeps its records', () => {
    const path = folder();
    const store = new FolderStore(path);
    for (const key of ['a', 'b']) store.write('answers', key, body);
    writeFileSync(join(path, 'seal.key'), 'k'.repeat(32));
    const other = new FolderStore(path);
    const { records, problems } = other.check();
    assert.deepEqual([records, problems.length, problems.at(-1)?.path], [0, 3, 'seal.key']);
    assert.equal(files(join(path, 'records')).length, 2);
  });

  it('brings new folders to the disk, up to the one that was there', () => {
    const synced: string[] = [];
    const path = join(folder(), 'a', 'b');
    const steps: FileSteps = { ...DISK, syncFolder: (at) => void synced.push(at) };
    assert.equal(new FolderStore(path, { steps }).bytes(digest), undefined);
    assert.deepEqual(
      synced,
      [path, dirname(path), dirname(dirname(path)), root].filter((at, i, all) => all.indexOf(at) === i),
    );
  });

  it('prunes over a document of a hostile depth', () => {
    const store = new FolderStore(folder());
    const deep = utf8(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`);
    const named = formatDigest(digestOf(deep));
    store.keep(named, deep);
    store.write('answers', `r.test/a@${digest}`, { askedAt: 1, api: { state: 'complete', askedAt: 1, descriptors: [{ digest: named }] } });
    assert.equal(prune(store, { maxBytes: 0, now: Date.now() + 3_600_000 }).bytes, 0);
  });
});

describe('an archive', () => {
  it('carries digests of every length', () => {
    const source = createMemoryStore();
    const digests = (['sha256', 'sha384', 'sha512'] as const).map((algorithm) => formatDigest(digestOf(bytes, algorithm)));
    for (const one of digests) source.keep(one, bytes);
    const target = createMemoryStore();
    assert.deepEqual(keepArchive(target, readArchive(writeArchive(source, { digests, records: [] })), 1000), { kept: { records: 0, blobs: 3 }, problems: [] });
    assert.deepEqual(
      digests.map((one) => target.bytes(one) !== undefined),
      [true, true, true],
    );
  });

  it('never takes the place of what was asked later, and is never younger than now', () => {
    const source = createMemoryStore();
    source.write('tags', 'r.test/a:1', { digest: 'old', askedAt: 10 });
    source.write('tags', 'r.test/a:2', { digest: 'future', askedAt: 9e12 });
    source.write('answers', 'r.test/a@x', { askedAt: 10, api: { state: 'absent', askedAt: 10 }, sig: { state: 'absent', askedAt: 30 } });
    const records = [...source.records('tags'), ...source.records('answers')];
    const target = createMemoryStore();
    target.write('tags', 'r.test/a:1', { digest: 'new', askedAt: 20 });
    target.write('answers', 'r.test/a@x', { askedAt: 20, api: { state: 'complete', askedAt: 20, descriptors: [] } });
    keepArchive(target, readArchive(writeArchive(source, { digests: [], records })), 1000);
    assert.deepEqual(target.record('tags', 'r.test/a:1'), { digest: 'new', askedAt: 20 });
    assert.deepEqual(target.record('tags', 'r.test/a:2'), { digest: 'future', askedAt: 1000, imported: true });
    assert.deepEqual(target.record('answers', 'r.test/a@x'), {
      askedAt: 30,
      api: { state: 'complete', askedAt: 20, descriptors: [] },
      sig: { state: 'absent', askedAt: 30, imported: true },
    });
  });

  function filled(): { store: ReturnType<typeof createMemoryStore>; archive: Uint8Array } {
    const store = createMemoryStore();
    store.keep(digest, bytes);
    store.write('answers', 'r.test/a@x', body);
    store.write('edges', 'e', { secret: 1 });
    return {
      store,
      archive: writeArchive(store, {
        digests: [digest],
        records: [
          { kind: 'answers', key: 'r.test/a@x' },
          { kind: 'edges', key: 'e' },
        ],
      }),
    };
  }

  it('carries bytes and places to another store, and no verdicts', () => {
    const { archive } = filled();
    const store = new FolderStore(folder());
    assert.deepEqual(keepArchive(store, readArchive(archive), 1000), { kept: { records: 1, blobs: 1 }, problems: [] });
    assert.deepEqual([store.bytes(digest), store.record('answers', 'r.test/a@x'), store.record('edges', 'e')], [Buffer.from(bytes), carried, undefined]);
    assert.deepEqual(filled().archive, archive, 'the same evidence is the same archive');
  });

  it('that is broken says what is, whatever byte it is', () => {
    const { archive } = filled();
    const whole = Buffer.from(archive);
    const headers = Array.from({ length: archive.length / 512 }, (_, i) => i * 512).filter((at) => whole.toString('latin1', at + 257, at + 262) === 'ustar');
    const index = { from: 512, to: whole.indexOf('\n', 512) + 1 };
    // When all places together were asked follows from the places.
    const derived = { from: whole.indexOf('"askedAt":5},"key"'), to: whole.indexOf('},"key"') };
    const blob = { from: whole.indexOf(bytes), to: whole.indexOf(bytes) + bytes.length };
    const within = (at: number, { from, to }: { from: number; to: number }): boolean => at >= from && at < to;
    for (let at = 0; at < archive.length; at++) {
      const broken = archive.slice();
      broken[at] = (broken[at] as number) ^ 0x41;
      const target = createMemoryStore();
      let noticed: boolean;
      try {
        const { kept, problems } = keepArchive(target, readArchive(broken), 1000);
        noticed = problems.length > 0 || kept.records < 1 || kept.blobs < 1;
      } catch (error) {
        assert.match((error as { code?: string }).code ?? '', /^ERR_(?:EVIDENCE_ARCHIVE|TOO_LARGE)$/);
        noticed = true;
      }
      const [found, record] = [target.bytes(digest), target.record('answers', 'r.test/a@x')];
      if (found) assert.deepEqual(found, bytes, `byte ${at}`);
      const changed = !isDeepStrictEqual(record, carried);
      // The last byte of a header's sum stands after its end, and means nothing.
      if (within(at, blob) || headers.some((from) => within(at, { from, to: from + 512 }) && at !== from + 155)) assert.ok(noticed, `byte ${at}`);
      // The places of an archive are what its bearer says; a flipped bit in them may read as another answer.
      else if (within(at, index) && !within(at, derived)) assert.ok(noticed || changed, `byte ${at}`);
      else assert.ok(noticed || (found && !changed), `byte ${at}`);
    }
    for (let end = 1; end < archive.length - 1024; end += 100) {
      const cut = archive.slice(0, end);
      try {
        assert.ok(keepArchive(createMemoryStore(), readArchive(cut), 1000).problems.length > 0, `cut at ${end}`);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_EVIDENCE_ARCHIVE');
      }
    }
  });

  it('never leads out of itself', () => {
    const index = { path: 'sealward-evidence.json', bytes: utf8('{"records":[],"version":1}') };
    const [, name = ''] = digest.split(':');
    const paths = [
      '../../../../etc/passwd',
      '/etc/passwd',
      'blobs/sha256/../../../etc/passwd',
      `blobs/sha256/../sha256/${name}`,
      `./blobs/sha256/${name}`,
      'seal.key',
    ];
    const archive = writeTar([index, ...paths.map((path) => ({ path, bytes }))]);
    const path = folder();
    const { kept, problems } = keepArchive(new FolderStore(path), readArchive(archive), 1000);
    assert.deepEqual([kept, problems.map((problem) => problem.path)], [{ records: 0, blobs: 0 }, paths]);
    assert.deepEqual(
      files(path).filter((file) => !file.endsWith('seal.key')),
      [],
    );
    assert.equal(readFileSync(join(path, 'seal.key')).length, 32);
  });
});

describe('verdicts', () => {
  it('are kept from one process to the next, under the names of both', () => {
    const path = folder();
    const first = keptEdges(new FolderStore(path));
    first.set('bundle:sha256:1#0/signature', 'anchor', true);
    assert.equal(first.get('bundle:sha256:1#0/signature', 'anchor'), true);
    first.flush();
    const next = keptEdges(new FolderStore(path));
    assert.deepEqual(
      [next.get('bundle:sha256:1#0/signature', 'anchor'), next.get('bundle:sha256:1#0/signature', 'other'), next.get('bundle:sha256:2#0/x', 'anchor')],
      [true, undefined, undefined],
    );
  });
});
