/**
 * npm run image -- [--out DIR] [--platform linux/amd64]... [--lock FILE] [--renew | --check-lock]: Sealward as a container image, without a container engine.
 * DIR (dist/image) becomes an OCI image layout; an SBOM of each image lies beside it. `--renew` takes the packages that
 * Debian has today and writes them into the lock; `--check-lock` makes no image, says which packages have newer versions,
 * and ends with 1 when there are any. What is downloaded is kept in DIR-downloads.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Descriptor, formatDigest } from '../src/core/artifact/index.ts';
import { Apt, unpack } from './image/debian.ts';
import { writeImage, writeIndex } from './image/image.ts';
import { layer, program, system } from './image/layers.ts';
import { ARCHITECTURES, type Architecture, type Lock, readLock } from './image/lock.ts';
import { newerThan } from './image/newer.ts';
import { pinnedNode } from './image/node-binary.ts';
import { type Bundled, sbomOf } from './image/sbom.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist', 'image') },
    platform: { type: 'string', multiple: true, default: ARCHITECTURES.map((architecture) => `linux/${architecture}`) },
    lock: { type: 'string', default: join(root, 'deploy', 'image', 'debian.lock.json') },
    renew: { type: 'boolean', default: false },
    'check-lock': { type: 'boolean', default: false },
    downloads: { type: 'string' },
  },
});
const out = resolve(values.out);
const downloads = resolve(values.downloads ?? `${out}-downloads`);
const architectures = values.platform.map((platform) => {
  const found = ARCHITECTURES.find((architecture) => platform === `linux/${architecture}`);
  if (!found) throw new Error(`--platform ${platform}: there are linux/amd64 and linux/arm64`);
  return found;
});
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
// reproducible-builds.org/specs/source-date-epoch: whole seconds.
const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? '0');
if (!Number.isSafeInteger(seconds) || seconds < 0) throw new Error('SOURCE_DATE_EPOCH is not a number of seconds');

async function renewed(): Promise<Lock> {
  const entries: [Architecture, Lock[Architecture]][] = [];
  for (const architecture of architectures) entries.push([architecture, await new Apt(architecture, downloads).newest()]);
  const renewedLock: Lock = { ...readLock(values.lock), ...Object.fromEntries(entries) };
  writeFileSync(values.lock, `${JSON.stringify(renewedLock, null, 2)}\n`);
  return renewedLock;
}

async function checkLock(): Promise<void> {
  const locked = readLock(values.lock);
  const found: string[] = [];
  for (const architecture of architectures) found.push(...newerThan(locked[architecture], await new Apt(architecture, downloads).offered()));
  if (found.length === 0) return console.log(`Debian has nothing newer than ${values.lock}`);
  console.log(`${found.join('\n')}\nnpm run image -- --renew writes a new lock`);
  process.exitCode = 1;
}

async function imageFor(architecture: Architecture, locked: Lock[Architecture], packages: readonly string[], dist: string): Promise<Descriptor> {
  const debian = [...system];
  for (const [at, deb] of packages.entries()) debian.push(...(await unpack(deb, locked[at]?.name ?? '')));
  const node = await pinnedNode(architecture, downloads);
  const layers = [layer('Debian', debian, seconds), layer(`Node ${node.version}`, node.entries, seconds), layer(`Sealward ${version}`, program(dist), seconds)];
  const image = await writeImage(out, architecture, layers, { version, seconds });
  const bundled = JSON.parse(readFileSync(join(dist, 'bundled.json'), 'utf8')) as Bundled[];
  const sbom = sbomOf({ version, architecture, digest: formatDigest(image.digest), debian: locked, node, bundled });
  writeFileSync(`${out}-sbom-${architecture}.json`, `${JSON.stringify(sbom, null, 2)}\n`);
  const size = layers.reduce((sum, { gzipped }) => sum + gzipped.length, 0);
  console.log(`linux/${architecture} ${formatDigest(image.digest)} ${Math.round(size / 1024 / 1024)} MiB`);
  return image;
}

async function makeImages(): Promise<void> {
  const lock = values.renew ? await renewed() : readLock(values.lock);
  // First, because this is what may fail.
  const packages: (readonly string[])[] = [];
  for (const architecture of architectures) packages.push(await new Apt(architecture, downloads).fetch(lock[architecture]));
  const dist = mkdtempSync(join(tmpdir(), 'sealward-image-'));
  try {
    execFileSync(process.execPath, [join(root, 'tools', 'build.mjs'), dist], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (existsSync(out) && !existsSync(join(out, 'oci-layout'))) throw new Error(`${out} is there and is no image layout`);
    rmSync(out, { recursive: true, force: true });
    const images: Descriptor[] = [];
    for (const [at, architecture] of architectures.entries()) images.push(await imageFor(architecture, lock[architecture], packages[at] ?? [], dist));
    const index = await writeIndex(out, images, version);
    console.log(`oci:${out}:${version} ${formatDigest(index.digest)}`);
  } finally {
    rmSync(dist, { recursive: true });
  }
}

mkdirSync(downloads, { recursive: true });
if (values['check-lock']) await checkLock();
else await makeImages();
