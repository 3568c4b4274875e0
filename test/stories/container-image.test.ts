/** The image of Sealward, as a user makes it, looks into it, runs it, publishes, signs and verifies it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { chartFiles } from '../../src/apps/admission/install/chart-files.ts';
import { renderChart } from '../../src/apps/admission/install/chart.ts';
import { VERSION } from '../../src/apps/cli/version.ts';
import { MemoryRegistry } from '../../src/testing/index.ts';
import { requirePeers } from '../peers.ts';
import { inCI, repositoryRoot } from '../vectors.ts';
import { Workshop } from './workshop.ts';

const run = promisify(execFile);
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
const folder = mkdtempSync(join(tmpdir(), 'sealward-image-story-'));
const layout = join(folder, 'image');
const workshop = new Workshop();

interface Made {
  readonly stdout: string;
  readonly digest: string;
}

async function image(out: string, lock: string, more: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Made> {
  const tool = join(repositoryRoot, 'tools', 'image.ts');
  const args = ['--out', out, '--downloads', join(folder, 'downloads'), '--platform', `linux/${ARCHITECTURE}`, '--lock', lock, ...more];
  const { stdout } = await run(process.execPath, [tool, ...args], { env: { ...process.env, ...env } });
  return { stdout, digest: /^linux\/\S+ (sha256:[0-9a-f]{64}) /m.exec(stdout)?.[1] ?? '' };
}

const debian =
  process.platform === 'linux' &&
  (inCI ||
    (await run('apt-get', ['--version']).then(
      () => true,
      () => false,
    )));
const skip = debian ? false : 'it is made of packages that only the apt of a Debian machine brings';
let first: Made;

/** What Debian has today rather than what the lock says: the archive keeps no version for ever, and this is no test of the archive. */
const lock = join(folder, 'lock.json');

before(async () => {
  if (skip !== false) return;
  copyFileSync(join(repositoryRoot, 'deploy', 'image', 'debian.lock.json'), lock);
  first = await image(layout, lock, ['--renew']);
});
after(() => {
  workshop.remove();
  rmSync(folder, { recursive: true, force: true });
});

function blob(digest: string): unknown {
  return JSON.parse(readFileSync(join(layout, 'blobs', ...digest.split(':')), 'utf8')) as unknown;
}
const manifest = (): { config: { digest: string }; layers: { digest: string; size: number }[] } => blob(first.digest) as ReturnType<typeof manifest>;

test('two images of the same source have the same digests, whatever the hour, zone and umask', { skip }, async () => {
  const again = join(folder, 'again');
  const args = ['--out', again, '--downloads', join(folder, 'downloads'), '--platform', `linux/${ARCHITECTURE}`, '--lock', lock];
  await run('sh', ['-c', 'umask 077; exec "$0" "$@"', process.execPath, join(repositoryRoot, 'tools', 'image.ts'), ...args], {
    cwd: folder,
    env: { ...process.env, TZ: 'Pacific/Auckland', LC_ALL: 'C' },
  });
  assert.equal(readFileSync(join(again, 'index.json'), 'utf8'), readFileSync(join(layout, 'index.json'), 'utf8'));
  assert.equal(readFileSync(`${again}-sbom-${ARCHITECTURE}.json`, 'utf8'), readFileSync(`${layout}-sbom-${ARCHITECTURE}.json`, 'utf8'));
});

test('it runs as nobody, starts sealward, and has neither shell nor package manager', { skip }, async () => {
  const { config } = blob(manifest().config.digest) as { config: { User: string; Entrypoint: string[] } };
  assert.equal(config.User, '65532:65532');
  assert.deepEqual(config.Entrypoint, ['/usr/bin/sealward']);
  const root = join(folder, 'rootfs');
  mkdirSync(root);
  for (const { digest } of manifest().layers) {
    await run('tar', ['-xzf', join(layout, 'blobs', ...digest.split(':')), '-C', root, '--no-same-owner']);
  }
  const { stdout: files } = await run('find', [root, '-type', 'f', '-perm', '/111', '-printf', '%P\n']);
  const programs = files
    .trim()
    .split('\n')
    .filter((path) => !/\.so(?:\.|$)|^lib/.test(path));
  assert.deepEqual(programs.sort(), ['usr/bin/node', 'usr/lib/sealward/bin/sealward.cjs']);
  // A user namespace stands in for root where the tests do not run as root.
  const enter = process.getuid?.() === 0 ? ['chroot', '--userspec=65532:65532', root] : ['unshare', '--map-root-user', 'chroot', root];
  const [program = '', ...args] = enter;
  const inside = async (...words: readonly string[]): Promise<string> =>
    (await run(program, [...args, config.Entrypoint[0] ?? '', ...words], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })).stdout;
  assert.match(await inside('version'), new RegExp(`^sealward ${VERSION.replaceAll('.', '\\.')} `));
  // What the chart starts in it, with what the chart puts before it.
  const values = { image: { repository: 'registry.example/sealward' }, trust: { from: 'https://trust.example', root: '{}' } };
  for (const object of renderChart(chartFiles(), { namespace: 'sealward-system', values })) {
    if (object['kind'] !== 'ConfigMap') continue;
    mkdirSync(join(root, 'etc/sealward/files'));
    for (const [name, text] of Object.entries(object['data'] as Record<string, string>)) writeFileSync(join(root, 'etc/sealward/files', name), text);
  }
  for (const one of ['admission', 'controller']) assert.match(await inside(one, 'check', '--config', `/etc/sealward/files/${one}.yaml`), /is sound/);
});

