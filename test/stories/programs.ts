/** Real programs in the background of a story: they pick a free port and say which, and none outlives the tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<ChildProcess>();
// Also when the tests are interrupted or fail to clean up; a program that was killed leaves nothing but its folder.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Waits for a sign that a program came so far; when it ends before that, the story fails with what it said. */
export async function comesTo(point: Promise<void>, finished: Promise<{ readonly code: number; readonly stderr: string }>): Promise<void> {
  const ended = finished.then(({ code, stderr }) => Promise.reject(new Error(`it ended with ${code} before it came so far: ${stderr}`)));
  await Promise.race([point, ended]);
}

export interface BackgroundProgram {
  /** What the pattern found in the output; its groups. */
  readonly announced: readonly string[];
  stop(): Promise<void>;
}

/** Starts a program and waits until its output fits the pattern, which is how it says that it listens, and where. */
export async function startProgram(
  path: string,
  args: readonly string[],
  announces: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<BackgroundProgram> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '', ...env } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  const announced = await new Promise<readonly string[]>((resolve, reject) => {
    const look = (text: string): void => {
      // Kept short: a registry may log every request.
      output = (output + text).slice(-65_536);
      const found = announces.exec(output);
      if (found) resolve(found.slice(1));
    };
    child.stdout.setEncoding('utf8').on('data', look);
    child.stderr.setEncoding('utf8').on('data', look);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${path} ended with ${code} before it was ready: ${output}`)));
  });
  return {
    announced,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
