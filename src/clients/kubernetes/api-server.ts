/** Requests to one API server: credentials, deadlines, bounds, and every failure in the words of clusters. */
import { quoted } from '../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, LIMITS, memberOf, stringOf, utf8 } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import {
  bareHost,
  type Clock,
  HttpClient,
  type HttpObserver,
  type HttpRequest,
  parseProxyEnvironment,
  type ProxyConfig,
  type TlsSettings,
} from '../http/index.ts';
import type { Cluster } from './cluster.ts';
import { parseAnswer } from './object.ts';

/** What every call may be given. */
export interface CallOptions {
  /** Absolute, on the clock of the client; half a minute from now when missing. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** How often a request is sent at most that the server was too busy for, or that was lost on the way; a few times when missing. */
  readonly attempts?: number;
}

export interface ApiRequest extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Relative to the server. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: JsonValue;
  readonly contentType?: string;
  /** "the Pod shop/web" */
  readonly what: string;
  readonly maxBytes?: number;
  readonly idempotent?: boolean;
}

export interface ApiServerOptions {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly observe?: HttpObserver;
  readonly userAgent?: string;
  /** Further authorities, besides those of the cluster. */
  readonly tls?: TlsSettings;
  /** Where the cluster names none of its own. */
  readonly proxy?: ProxyConfig;
}

/** A Status as its message and reason: what an API server says when it does not do what was asked. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly body: JsonObject;
}

const CALL_MS = 30_000;

export class ApiServer {
  readonly clock: Clock;
  readonly random: () => number;
  readonly #cluster: Cluster;
  readonly #http: HttpClient;
  /** Watches last; were they in one pool with the rest, enough of them would leave no connection for a request. */
  readonly #streams: HttpClient;

  constructor(cluster: Cluster, options: ApiServerOptions = {}) {
    const ca = [...(options.tls?.ca ?? []), ...(cluster.tls.ca ?? [])];
    const proxy = cluster.proxy === undefined ? options.proxy : parseProxyEnvironment({ HTTPS_PROXY: cluster.proxy });
    const { clock, random, observe, userAgent } = options;
    const settings = {
      tls: { ...options.tls, ...cluster.tls, ...(ca.length > 0 ? { ca } : {}) },
      ...(proxy ? { proxy } : {}),
      ...(clock ? { clock } : {}),
      ...(random ? { random } : {}),
      ...(observe ? { observe } : {}),
      ...(userAgent === undefined ? {} : { userAgent }),
    };
    this.#cluster = cluster;
    this.#http = new HttpClient(settings);
    this.#streams = new HttpClient(settings);
    this.clock = this.#http.clock;
    this.random = this.#http.random;
  }

  /** The object of a success. Throws SealwardError for everything else. */
  async send(request: ApiRequest): Promise<JsonObject> {
    const answer = await this.ask(request);
    if ('reason' in answer) throw refusalError(this.#cluster.server, request.what, answer);
    return answer.object;
  }

  /** As send, for those who take some refusals for an answer. */
  async ask(request: ApiRequest): Promise<{ readonly object: JsonObject } | (Refusal & { readonly error: () => SealwardError })> {
    const response = await this.#authorized(request, (ready) => this.#http.send(ready));
    if (response.status >= 200 && response.status < 300) return { object: parseAnswer(response.bytes, request.what) };
    const refusal = this.#refusal(request.what, response.status, response.bytes);
    return { ...refusal, error: () => refusalError(this.#cluster.server, request.what, refusal) };
  }

  /** The body of a success in pieces, which may pause until the deadline. Throws as send does. */
  async open(request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
    const stream = await this.#authorized(request, (ready) => this.#streams.open({ ...ready, mayPause: true, maxBytes: Number.MAX_SAFE_INTEGER }));
    if (stream.status === 200) return inWordsOfClusters(stream.body, request.what);
    throw refusalError(this.#cluster.server, request.what, this.#refusal(request.what, stream.status, stream.bytes));
  }

  close(): void {
    this.#http.close();
    this.#streams.close();
  }

  async #authorized<T extends { readonly status: number; readonly url: URL }>(request: ApiRequest, send: (ready: HttpRequest) => Promise<T>): Promise<T> {
    const { credential } = this.#cluster;
    for (let attempt = 1; ; attempt++) {
      const token = credential?.token(this.clock.now());
      let answer: T;
      try {
        answer = await send(this.#ready(request, token));
      } catch (error) {
        throw inTheseWords(error, request.what);
      }
      // What another host says, however we were sent there, is not what this cluster says.
      if (answer.url.origin !== this.#cluster.server.origin) {
        throw new SealwardError(
          'ERR_CLUSTER_ANSWER',
          `${quoted(this.#cluster.server.host, 260)} sends us to ${quoted(answer.url.host, 260)} for ${request.what}, which is not followed`,
        );
      }
      // A token that was replaced while it was in use: the file is read again, once.
      if (answer.status !== 401 || attempt > 1 || !credential?.renew()) return answer;
    }
  }

  #ready(request: ApiRequest, token: string | undefined): HttpRequest {
    const { server } = this.#cluster;
    const url = new URL(request.path, server.href.endsWith('/') ? server : `${server.href}/`);
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(name, value);
    const { method, what, signal, body, idempotent, attempts, maxBytes = LIMITS.clusterObjectBytes } = request;
    return {
      method,
      url,
      home: { host: bareHost(url), privateHosts: [] },
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }) },
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { body: utf8(JSON.stringify(body)) }),
      deadline: request.deadline ?? this.clock.now() + CALL_MS,
      ...(signal ? { signal } : {}),
      maxBytes,
      what,
      ...(idempotent === undefined ? {} : { idempotent }),
      ...(attempts === undefined ? {} : { attempts }),
    };
  }

  #refusal(what: string, status: number, bytes: Uint8Array): Refusal {
    let body: JsonObject = {};
    try {
      body = parseAnswer(bytes, what);
    } catch {
      // The page of something in between; its status has to do.
    }
    // What an answer repeats of our request is not for logs.
    const token = this.#cluster.credential?.token(this.clock.now()) ?? '';
    const message = stringOf(memberOf(body, 'message')) ?? '';
    return { status, reason: stringOf(memberOf(body, 'reason')) ?? '', message: token === '' ? message : message.replaceAll(token, '...'), body };
  }
}

