/** One program, from its start to its end: how long it took and how much memory it held at most. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Program {
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
}

export interface Run {
  readonly milliseconds: number;
  readonly stdout: string;
}

/** Throws when it does not end well. */
export function runProgram({ name, path, args }: Program, env: NodeJS.ProcessEnv): Promise<Run> {
  const start = performance.now();
  const child = spawn(path, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    let milliseconds = 0;
    child.on('exit', () => {
      milliseconds = performance.now() - start;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ milliseconds, stdout });
      else reject(new Error(`${name} ended with ${code}: ${stderr}${stdout}`));
    });
  });
}

/**
 * The peak of the resident memory in MiB, as the kernel keeps it (VmHWM), looked at until the program ends; undefined
 * where there is no /proc. A run of its own, because looking takes time.
 */
export async function peakMemory({ path, args }: Program, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const child = spawn(path, [...args], { env, stdio: 'ignore' });
  const end = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let kilobytes: number | undefined;
  while (child.exitCode === null && child.signalCode === null) {
    try {
      const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
      if (found) kilobytes = Number(found[1]);
    } catch {
      if (kilobytes === undefined && process.platform !== 'linux') return end.then(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return kilobytes === undefined ? undefined : kilobytes / 1024;
}
