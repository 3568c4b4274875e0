/**
 * The command line as a user types it, for transcripts in tests: in this process with streams of its own, or as the
 * real program. The environment is always the one that the test gives, never that of whoever runs the tests.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { type Command, type Io, main } from '../src/apps/cli/index.ts';
import { repositoryRoot } from './vectors.ts';

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What stdin holds; it is at its end afterwards. */
  readonly stdin?: string;
  /** Whether stdout and stderr are a terminal. */
  readonly tty?: boolean;
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Commands beside those of the table. */
  readonly more?: readonly Command[];
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;
  /** Called with everything written so far, after each write. */
  onText: ((text: string) => void) | undefined;
  constructor(isTTY: boolean, columns: number) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    this.columns = columns;
  }
  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    this.onText?.(this.text);
    done();
  }
}

/** A keyboard: what is typed answers what is seen on stderr. */
export interface Keyboard {
  /** When stderr ends with `sees`, these keys are typed; each step once, in this order. */
  readonly steps: readonly { readonly sees: string; readonly types?: string; readonly does?: () => void }[];
  /** Filled by the call: each change of raw mode. */
  readonly rawModes: boolean[];
}

export async function sealward(args: readonly string[], options: CliOptions & { readonly keyboard?: Keyboard } = {}): Promise<CliResult> {
  const { keyboard } = options;
  const stdout = new Sink(options.tty === true, options.columns ?? 100);
  const stderr = new Sink(options.tty === true || keyboard !== undefined, options.columns ?? 100);
  const stdin = new PassThrough() as PassThrough & { isTTY?: boolean; setRawMode?: (mode: boolean) => void };
  if (keyboard) {
    stdin.isTTY = true;
    stdin.setRawMode = (mode) => void keyboard.rawModes.push(mode);
    const steps = [...keyboard.steps];
    stderr.onText = (text) => {
      if (!steps[0] || !text.endsWith(steps[0].sees)) return;
      const { types, does } = steps.shift() as (typeof steps)[0];
      setImmediate(() => {
        if (types !== undefined) stdin.write(types);
        does?.();
      });
    };
  } else stdin.end(options.stdin ?? '');
  const io: Io = { stdin, stdout, stderr, environment: options.env ?? {}, signal: options.signal ?? new AbortController().signal };
  const code = await main(args, io, options.more);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** Starts the real program; the test writes to its stdin, sends it signals, and waits for `finished`. */
export function startSealward(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = repositoryRoot,
  program = 'src/apps/cli/bin.ts',
): { child: ChildProcessWithoutNullStreams; finished: Promise<CliResult & { signal: NodeJS.Signals | null }> } {
  const child = spawn(process.execPath, [join(repositoryRoot, program), ...args], { cwd, env: { ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  const finished = new Promise<CliResult & { signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? -1, stdout, stderr, signal }));
  });
  return { child, finished };
}
