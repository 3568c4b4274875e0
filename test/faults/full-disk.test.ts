/** Files on a disk that is full or may not be written to: the sentence says which and why, and nothing is left half-written. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestFrom, digestOf, formatDigest } from '../../src/core/artifact/index.ts';
import { buildImage, MemoryRegistry } from '../../src/testing/index.ts';
import { pushImage } from '../stories/registries.ts';
import { Workshop } from '../stories/workshop.ts';

interface Disk {
  readonly path: string;
  /** Leaves not a byte. */
  fill(): void;
  free(): void;
  lock(): void;
}

const FILLER = 'filler';
/** Bytes; a multiple of the page in which such a file system counts. */
const SIZE = 256 * 1024;

/** A small file system of its own; undefined, with the test skipped, where none can be mounted. */
function smallDisk(t: TestContext, workshop: Workshop): Disk | undefined {
  const path = join(workshop.file('disk/.keep', ''), '..');
  const tool = (name: string, ...args: readonly string[]): void => void execFileSync(name, [...args, path], { stdio: 'ignore' });
  try {
    tool('mount', '-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs');
  } catch {
    workshop.remove();
    t.skip('a full disk needs a file system of its own, and nothing can be mounted here: that takes root, on Linux');
    return undefined;
  }
  t.after(() => {
    tool('umount', '-l');
    workshop.remove();
  });
  return {
    path,
    fill: () => assert.throws(() => writeFileSync(join(path, FILLER), Buffer.alloc(SIZE + 1)), { code: 'ENOSPC' }),
    free: () => rmSync(join(path, FILLER)),
    lock: () => tool('mount', '-o', 'remount,ro'),
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== FILLER)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function setting(t: TestContext): Promise<{ registry: MemoryRegistry; workshop: Workshop }> {
  const [registry, workshop] = [await MemoryRegistry.start(), new Workshop()];
  t.after(() => registry.close());
  return { registry, workshop };
}

for (const [how, says] of [
  ['full', /the disk is full/],
  ['read-only', /the file system is read-only/],
] as const) {
  test(`sign --bundle onto a disk that is ${how}: which file, why, and that the image is signed`, async (t) => {
    const { registry, workshop } = await setting(t);
    const disk = smallDisk(t, workshop);
    if (!disk) return;
    const keys = await workshop.keys();
    const { tagged, digest } = await pushImage(registry.host, 'app');
    const bundle = join(disk.path, 'bundle.json');
    writeFileSync(bundle, 'what was there');
    if (how === 'full') disk.fill();
    else disk.lock();
    const { code, stdout, stderr } = await workshop.sign(tagged, keys, '--bundle', bundle);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /ERR_FILE_UNREADABLE/);
    assert.match(stderr, says);
    assert.match(stderr, /bundle\.json cannot be written/);
    assert.ok(stderr.includes(`signed before that: ${tagged}@${digest}`), stderr);
    assert.deepEqual(filesIn(disk.path), [bundle]);
    assert.equal(readFileSync(bundle, 'utf8'), 'what was there');
    assert.equal((await workshop.verify(tagged, keys)).code, 0);
  });

  test(`generate-key-pair on a disk that is ${how}: neither half of the pair`, async (t) => {
    const { workshop } = await setting(t);
    const disk = smallDisk(t, workshop);
    if (!disk) return;
    if (how === 'full') disk.fill();
    else disk.lock();
    const { code, stdout, stderr } = await workshop.sealward(['generate-key-pair', '--output-key-prefix', join(disk.path, 'release')]);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /ERR_FILE_UNREADABLE/);
    assert.match(stderr, how === 'full' ? /ENOSPC/ : /EROFS/);
    assert.deepEqual(filesIn(disk.path), []);
  });
}

test('copy into a folder on a disk that gets full, wherever that happens: whole files, no tag, and again once there is room', async (t) => {
  const { registry, workshop } = await setting(t);
  const disk = smallDisk(t, workshop);
  if (!disk) return;
  const keys = await workshop.keys();
  const { tagged, digest } = await pushImage(registry.host, 'app', buildImage({ large: noise(40_000), small: 'x' }));
  assert.equal((await workshop.sign(tagged, keys, '--signature-format', 'both')).code, 0);
  const folder = join(disk.path, 'layout');
  let failed = 0;
  // So many bytes are left for the copy; in the end it fits.
  for (let room = 0; ; room += 4096) {
    writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(SIZE - room));
    const { code, stdout, stderr } = await workshop.sealward(['copy', tagged, `oci:${folder}:v1`]);
    rmSync(join(disk.path, 'ballast'));
    for (const path of filesIn(disk.path)) assertWholeFile(path, folder);
    if (code === 0) break;
    failed++;
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /ERR_FILE_UNREADABLE/);
    assert.match(stderr, /ENOSPC/);
    const verified = await workshop.verify(`oci:${folder}:v1`, keys);
    assert.notEqual(verified.code, 0, 'the tag is not there yet');
    rmSync(folder, { recursive: true, force: true });
  }
  assert.ok(failed > 5, `${failed} failures`);
  const verified = await workshop.verify(`oci:${folder}:v1`, keys);
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, new RegExp(digest));
});

/** A blob has the digest of its name, and the other files are JSON; a draft is nowhere. */
function assertWholeFile(path: string, folder: string): void {
  const bytes = readFileSync(path);
  const [, hex] = /sha256\/([^/]*)$/.exec(path) ?? [];
  if (hex !== undefined) assert.equal(formatDigest(digestOf(bytes)), formatDigest(digestFrom(`sha256:${hex}`) ?? assert.fail(`${path} is no blob`)));
  else {
    assert.ok(
      ['oci-layout', 'index.json'].some((name) => path === join(folder, name)),
      path,
    );
    JSON.parse(bytes.toString());
  }
}

/** Bytes that no compression makes smaller. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = (state * 48271) % 0x7fffffff) & 255);
}
