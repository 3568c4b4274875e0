/** The webhook as a process of its own, and what it writes to its log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { JsonObject } from '../src/core/encoding/index.ts';
import { repositoryRoot } from './vectors.ts';

export class WebhookProcess {
  readonly child: ChildProcess;
  readonly lines: JsonObject[] = [];
  readonly #seen: ((line: JsonObject) => void)[] = [];
  readonly #gone: Promise<unknown>;

  constructor(config: string, env: Readonly<Record<string, string>>) {
    const program = [join(repositoryRoot, 'src/apps/quickstart/main.ts'), 'admission', 'serve', '--config', config];
    this.child = spawn(process.execPath, program, { env: { ...env }, stdio: ['ignore', 'inherit', 'pipe'] });
    this.#gone = once(this.child, 'exit');
    createInterface({ input: this.child.stderr as NonNullable<ChildProcess['stderr']> }).on('line', (text) => {
      const line = (text.startsWith('{') ? JSON.parse(text) : { msg: text }) as JsonObject;
      this.lines.push(line);
      for (const look of this.#seen) look(line);
    });
  }

  /** A line of the log, of the past or of what comes. */
  async line(wanted: (line: JsonObject) => boolean): Promise<JsonObject> {
    const found = this.lines.find(wanted);
    if (found) return found;
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    this.#seen.push((line) => {
      if (wanted(line)) resolve(line);
    });
    void this.#gone.then(() => reject(new Error(`it ended: ${JSON.stringify(this.lines.slice(-5))}`)));
    return promise;
  }

  /** When it listens. */
  async ready(): Promise<{ readonly port: number; readonly operationsPort: number }> {
    return (await this.line(({ msg, port }) => msg === 'ready' && port !== undefined)) as unknown as { readonly port: number; readonly operationsPort: number };
  }

  async ended(): Promise<number | null> {
    await this.#gone;
    return this.child.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended();
  }
}
