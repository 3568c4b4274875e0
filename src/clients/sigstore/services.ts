/** What asking Sigstore's services has in common: one URL, one deadline, and answers that are refusals or outages. */
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, type HttpClient, type HttpResponse, isLoopbackHost } from '../http/index.ts';

export interface ServiceCall {
  readonly http: HttpClient;
  /** Absolute, on the client's clock. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

export interface ServiceRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly maxBytes: number;
  /** Names the service in messages: "the certificate authority". */
  readonly what: string;
  /** Whether asking again cannot do anything twice. */
  readonly idempotent: boolean;
}

/** The URL of a service as it was given: https, or http on this machine alone, because tokens and keys travel there. */
export function serviceUrl(text: string, path: string, what: string): URL {
  const url = URL.parse(text.replace(/\/$/, '') + path);
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(bareHost(url)))) || url.username !== '') {
    throw new SealwardError('ERR_USAGE', `the URL of ${what} is not one of https: ${JSON.stringify(text.slice(0, 200))}`, {
      hint: 'Without TLS only services on this machine are asked.',
    });
  }
  return url;
}

/** Opens a connection that the next request to this service takes, so that its handshakes are over by then. What is no URL is said by that request. */
export function connectToService({ http }: ServiceCall, text: string): void {
  const url = URL.parse(text);
  if (url) http.connectEarly(url, { host: bareHost(url), privateHosts: [] });
}

/** Sends, and reads a status of the 200s. Throws ERR_SERVICE_REFUSED for what the service refuses, ERR_SERVICE_UNAVAILABLE for the rest. */
export async function askService({ http, deadline, signal }: ServiceCall, request: ServiceRequest, alsoTaken: readonly number[] = []): Promise<HttpResponse> {
  const { url, what, body, ...rest } = request;
  let answer: HttpResponse;
  try {
    answer = await http.send({
      ...rest,
      url,
      what,
      home: { host: bareHost(url), privateHosts: [] },
      deadline,
      ...(body ? { body } : {}),
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (!(cause instanceof SealwardError) || cause.code !== 'ERR_REGISTRY_UNREACHABLE') throw cause;
    throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `${what} at ${url.host} could not be reached: ${cause.message}`, { cause });
  }
  if (answer.status < 300 || alsoTaken.includes(answer.status)) return answer;
  const said = wordsOf(answer.bytes);
  const message = `${what} at ${url.host} answers with ${answer.status}${said === '' ? '' : `: ${said}`}`;
  const refused = answer.status >= 400 && answer.status < 500 && answer.status !== 429 && answer.status !== 408;
  throw new SealwardError(refused ? 'ERR_SERVICE_REFUSED' : 'ERR_SERVICE_UNAVAILABLE', message);
}

/** The sentence in an error of gRPC's gateway, or the beginning of what came. */
function wordsOf(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decodeUtf8(bytes, 'the answer');
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') text = message;
  } catch {
    text = new TextDecoder().decode(bytes);
  }
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 300);
}
