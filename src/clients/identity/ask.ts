/** One small JSON question to whoever gives tokens; nothing of the answer is shown to anybody. */
import { type JsonObject, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost } from '../http/index.ts';
import type { IdentityContext } from './context.ts';

export interface TokenQuestion {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string;
  readonly body?: Uint8Array;
  readonly what: string;
  /** Statuses of errors whose body is an answer, too. */
  readonly alsoTaken?: readonly number[];
}

/** Throws ERR_TOKEN_MISSING when it is refused, ERR_SERVICE_UNAVAILABLE when nobody answers. */
export async function askForToken(
  { http, deadline, signal }: IdentityContext,
  question: TokenQuestion,
): Promise<{ readonly status: number; readonly bytes: Uint8Array }> {
  const { what, alsoTaken = [], body, authorization } = question;
  const url = URL.parse(question.url);
  if (!url || !/^https?:$/.test(url.protocol)) throw new SealwardError('ERR_TOKEN_MISSING', `${what} has no URL that can be asked`);
  const { status, bytes } = await http
    .send({
      method: question.method,
      url,
      home: { host: bareHost(url), privateHosts: [] },
      headers: { accept: 'application/json', ...question.headers },
      ...(authorization === undefined ? {} : { authorization }),
      ...(body ? { body } : {}),
      deadline,
      ...(signal ? { signal } : {}),
      maxBytes: LIMITS.tokenBodyBytes,
      what,
    })
    .catch((cause: unknown) => {
      if (!(cause instanceof SealwardError) || cause.code !== 'ERR_REGISTRY_UNREACHABLE') throw cause;
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `${what} does not answer: ${cause.message}`, { cause });
    });
  if (status >= 500) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `${what} answers with ${status}`);
  if (status >= 300 && !alsoTaken.includes(status)) throw new SealwardError('ERR_TOKEN_MISSING', `${what} answers with ${status}`);
  return { status, bytes };
}

/** The text member of an answer in JSON. */
export function tokenIn(bytes: Uint8Array, member: string, what: string): string {
  const object: JsonObject = parseJsonObject(bytes, { what, maxBytes: LIMITS.tokenBodyBytes });
  const token = object[member];
  if (typeof token !== 'string' || token === '') throw new SealwardError('ERR_TOKEN_MISSING', `${what} holds no ${member}`);
  return token;
}
