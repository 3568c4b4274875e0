/** sigstore-python, where somebody has installed it: no suite of ours brings it along. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { peersBin } from './peers.ts';

const program = process.env['SEALWARD_SIGSTORE_PYTHON'] ?? join(peersBin, 'sigstore');

/** Call first in a test, and return when it answers false. CI skips it too, by its name: it is tried where it is installed. */
export function requireSigstorePython(t: Pick<TestContext, 'skip'>): boolean {
  if (existsSync(program)) return true;
  t.skip('sigstore-python is not on this machine: install `sigstore` with pip, and name the program in SEALWARD_SIGSTORE_PYTHON');
  return false;
}

export interface PythonRan {
  readonly code: number;
  /** What it wrote, to either stream. */
  readonly said: string;
}

/** @param home where it keeps what it remembers. */
export function sigstorePython(home: string, args: readonly string[]): Promise<PythonRan> {
  const env = { PATH: '/usr/bin:/bin', HOME: home, COLUMNS: '400' };
  return new Promise((resolve) => {
    execFile(program, [...args], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, said: stdout + stderr }),
    );
  });
}
