/** What users install: the bundle of `npm run build`, in a folder of its own, away from the source. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { commands } from '../../src/apps/cli/table/index.ts';
import { VERSION } from '../../src/apps/cli/version.ts';
import { repositoryRoot } from '../vectors.ts';

const run = promisify(execFile);
let out: string;

before(async () => {
  out = mkdtempSync(join(tmpdir(), 'sealward-bundle-'));
  await run(process.execPath, [join(repositoryRoot, 'tools/build.mjs'), out]);
});
after(() => rmSync(out, { recursive: true }));

/** Without any environment but a home folder, as on a new machine. */
function bundled(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [join(out, 'bin', 'sealward.cjs'), ...args], { cwd: out, env: { HOME: out } });
}

test('the bundle needs nothing but Node', async () => {
  assert.match((await bundled('version')).stdout, new RegExp(`^sealward ${VERSION.replaceAll('.', '\\.')} `));
  for (const { spec } of commands) assert.match((await bundled(spec.name, '--help')).stdout, new RegExp(`sealward ${spec.name} `));
});

test('the node verifier is one file that stands anywhere, and does not say yes to whom it does not know', async () => {
  const elsewhere = join(out, 'elsewhere');
  mkdirSync(elsewhere);
  const program = join(elsewhere, 'sealward-node-verifier.cjs');
  copyFileSync(join(out, 'bin', 'sealward-node-verifier.cjs'), program);
  const digest = `sha256:${'a'.repeat(64)}`;
  const asked = run(process.execPath, [program, '-name', 'r.example/a:1', '-digest', digest, '-stdin-media-type', 'application/vnd.oci.descriptor.v1+json'], {
    env: { SEALWARD_NODE_CONFIG: join(elsewhere, 'none.yaml') },
  });
  asked.child.stdin?.end(JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 }));
  await assert.rejects(asked, (error: { code: number; stdout: string }) => {
    assert.match(error.stdout, /ERR_FILE_UNREADABLE/);
    return error.code === 2;
  });
});

test('commands of the bundle work: a key is made, and read again', async () => {
  await bundled('generate-key-pair', '--output-key-prefix', 'k', '--password-file', 'package.json');
  const { stdout } = await bundled('public-key', '--key', 'k.key', '--password-file', 'package.json');
  assert.equal(stdout, readFileSync(join(out, 'k.pub'), 'utf8'));
});

test('the Helm chart is in it: what would be installed in a cluster is what stands in deploy/manifests', async () => {
  const { stdout } = await bundled(
    'admission',
    'manifests',
    '--set',
    'image.repository=registry.example/sealward',
    '--set',
    'trust.from=https://trust.example',
  );
  const kinds = (text: string): readonly string[] => (text.match(/^kind: \w+$/gm) ?? []).sort();
  const folder = join(repositoryRoot, 'deploy', 'manifests');
  const committed = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  assert.deepEqual(kinds(stdout), kinds(committed.join('\n')));
});

test('compiled code is kept in the folder of the user, and taken from there', async () => {
  await bundled('version');
  const folder = join(out, '.cache', 'sealward', 'programs');
  const [kept, ...others] = readdirSync(folder).filter((name) => name.includes('-version-'));
  assert.ok(kept !== undefined && others.length === 0);
  const before = statSync(join(folder, kept));
  assert.equal(before.mode & 0o777, 0o600);
  await bundled('version');
  assert.equal(statSync(join(folder, kept)).mtimeMs, before.mtimeMs, 'it fits, so it is not written again');
  writeFileSync(join(folder, kept), 'not compiled code');
  assert.match((await bundled('version')).stdout, /^sealward /);
  assert.ok(statSync(join(folder, kept)).size > 1000, 'it did not fit, so it is written anew');
});

test('code that nobody used for a month goes when new code comes, and that of other versions stays', async () => {
  const folder = join(out, '.cache', 'sealward', 'programs');
  const [old, other] = [join(folder, 'program-0.cjs-version'), join(folder, 'program-1.cjs-version')];
  for (const path of [old, other]) writeFileSync(path, 'code');
  const aMonthAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
  utimesSync(old, aMonthAgo, aMonthAgo);
  for (const name of readdirSync(folder)) if (name.includes('-public-key-')) rmSync(join(folder, name));
  await bundled('public-key', '--help');
  assert.deepEqual(
    [old, other].map((path) => existsSync(path)),
    [false, true],
  );
});

test('what signs and what verifies are programs of their own, found by the first word alone', async () => {
  const folder = join(out, '.cache', 'sealward', 'programs');
  const programOf = async (...args: readonly string[]): Promise<string> => {
    rmSync(folder, { recursive: true, force: true });
    assert.match((await bundled(...args, '--help')).stdout, /sealward [a-z-]+ /);
    const [kept = '', ...others] = readdirSync(folder);
    assert.deepEqual(others, []);
    return kept.slice(0, 'program-'.length + 16);
  };
  const [all, signs, verifies] = [await programOf('tree'), await programOf('attest'), await programOf('verify-blob')];
  assert.equal(new Set([all, signs, verifies]).size, 3);
  assert.deepEqual([await programOf('sign'), await programOf('verify')], [signs, verifies]);
  assert.equal(await programOf('--verbose', 'sign'), all);
  const size = (name: string): number => statSync(join(out, 'bin', `${name}.cjs`)).size;
  assert.ok(size(signs) < size(all) / 3 && size(verifies) < size(all) / 2, 'nothing large came into them');
});

test('a word that is no command leaves no code behind', async () => {
  await assert.rejects(bundled('verfiy'), { code: 2 });
  assert.ok(!readdirSync(join(out, '.cache', 'sealward', 'programs')).some((name) => name.includes('verfiy')));
});

test('code is neither kept in nor taken from a folder that others may write', async () => {
  const folder = join(out, 'shared', 'sealward', 'programs');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  await run(process.execPath, [join(out, 'bin', 'sealward.cjs'), 'version'], { env: { XDG_CACHE_HOME: join(out, 'shared') } });
  assert.deepEqual(readdirSync(folder), []);
});

test('its manifest starts the program and brings nothing of development', () => {
  const manifest = JSON.parse(readFileSync(join(out, 'package.json'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual(manifest['bin'], { sealward: 'bin/sealward.cjs', 'sealward-node-verifier': 'bin/sealward-node-verifier.cjs' });
  for (const field of ['scripts', 'devDependencies', 'devEngines', 'optionalDependencies', 'private']) assert.ok(!(field in manifest), field);
  assert.match(readFileSync(join(out, 'bin', 'sealward.cjs'), 'utf8'), /^#!\/usr\/bin\/env node\n/);
  assert.match(readFileSync(join(out, 'THIRD-PARTY.txt'), 'utf8'), /@noble\/ciphers/);
  assert.ok(readdirSync(out).includes('LICENSE'));
});

test('the single executable starts from its snapshot, and loads what is not in it', async () => {
  const folder = join(out, 'single');
  await run(process.execPath, [join(repositoryRoot, 'tools/build-sea.mjs'), folder]);
  const program = join(folder, process.platform === 'win32' ? 'sealward.exe' : 'sealward');
  const alone = { cwd: folder, env: { HOME: folder } };
  assert.match((await run(program, ['version'], alone)).stdout, new RegExp(`^sealward ${VERSION.replaceAll('.', '\\.')} `));
  await assert.rejects(run(program, ['verify', '--key', 'none.pub', 'registry.example/a:1'], alone), { code: 2 });
  assert.match((await run(program, ['quickstart'], alone)).stdout, /The key is stolen[^]*as it must be/);
});
