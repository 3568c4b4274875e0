import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { FILE_STEPS, type FileSteps } from './durable-file.ts';
import { createMemoryStore, FolderStore, keepArchive, keptEdges, prune, readArchive, type StoreProblem, writeArchive } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-evidence-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, `store${folders++}`);

const bytes = utf8('a signature');
const digest = formatDigest(digestOf(bytes));
const body = { state: 'complete', askedAt: 5 };

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
    assert.deepEqual(next.check(), { blobs: 1, records: 1, bytes: bytes.length });
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
      ...FILE_STEPS,
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
          ...FILE_STEPS,
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
          ...FILE_STEPS,
          [step]: (...given: never[]) => {
            if (way !== 'lost') (FILE_STEPS[step] as (...all: never[]) => void)(...given);
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
    utf8(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', name, layers: [{ digest }] }));
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

    assert.deepEqual(prune(store, { maxBytes: 1e9, now: Date.now() }), { digests: 0, blobs: 0, bytes: store.check().bytes }, 'what is young stays');
    assert.equal(prune(store, { maxBytes: 1e9, now: old }).blobs, 1, 'what nothing names goes');
    const kept = store.check().bytes;
    assert.deepEqual(prune(store, { maxBytes: kept - 1, now: old }), { digests: 1, blobs: 1, bytes: kept - manifest('a').length });
    assert.deepEqual(
      subjects.map(({ named }) => store.bytes(named) !== undefined),
      [false, true, true],
    );
    prune(store, { maxBytes: 0, now: old });
    assert.deepEqual(
      subjects.map(({ named }) => store.bytes(named) !== undefined),
      [false, false, true],
    );
    assert.ok(store.bytes(digest), 'what a pinned one names stays with it');
  });
});

describe('an archive', () => {
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
    assert.deepEqual(keepArchive(store, readArchive(archive)), { kept: { records: 1, blobs: 1 }, problems: [] });
    assert.deepEqual([store.bytes(digest), store.record('answers', 'r.test/a@x'), store.record('edges', 'e')], [Buffer.from(bytes), body, undefined]);
    assert.deepEqual(filled().archive, archive, 'the same evidence is the same archive');
  });

  it('that is broken says what is, whatever byte it is', () => {
    const { archive } = filled();
    for (let at = 0; at < archive.length; at += 7) {
      const broken = archive.slice();
      broken[at] = (broken[at] as number) ^ 0x41;
      const target = createMemoryStore();
      try {
        const { kept, problems } = keepArchive(target, readArchive(broken));
        const found = problems.length + Number(kept.records < 1 || kept.blobs < 1);
        if (target.bytes(digest)) assert.deepEqual(target.bytes(digest), bytes);
        const changed = JSON.stringify(target.record('answers', 'r.test/a@x')) !== JSON.stringify(body);
        // The places of an archive are what its bearer says; a flipped bit in them may read as another answer.
        assert.ok(found > 0 || changed || Buffer.compare(broken, archive) !== 0);
      } catch (error) {
        assert.match((error as { code?: string }).code ?? '', /^ERR_(?:EVIDENCE_ARCHIVE|TOO_LARGE)$/);
      }
    }
    for (let end = 1; end < archive.length - 1024; end += 100) {
      const cut = archive.slice(0, end);
      try {
        assert.ok(keepArchive(createMemoryStore(), readArchive(cut)).problems.length > 0, `cut at ${end}`);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_EVIDENCE_ARCHIVE');
      }
    }
  });

  it('never leads out of itself', () => {
    const { archive } = filled();
    const text = Buffer.from(archive).toString('latin1');
    const evil = Buffer.from(text.replace(/blobs\/sha256\/[0-9a-f]{20}/, '../../../../../etc/passwd/xxxxxxx'.slice(0, 33)), 'latin1');
    // The header's sum is wrong now, and with a right one the name is nobody's.
    assert.throws(() => {
      const { problems } = readArchive(evil);
      assert.equal(problems.length, 0);
    });
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
