/** What a command may do with stdin, stdout and stderr: print its result, say things beside it, and ask. */
import { styleText } from 'node:util';
import { SealwardError } from '../../core/errors.ts';
import type { Config, Environment } from './config.ts';

export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(mode: boolean): unknown;
}
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Everything of the process that main() uses; tests give their own. */
export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Environment;
  /** Aborted by SIGINT and SIGTERM, with the signal's name as reason. */
  readonly signal: AbortSignal;
  /** Asks for so much time, in milliseconds, between the first signal and the end of the process. */
  readonly stopWithin?: (milliseconds: number) => void;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const SHOW_AFTER_MILLISECONDS = 1000;
const WIDEST = 100;

export class Terminal {
  readonly io: Io;
  /** Whether a person reads stdout. */
  readonly interactive: boolean;
  readonly width: number;
  readonly #colourOut: boolean;
  readonly #colourError: boolean;
  #result: string[] = [];
  #progress: { text: string; shown: boolean; timer: NodeJS.Timeout } | undefined;

  constructor(io: Io, config?: Pick<Config, 'noColor' | 'forceColor'>) {
    this.io = io;
    this.interactive = io.stdout.isTTY === true;
    this.width = Math.min(Math.max(io.stdout.columns ?? WIDEST, 40), WIDEST);
    const colour = (stream: OutputStream): boolean => !config?.noColor && (config?.forceColor === true || stream.isTTY === true);
    this.#colourOut = colour(io.stdout);
    this.#colourError = colour(io.stderr);
  }

  /** Styles a piece of the result. */
  style(style: Style, text: string): string {
    return this.#colourOut ? styleText(style, text, { validateStream: false }) : text;
  }

  styleError(style: Style, text: string): string {
    return this.#colourError ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Adds to the result, which is written when the command has ended. */
  print(text: string): void {
    this.#result.push(text.endsWith('\n') ? text : `${text}\n`);
  }

  takeResult(): string {
    const text = this.#result.join('');
    this.#result = [];
    return text;
  }

  /** Says something beside the result. */
  say(text: string): void {
    this.#clearProgress();
    this.io.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.say(`${this.styleError('yellow', 'warning:')} ${text}`);
  }

  /** A line on a terminal's stderr while something takes over a second; the next call replaces it. */
  progress(text: string): void {
    if (this.io.stderr.isTTY !== true) return;
    if (this.#progress?.shown) {
      this.#progress.text = text;
      this.#draw();
    } else if (this.#progress) {
      this.#progress.text = text;
    } else {
      const timer = setTimeout(() => this.#draw(), SHOW_AFTER_MILLISECONDS);
      timer.unref();
      this.#progress = { text, shown: false, timer };
    }
  }

  endProgress(): void {
    this.#clearProgress();
    if (this.#progress) clearTimeout(this.#progress.timer);
    this.#progress = undefined;
  }

  #draw(): void {
    if (!this.#progress) return;
    this.#progress.shown = true;
    this.io.stderr.write(`\r\u001b[K${this.styleError('dim', this.#progress.text.slice(0, this.width - 1))}`);
  }

  #clearProgress(): void {
    if (!this.#progress?.shown) return;
    this.#progress.shown = false;
    this.io.stderr.write('\r\u001b[K');
  }
}

/** Writes and waits until the stream has taken it; a reader that went away (EPIPE) is nobody's mistake. */
export async function writeOut(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (text === '') return;
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error?: (Error & { code?: string }) | null) => {
      if (!error || error.code === 'EPIPE') resolve();
      else reject(new SealwardError('ERR_FILE_UNREADABLE', `the output cannot be written: ${error.message}`, { cause: error }));
    });
  });
}