async function* inWordsOfClusters(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    throw inTheseWords(error, what);
  }
}

/** What a status means (API conventions, "HTTP status codes"). */
function codeOf(status: number, message: string): ErrorCode {
  // As a patch for an object is answered that was meanwhile made anew under its name.
  if (status === 422 && /\bmetadata\.uid: Invalid value: .*field is immutable/.test(message)) return 'ERR_OBJECT_CONFLICT';
  if (status === 401 || status === 403) return 'ERR_CLUSTER_DENIED';
  if (status === 404) return 'ERR_OBJECT_NOT_FOUND';
  if (status === 409) return 'ERR_OBJECT_CONFLICT';
  if (status === 410) return 'ERR_OBJECTS_EXPIRED';
  if (status === 408 || status === 429 || status >= 500) return 'ERR_CLUSTER_UNAVAILABLE';
  return status >= 400 ? 'ERR_CLUSTER_REFUSED' : 'ERR_CLUSTER_ANSWER';
}

export function refusalError(server: URL | string, what: string, { status, message }: Pick<Refusal, 'status' | 'message'>): SealwardError {
  const host = typeof server === 'string' ? server : quoted(server.host, 260);
  return new SealwardError(
    codeOf(status, message),
    `${host} answered the request for ${what} with ${status}${message === '' ? '' : `: ${quoted(message, 400)}`}`,
  );
}

/** The HTTP client speaks of registries. */
function inTheseWords(error: unknown, what: string): unknown {
  if (!(error instanceof SealwardError)) return error;
  if (error.code === 'ERR_REGISTRY_UNREACHABLE') {
    const trust = error.message.includes('certificate') ? { hint: 'Check the certificate authority of the cluster in the kubeconfig.' } : {};
    return new SealwardError('ERR_CLUSTER_UNAVAILABLE', `${what} cannot be had: ${error.message}`, { cause: error, ...trust });
  }
  if (error.code === 'ERR_CONTENT_REFUSED' || error.code === 'ERR_TOO_LARGE') {
    return new SealwardError('ERR_CLUSTER_ANSWER', `the answer for ${what} is refused: ${error.message}`, { cause: error });
  }
  return error;
}