test('it is small: hardly more than Node, which is most of it', { skip }, () => {
  const [libraries, node, sealward] = manifest().layers.map(({ size }) => size / 1024 / 1024);
  assert.ok((libraries ?? 99) < 4, `Debian: ${libraries} MiB`);
  assert.ok((sealward ?? 99) < 4, `Sealward: ${sealward} MiB`);
  assert.ok((node ?? 99) < 55, `Node: ${node} MiB`);
});

test('skopeo and crane take it as it is, and cosign verifies the signature and the SBOM that Sealward put on it', { skip }, async (t) => {
  if (!requirePeers(t, 'skopeo', 'crane', 'cosign2', 'cosign3')) return;
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  const inspected = JSON.parse(await workshop.must('skopeo', ['inspect', '--config', `oci:${layout}:${VERSION}`])) as { architecture: string };
  assert.equal(inspected.architecture, ARCHITECTURE);
  const name = `${registry.host}/sealward`;
  const copied = await workshop.sealward(['copy', `oci:${layout}:${VERSION}`, `${name}:${VERSION}`]);
  assert.equal(copied.code, 0, copied.stderr);
  await workshop.must('crane', ['validate', '--insecure', '--remote', `${name}@${first.digest}`]);
  await workshop.must('skopeo', [
    '--insecure-policy',
    'copy',
    '--all',
    '--dest-tls-verify=false',
    `oci:${layout}:${VERSION}`,
    `docker://${registry.host}/by-skopeo:1`,
  ]);
  assert.equal(
    (await workshop.must('crane', ['digest', '--insecure', `${registry.host}/by-skopeo:1`])).trim(),
    (await workshop.must('crane', ['digest', '--insecure', `${name}:${VERSION}`])).trim(),
  );

  const keys = await workshop.keys();
  const image = `${name}@${first.digest}`;
  const signed = await workshop.sign(image, keys, '--signature-format', 'both');
  assert.equal(signed.code, 0, signed.stderr);
  const sbom = `${layout}-sbom-${ARCHITECTURE}.json`;
  const attested = await workshop.sealward(['attest', '--key', keys.key, '--sbom', sbom, '--signature-format', 'both', image]);
  assert.equal(attested.code, 0, attested.stderr);
  assert.equal((await workshop.cosign3Verify(image, keys)).code, 0);
  assert.equal((await workshop.cosign2Verify(image, keys)).code, 0);
  const { verifying } = await workshop.offline();
  const read = await workshop.must('cosign3', [
    'verify-attestation',
    '--insecure-ignore-tlog=true',
    ...verifying,
    '--key',
    keys.pub,
    '--type',
    'cyclonedx',
    image,
  ]);
  const { payload } = JSON.parse(read.split('\n')[0] ?? '') as { payload: string };
  const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: { components: { name: string }[] } };
  assert.deepEqual(predicate, JSON.parse(readFileSync(sbom, 'utf8')));
  assert.ok(predicate.components.some(({ name: part }) => part === 'libc6'));
});

test('packages that are not those of the lock are refused, also when they lie there already', { skip }, async () => {
  const changed = readFileSync(lock, 'utf8').replaceAll(/"sha256": "[0-9a-f]{4}/g, '"sha256": "0000');
  const path = join(folder, 'changed.json');
  writeFileSync(path, changed);
  await assert.rejects(image(join(folder, 'refused'), path), /and the lock says 0000/);
  assert.throws(() => statSync(join(folder, 'refused', 'index.json')));
});

test('what Debian has mended since is told of the lock, and makes no image', { skip }, async () => {
  const check = async (versionOfLibc: string): Promise<{ code: number; stdout: string }> => {
    const path = join(folder, 'older.json');
    writeFileSync(path, readFileSync(lock, 'utf8').replaceAll(/("name": "libc6",\s+"version": )"[^"]+"/g, `$1"${versionOfLibc}"`));
    const out = join(folder, 'none');
    return image(out, path, ['--check-lock']).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (cause: unknown) => {
        const { code, stdout } = cause as { code: number; stdout: string };
        return { code, stdout };
      },
    );
  };
  const old = await check('1.0-1');
  assert.equal(old.code, 1);
  assert.match(old.stdout, /^libc6 1\.0-1 \(\w+\): Debian has 2\.[^\n]+\nnpm run image -- --renew writes a new lock\n$/);
  assert.deepEqual(await check('1:99'), { code: 0, stdout: `Debian has nothing newer than ${join(folder, 'older.json')}\n` });
  assert.throws(() => statSync(join(folder, 'none')));
});
