/** The protocol of Docker's credential helpers: `docker-credential-NAME get`, the server on stdin, JSON on stdout; and `store` and `erase`. */
import { spawn } from 'node:child_process';
import { quoted } from '../../core/artifact/index.ts';
import { parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { CredentialQuery, Credentials } from './credentials.ts';

export interface HelperAnswer {
  readonly status: number;
  readonly stdout: Uint8Array;
}

/** Starts a helper. Rejects when it cannot be started, says too much or takes too long. */
export type HelperRunner = (
  program: string,
  input: string,
  call: { readonly timeoutMs: number; readonly signal?: AbortSignal; readonly verb?: 'get' | 'store' | 'erase' },
) => Promise<HelperAnswer>;

const LONGEST_MS = 30_000;
const MOST_BYTES = 64 * 1024;
/** The words by which a helper says that it knows nothing of this server; it exits with 1 as on any error. */
const NOT_FOUND = /credentials not found|no credentials server URL|no credentials username/i;

export const runHelper: HelperRunner = (program, input, { timeoutMs, signal, verb = 'get' }) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, [verb], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(signal === undefined ? {} : { signal }),
    });
    const parts: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_BYTES) child.kill('SIGKILL');
      else parts.push(chunk);
    });
    child.once('error', reject);
    child.once('close', (status) => (status === null ? reject(new Error('it was stopped')) : resolve({ status, stdout: Buffer.concat(parts) })));
    // A helper that exits without reading its input is none of our concern.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });

/**
 * @param name what follows `docker-credential-`; the caller has checked that it is a plain name.
 * @param server the registry as the helper knows it.
 */
export async function askHelper(run: HelperRunner, name: string, server: string, query: CredentialQuery): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  let answer: HelperAnswer;
  try {
    answer = await run(program, server, { timeoutMs: LONGEST_MS, ...(query.signal === undefined ? {} : { signal: query.signal }) });
  } catch (cause) {
    throw new SealwardError(
      'ERR_REGISTRY_UNAUTHENTICATED',
      `${program} gave no answer for ${quoted(server)}: ${(cause as NodeJS.ErrnoException).code ?? 'it failed'}`,
      {
        cause,
        hint: `Check that ${program} is installed and on the PATH, or take it out of Docker's config.json.`,
      },
    );
  }
  const text = Buffer.from(answer.stdout).toString('utf8');
  if (answer.status !== 0) {
    if (NOT_FOUND.test(text)) return undefined;
    // Its output may hold secrets even when it fails, so it is not repeated.
    throw new SealwardError('ERR_REGISTRY_UNAUTHENTICATED', `${program} failed for ${quoted(server)} (exit ${answer.status})`, {
      hint: `Run it by hand: echo ${server} | ${program} get`,
    });
  }
  return parseAnswer(answer.stdout, program);
}

/** Keeps credentials, or forgets them. A helper that has nothing to forget has done what was asked. */
export async function tellHelper(run: HelperRunner, name: string, verb: 'store' | 'erase', input: string, signal?: AbortSignal): Promise<void> {
  const program = `docker-credential-${name}`;
  let answer: HelperAnswer;
  try {
    answer = await run(program, input, { timeoutMs: LONGEST_MS, verb, ...(signal === undefined ? {} : { signal }) });
  } catch (cause) {
    throw new SealwardError('ERR_CONFIG_INVALID', `${program} cannot be run: ${(cause as NodeJS.ErrnoException).code ?? 'it failed'}`, {
      cause,
      hint: `Check that ${program} is installed and on the PATH, or take it out of Docker's config.json.`,
    });
  }
  if (answer.status === 0 || (verb === 'erase' && NOT_FOUND.test(Buffer.from(answer.stdout).toString('utf8')))) return;
  throw new SealwardError('ERR_CONFIG_INVALID', `${program} ${verb} failed (exit ${answer.status})`, {
    hint: `Check that ${program} works, or take it out of Docker's config.json.`,
  });
}

function parseAnswer(stdout: Uint8Array, program: string): Credentials | undefined {
  let username: unknown;
  let secret: unknown;
  try {
    const object = parseJsonObject(stdout, { what: 'the answer', maxBytes: MOST_BYTES });
    username = object.Username;
    secret = object.Secret;
  } catch {
    throw new SealwardError('ERR_REGISTRY_UNAUTHENTICATED', `${program} answered with something that is not strict JSON`);
  }
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw new SealwardError('ERR_REGISTRY_UNAUTHENTICATED', `${program} answered without a user name and secret`);
  if (secret === '') return undefined;
  return username === '<token>' ? { kind: 'identity-token', token: secret } : { kind: 'password', username, password: secret };
}
