/** The child process of a PKCS#11 module as the parent sees it: a question, an answer, a deadline, and no crash of ours. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from '../http/index.ts';
import type { Answer, Numbered, Question } from './pkcs11-messages.ts';
import type { Call, Environment } from './provider.ts';
import { within } from './within.ts';

export interface TokenProcess {
  /** Throws when the process ended or time is up; then it is gone, and with it every other question. */
  ask(question: Question, what: string, call: Call): Promise<Answer>;
  close(): Promise<void>;
}

const running = new Set<ChildProcess>();

/** A module that hangs does not notice that its parent is gone, so its process goes first. */
function endWithUs(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', endAll);
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', endAll);
  });
}

function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Beside this file in the sources, and beside the program when bundled. */
function workerPath(): string {
  // In the single-file program there are no files beside this one, and no address of it.
  const here = import.meta.url as string | undefined;
  const places = here === undefined ? [] : ['./pkcs11-worker.ts', './pkcs11-worker.mjs'].map((name) => fileURLToPath(new URL(name, here)));
  const found = places.find((path) => existsSync(path));
  if (found === undefined) {
    throw new SealwardError('ERR_KEY_PROVIDER_MISSING', 'this build of sealward cannot load PKCS#11 modules', {
      hint: 'Install sealward from npm; the single-file program has no modules.',
    });
  }
  return found;
}

export function startTokenProcess(name: string, environment: Environment, clock: Clock): TokenProcess {
  // Modules read their own variables; the PIN is none of them and goes another way.
  const { COSIGN_PKCS11_PIN: _pin, COSIGN_PASSWORD: _password, NODE_OPTIONS: _options, ...rest } = environment;
  const env = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const child = spawn(process.execPath, ['--no-warnings', workerPath()], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'json' });
  // The parent may end without asking it.
  endWithUs(child);
  child.unref();
  child.channel?.unref();
  let ended: SealwardError | undefined;
  let asked = 0;
  let active = 0;
  const waiting = new Map<number, { readonly resolve: (answer: Answer) => void; readonly reject: (error: SealwardError) => void }>();
  const end = (why: string, cause?: unknown): void => {
    ended ??= new SealwardError('ERR_KEY_UNAVAILABLE', `the PKCS#11 module for ${name} ${why}`, {
      cause,
      hint: 'Look whether the token is plugged in and the module works with its own tools, such as pkcs11-tool.',
    });
    for (const one of waiting.values()) one.reject(ended);
    waiting.clear();
  };
  child.on('error', (cause) => end('could not be started', cause));
  child.on('exit', (code, signal) => end(signal === null ? `ended its process with ${code}` : `crashed its process (${signal})`));
  const ready = new Promise<void>((resolve) => {
    child.on('message', ({ number, is: answer }: Numbered<Answer>) => {
      if (answer.is === 'ready') resolve();
      waiting.get(number)?.resolve(answer);
      waiting.delete(number);
    });
    child.once('exit', () => resolve());
  });
  const exchange = async (question: Question): Promise<Answer> => {
    await ready;
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      const number = ++asked;
      waiting.set(number, { resolve, reject });
      child.send({ number, is: question } satisfies Numbered<Question>, (error) => {
        if (error) end('does not listen any more', error);
      });
      return undefined;
    });
  };
  return {
    async ask(question, what, call) {
      active++;
      child.ref();
      child.channel?.ref();
      try {
        return await within(clock, call, what, () => exchange(question));
      } catch (error) {
        // A native call cannot be called back; only its process can be ended.
        if (!ended) child.kill('SIGKILL');
        throw error;
      } finally {
        if (--active === 0) {
          child.unref();
          child.channel?.unref();
        }
      }
    },
    close: () => closed(child),
  };
}

function closed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.ref();
    child.kill('SIGKILL');
  });
}
