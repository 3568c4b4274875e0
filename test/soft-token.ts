/**
 * A PKCS#11 token in software (SoftHSM) for tests: a folder of its own, PIN 1234, keys brought in from outside.
 * It needs softhsm2-util, pkcs11-tool and pkcs11js, which `.ci/run` installs; a laptop without them skips those tests by name.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { KeyObject } from '../src/core/crypto/index.ts';
import { inCI, repositoryRoot } from './vectors.ts';

const run = promisify(execFile);

export const PIN = '1234';

const onPath = (name: string): boolean => (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
export const softModule: string | undefined = MODULES.find((path) => existsSync(path));
/** Where `npm run build:pkcs11` puts it. */
export const addon: string = process.env['SEALWARD_PKCS11JS'] ?? join(repositoryRoot, '.pkcs11', 'node_modules', 'pkcs11js');

function lacking(): string[] {
  return [
    ...(softModule === undefined || !onPath('softhsm2-util') ? ['SoftHSM (Debian: softhsm2)'] : []),
    ...(onPath('pkcs11-tool') ? [] : ['pkcs11-tool (Debian: opensc)']),
    ...(existsSync(addon) ? [] : ['pkcs11js (npm run build:pkcs11)']),
  ];
}

/** Call first in a test with a token, and return when it answers false. */
export function requireToken(t: Pick<TestContext, 'skip'>): boolean {
  const missing = lacking();
  if (missing.length === 0) return true;
  if (inCI) throw new Error(`CI needs ${missing.join(', ')}`);
  t.skip(`not on this machine: ${missing.join(', ')}`);
  return false;
}

export interface SoftToken {
  readonly folder: string;
  readonly label: string;
  readonly module: string;
  /** What a signer needs to reach it, the PIN included. */
  readonly environment: Readonly<Record<string, string>>;
  /** Brings a key onto the token, unless one of that label is there. */
  add(label: string, key: KeyObject): Promise<void>;
  reference(label: string): string;
  /** pkcs11-tool, logged in. */
  tool(...args: readonly string[]): Promise<string>;
  remove(): void;
}

/** Also when the tests are interrupted. */
const left = new Set<() => void>();
process.on('exit', () => {
  for (const remove of left) remove();
});

export async function softToken(label = 'sealward test'): Promise<SoftToken | undefined> {
  const module = softModule;
  if (module === undefined || lacking().length > 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sealward-token-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  left.add(remove);
  mkdirSync(join(folder, 'tokens'));
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const base = { PATH: process.env['PATH'] ?? '', SOFTHSM2_CONF: configuration };
  await run('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '5678'], { env: base });
  const tool = async (...args: readonly string[]): Promise<string> =>
    (await run('pkcs11-tool', ['--module', module, '--token-label', label, '--login', '--pin', PIN, ...args], { env: base })).stdout;
  const added = new Map<string, Promise<void>>();
  const add = async (name: string, key: KeyObject): Promise<void> => {
    const file = join(folder, `${name}.pem`);
    writeFileSync(file, key.export({ format: 'pem', type: 'pkcs8' }));
    const id = Buffer.from(name).toString('hex').toUpperCase();
    await run('softhsm2-util', ['--import', file, '--token', label, '--pin', PIN, '--label', name, '--id', id], { env: base });
    rmSync(file);
  };
  return {
    folder,
    label,
    module,
    environment: { ...base, COSIGN_PKCS11_PIN: PIN, COSIGN_PKCS11_MODULE_PATH: module, SEALWARD_PKCS11JS: addon },
    add(name, key) {
      const done = added.get(name) ?? add(name, key);
      added.set(name, done);
      return done;
    },
    reference: (name) => `pkcs11:token=${encodeURIComponent(label)};object=${name}`,
    tool,
    remove,
  };
}
