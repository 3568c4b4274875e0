/**
 * JSON calls to the services of clouds and to those that keep keys: bounded, retried when throttled, and every failure
 * named in the words of keys, of which a registry makes its own (clients/registry/workload-identity.ts).
 */
import { quoted } from '../../core/artifact/index.ts';
import { decodeUtf8, encodeBase64Url, type JsonObject, type JsonValue, LIMITS, parseJson, utf8 } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { bareHost, HttpClient, type HttpResponse, isLoopbackHost, NO_PROXY, parseProxyEnvironment, type TlsSettings } from '../http/index.ts';
import type { Call, CloudContext } from './cloud-context.ts';

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string;
  /** JSON, or bytes as they are. */
  readonly body?: JsonObject | Uint8Array;
  /** "the public key of awskms:///alias/x" */
  readonly what: string;
  /** What an answer that is no success means, where the status alone does not say it. */
  readonly explain?: Explain;
  /** Values that must appear in no message, whatever the service answers. */
  readonly secrets?: readonly string[];
}

export interface Refusal {
  readonly code: ErrorCode | 'throttled';
  /** In the service's words; it is shown quoted. */
  readonly says?: string;
}

export type Explain = (status: number, body: JsonObject) => Refusal | undefined;

/** Vault lists every version of a key, of which there are thousands where it rotates each hour. */
const MAX_ANSWER_BYTES = LIMITS.documentBytes;
const ATTEMPTS = 4;
const FIRST_WAIT_MS = 200;

export class CloudService {
  readonly #http: HttpClient;

  /** @param direct for what lies beside this machine (metadata services), where a proxy has no business. */
  constructor({ clock, environment, tls, gate }: Pick<CloudContext, 'clock' | 'environment' | 'tls' | 'gate'>, extra: TlsSettings = {}, direct = false) {
    const ca = [...(tls.ca ?? []), ...(extra.ca ?? [])];
    this.#http = new HttpClient({
      clock,
      ...(gate ? { gate } : {}),
      proxy: direct ? NO_PROXY : parseProxyEnvironment(environment),
      tls: { ...tls, ...extra, ...(ca.length > 0 ? { ca } : {}) },
    });
  }

  /** Sends a request that may be sent twice, and answers with the JSON of a success. Throws SealwardError. */
  async json(request: ServiceRequest, call: Call): Promise<JsonObject> {
    const response = await this.send(request, call);
    return parseObject(response.bytes, request.what);
  }

  async send(request: ServiceRequest, call: Call): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#once(request, call);
      if (response.status >= 200 && response.status < 300) return response;
      const refusal = explainAny(request, response);
      const wait = FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + this.#http.random());
      // 429 and 503 were repeated by the client already; this is for services that say it in other words.
      const again = refusal.code === 'throttled' && response.status !== 429 && response.status !== 503 && attempt < ATTEMPTS;
      if (!again || this.#http.clock.now() + wait >= call.deadline) throw refusalError(request, response.status, refusal);
      await this.#http.clock.sleep(wait, call.signal);
    }
  }

  /** A PUT whose answer is text, as metadata services hand out their session. */
  async put(url: URL, headers: Readonly<Record<string, string>>, what: string, call: Call): Promise<string> {
    const response = await this.send({ method: 'PUT', url, headers, body: new Uint8Array(), what }, call);
    return decodeUtf8(response.bytes, what).trim();
  }

  async #once(request: ServiceRequest, call: Call): Promise<HttpResponse> {
    const { method, url, authorization, what } = request;
    const body = request.body === undefined ? undefined : request.body instanceof Uint8Array ? request.body : utf8(JSON.stringify(request.body));
    try {
      return await this.#http.send({
        method,
        url,
        home: { host: bareHost(url), privateHosts: [] },
        headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...request.headers },
        ...(authorization === undefined ? {} : { authorization }),
        ...(body ? { body } : {}),
        deadline: call.deadline,
        ...(call.signal ? { signal: call.signal } : {}),
        maxBytes: MAX_ANSWER_BYTES,
        what,
        // Signing twice is signing once: the second signature is thrown away with its connection.
        idempotent: true,
      });
    } catch (error) {
      throw inWordsOfKeys(error, what);
    }
  }

  close(): void {
    this.#http.close();
  }
}

