/**
 * PostgreSQL from Debian, of one's own: in a folder of its own, behind a socket in it and no port at all. It refuses to run
 * as root, so that root starts it as the user `postgres`.
 */
import { execFile, type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { requirePath } from './vectors.ts';

const HOME = '/usr/lib/postgresql';
const run = promisify(execFile);

function binaries(): string {
  const versions = existsSync(HOME) ? readdirSync(HOME).sort((a, b) => Number(b) - Number(a)) : [];
  return join(HOME, versions[0] ?? 'none', 'bin');
}

/** Call first in a test that starts a database, and return when it answers false. */
export function requirePostgres(t: Pick<TestContext, 'skip'>): boolean {
  return requirePath(t, join(binaries(), 'initdb'), 'PostgreSQL', 'install the package postgresql of Debian');
}

/** Of the user that runs the database; undefined when whoever runs the tests may. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, , uid, gid] = (
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('postgres:')) ?? ''
  ).split(':');
  if (!uid || !gid) throw new Error('there is no user postgres');
  return { uid: Number(uid), gid: Number(gid) };
}

export interface OwnPostgres {
  /** A new, empty database. */
  database(): Promise<string>;
  /** As a loss of power would end it. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<OwnPostgres> {
  const as = owner();
  const folder = mkdtempSync(join(tmpdir(), 'sealward-postgres-'));
  if (as) chownSync(folder, as.uid, as.gid);
  const options = { ...as, cwd: folder, env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } };
  const data = join(folder, 'data');
  await run(join(binaries(), 'initdb'), ['-D', data, '-U', 'sealward', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'], options);
  let server: ChildProcess | undefined;
  let databases = 0;
  const start = async (): Promise<void> => {
    const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'shared_buffers=16MB', 'max_connections=60'];
    const child = spawn(join(binaries(), 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.includes('database system is ready to accept connections')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${text}`)));
    });
  };
  const end = (signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> =>
    new Promise((resolve) => {
      if (server?.exitCode !== null || server.signalCode !== null) return resolve();
      server.removeAllListeners('exit').once('exit', () => resolve());
      server.kill(signal);
    });
  await start();
  return {
    async database() {
      const name = `d${databases++}`;
      await run(join(binaries(), 'createdb'), ['-h', folder, '-U', 'sealward', name], options);
      return `postgres://sealward@localhost/${name}?host=${encodeURIComponent(folder)}`;
    },
    // Its children end when they notice that it is gone.
    kill: () => end('SIGKILL'),
    start,
    async stop() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
