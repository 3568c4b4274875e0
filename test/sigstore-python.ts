/** sigstore-python, as it is released. */
import { execFile } from 'node:child_process';
import { peerPath } from './peers.ts';

export interface PythonRan {
  readonly code: number;
  /** What it wrote, to either stream. */
  readonly said: string;
}

/** @param home where it keeps what it remembers. */
export function sigstorePython(home: string, args: readonly string[]): Promise<PythonRan> {
  const env = { PATH: '/usr/bin:/bin', HOME: home, COLUMNS: '400' };
  return new Promise((resolve) => {
    execFile(peerPath('sigstore'), [...args], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, said: stdout + stderr }),
    );
  });
}
