/** Asking for a password: on a terminal without showing anything, from a pipe by reading one line. */
import { StringDecoder } from 'node:string_decoder';
import { SealwardError } from '../../core/errors.ts';
import type { Io } from './terminal.ts';

const MAX_PASSWORD_CHARACTERS = 4096;

export interface PasswordRequest {
  /** Without the colon: "Password for cosign.key". */
  readonly question: string;
  /** Ask a second time and compare: for new keys, and only on a terminal. */
  readonly twice?: boolean;
  readonly signal?: AbortSignal;
  /** Told before a pipe is read, which a person at a terminal without raw mode would wait for in the dark. */
  readonly debug?: (text: string) => void;
}

export async function askPassword(io: Io, request: PasswordRequest): Promise<string> {
  if (io.stdin.isTTY !== true || io.stdin.setRawMode === undefined) return readLine(io, request);
  const first = await typeHidden(io, `${request.question}: `, request.signal);
  if (!request.twice) return first;
  const second = await typeHidden(io, `${request.question}, again: `, request.signal);
  if (first !== second)
    throw new SealwardError('ERR_KEY_PASSWORD', 'the two passwords differ', { hint: 'Run the command again and type the same password twice.' });
  return first;
}

function interrupted(): SealwardError {
  return new SealwardError('ERR_INTERRUPTED', 'interrupted at the password prompt');
}

function noPassword(): SealwardError {
  return new SealwardError('ERR_KEY_PASSWORD', 'no password was given: stdin is at its end', {
    hint: 'Give the password in COSIGN_PASSWORD, with --password-file, at the prompt or as one line on stdin.',
  });
}

function tooLong(): SealwardError {
  return new SealwardError('ERR_TOO_LARGE', `the password is longer than ${MAX_PASSWORD_CHARACTERS} characters`);
}

/** The first line of a pipe, without its line break. */
async function readLine(io: Io, { signal, debug }: PasswordRequest): Promise<string> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  debug?.('waiting for one line with the password on stdin');
  const line = await listen<string>(io, signal, (chunk, done) => {
    text += chunk === undefined ? decoder.end() : decoder.write(chunk);
    const end = text.indexOf('\n');
    if ((end < 0 ? text : text.slice(0, end)).length > MAX_PASSWORD_CHARACTERS) throw tooLong();
    if (end >= 0) done(text.slice(0, end).replace(/\r$/, ''));
    else if (chunk === undefined && text === '') throw noPassword();
    else if (chunk === undefined) done(text);
  });
  return line;
}

/** Keys as they come from a terminal in raw mode; nothing of them is shown. */
async function typeHidden(io: Io, question: string, signal: AbortSignal | undefined): Promise<string> {
  const decoder = new StringDecoder('utf8');
  let typed: string[] = [];
  io.stdin.setRawMode?.(true);
  io.stderr.write(question);
  try {
    return await listen<string>(io, signal, (chunk, done) => {
      if (chunk === undefined) throw noPassword();
      // A key such as an arrow sends an escape sequence; a person does not mean it as part of a password.
      for (const key of decoder.write(chunk).replace(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])/g, '')) {
        if (key === '\u0003') throw interrupted();
        if (key === '\r' || key === '\n') return done(typed.join(''));
        if (key === '\u0004' && typed.length === 0) throw noPassword();
        if (key === '\u007f' || key === '\b') typed.pop();
        else if (key === '\u0015') typed = [];
        else if (key >= ' ') typed.push(key);
        if (typed.length > MAX_PASSWORD_CHARACTERS) throw tooLong();
      }
    });
  } finally {
    io.stdin.setRawMode?.(false);
    io.stderr.write('\n');
  }
}

/** Hands the chunks of stdin to `take`, until it calls done, throws, the input ends (undefined) or the signal comes. */
function listen<T>(io: Io, signal: AbortSignal | undefined, take: (chunk: Buffer | undefined, done: (value: T) => void) => void): Promise<T> {
  const { stdin } = io;
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.off('error', fail);
      signal?.removeEventListener('abort', onAbort);
      stdin.pause();
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const offer = (chunk: Buffer | undefined): void => {
      try {
        take(chunk, (value) => {
          stop();
          resolve(value);
        });
      } catch (error) {
        fail(error);
      }
    };
    const onData = (chunk: Buffer | string): void => offer(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    const onEnd = (): void => offer(undefined);
    // Ctrl-C from elsewhere, or the end of --timeout: main() knows which.
    const onAbort = (): void => fail(signal?.reason);
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    stdin.on('data', onData).on('end', onEnd).on('error', fail);
    // A stream that has ended already says so no more.
    if ('readableEnded' in stdin && stdin.readableEnded === true) return onEnd();
    stdin.resume();
  });
}