/** The address that a setting names. Plain HTTP is for this machine, unless the setting says http itself. */
export function serviceUrl(text: string, what: string): URL {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '' || url.username !== '' || url.password !== '') {
    // Not shown: addresses with passwords in them are what is refused here.
    throw new SealwardError('ERR_CONFIG_INVALID', `${what} is not the address of a service`, { hint: 'Write https://HOST[:PORT], without a user name.' });
  }
  if (url.protocol === 'http:' && !isLoopbackHost(bareHost(url)) && !isLinkLocal(bareHost(url))) {
    throw new SealwardError('ERR_CONFIG_INVALID', `${what} is ${url.origin}, and credentials do not travel over plain HTTP`, { hint: 'Write https://.' });
  }
  return url;
}

const isLinkLocal = (host: string): boolean => host.startsWith('169.254.') || host === 'metadata.google.internal' || /^fd00:ec2::/i.test(host);

export function parseObject(bytes: Uint8Array, what: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(bytes, { what, maxBytes: MAX_ANSWER_BYTES });
  } catch (cause) {
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} is not JSON`, { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} is not a JSON object`);
  return value;
}

/** A text member of an answer. */
export function textOf(object: JsonObject, member: string, what: string): string {
  const value = object[member];
  if (typeof value !== 'string' || value === '') throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} has no ${member}`);
  return value;
}

export function objectOf(object: JsonObject, member: string, what: string): JsonObject {
  const value = object[member];
  if (value === null || value === undefined || typeof value !== 'object' || Array.isArray(value)) {
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} has no ${member}`);
  }
  return value;
}

/** What a decoder refuses in an answer is the fault of the answer. */
export function fromAnswer<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** application/x-www-form-urlencoded, as token services read it. */
export function formBody(fields: Readonly<Record<string, string>>): { body: Uint8Array; headers: { 'content-type': string } } {
  return { body: utf8(new URLSearchParams(fields).toString()), headers: { 'content-type': 'application/x-www-form-urlencoded' } };
}

export function compactJson(value: JsonObject): string {
  return encodeBase64Url(utf8(JSON.stringify(value)));
}

function explainAny(request: ServiceRequest, { status, bytes }: HttpResponse): Refusal {
  let body: JsonObject = {};
  try {
    body = parseObject(bytes, request.what);
  } catch {
    // An error page of something in between; its status has to do.
  }
  return request.explain?.(status, body) ?? byStatus(status);
}

function byStatus(status: number): Refusal {
  if (status === 401 || status === 403) return { code: 'ERR_KEY_DENIED' };
  if (status === 404) return { code: 'ERR_KEY_NOT_FOUND' };
  if (status === 429) return { code: 'throttled' };
  return { code: status >= 500 ? 'ERR_KEY_UNAVAILABLE' : 'ERR_KEY_ANSWER' };
}

function refusalError({ what, url, secrets = [] }: ServiceRequest, status: number, { code, says }: Refusal): SealwardError {
  let words = says ?? '';
  for (const secret of secrets) if (secret !== '') words = words.replaceAll(secret, '...');
  const tail = words === '' ? '' : `: ${quoted(words, 300)}`;
  const message = `${quoted(url.host, 260)} answered the request for ${what} with ${status}${tail}`;
  if (code !== 'throttled') return new SealwardError(code, message);
  return new SealwardError('ERR_KEY_UNAVAILABLE', message, { hint: 'The key service asked us to slow down: try again later, or raise its quota.' });
}

/** The client speaks of registries. */
function inWordsOfKeys(error: unknown, what: string): unknown {
  if (!(error instanceof SealwardError)) return error;
  if (error.code === 'ERR_REGISTRY_UNREACHABLE') {
    const trust = error.message.includes('certificate')
      ? { hint: 'Name the authority that issued the certificate in NODE_EXTRA_CA_CERTS, or in the setting of the service.' }
      : {};
    return new SealwardError('ERR_KEY_UNAVAILABLE', `${what} cannot be had: ${error.message}`, { cause: error, ...trust });
  }
  if (error.code === 'ERR_CONTENT_REFUSED' || error.code === 'ERR_TOO_LARGE') {
    return new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} is refused: ${error.message}`, { cause: error });
  }
  return error;
}
