/** Requests to one registry: its URL, our credentials, and the second try after a challenge. */
import { formatRepository, type RepositoryName } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type BodyCheck, type HttpClient, type HttpRequest, type HttpResponse, type HttpStream, type RequestBody, speaksNoTls } from '../http/index.ts';
import { statusError } from './answers.ts';
import type { Authenticator, AuthQuery } from './auth.ts';
import type { Endpoint, Endpoints, Scheme } from './endpoints.ts';

/** The time and the will that a caller gives to one call; every request of the call shares them. */
export interface Call {
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

/** Where a request goes: below `/v2/<repository>/` of an endpoint, or to a URL that the registry named there. */
export interface Site {
  readonly endpoint: Endpoint;
  readonly name: RepositoryName;
}

export interface Ask {
  readonly method: HttpRequest['method'];
  /** What follows `/v2/<repository>/` (or `/v2/`, when no repository is named), or the full URL that the registry gave. */
  readonly target: string | URL;
  /** Names it in messages. */
  readonly what: string;
  readonly maxBytes: number;
  /** What the token must allow; pull when missing. */
  readonly write?: 'push' | 'delete';
  /** A further repository from which a blob is mounted. */
  readonly mountFrom?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly idempotent?: boolean;
  readonly check?: () => BodyCheck;
}

/** Credentials that one request tries, where a registry refuses them one after the other. */
const MOST_TRIED = 8;

/** "registry/repository", as the messages name the place that was asked. */
export function placeOf(site: Site): string {
  return [site.endpoint.registry, repositoryAt(site)].filter((part) => part !== '').join('/');
}

function repositoryAt({ endpoint, name }: Site): string {
  return `${endpoint.prefix}${name.repository}`;
}

export class Wire {
  readonly http: HttpClient;
  readonly endpoints: Endpoints;
  readonly #auth: Authenticator;

  constructor(http: HttpClient, endpoints: Endpoints, auth: Authenticator) {
    this.http = http;
    this.endpoints = endpoints;
    this.#auth = auth;
  }

  /** Any status but 401 comes back to the caller. */
  send(site: Site, call: Call, ask: Ask): Promise<HttpResponse> {
    return this.#inSomeScheme(site, ask, (base, tried) => this.#authenticated(site, call, tried, base, (request) => this.http.send(request)));
  }

  open(site: Site, call: Call, ask: Ask): Promise<HttpStream> {
    return this.#inSomeScheme(site, ask, (base, tried) => this.#authenticated(site, call, tried, base, (request) => this.http.open(request)));
  }

  /** Whether the registry has asked for credentials so far. */
  asksWhoWeAre(site: Site): boolean {
    return this.#auth.knows(this.endpoints.base(site.endpoint));
  }

  /** The error for a status that is not what was hoped for. */
  refuse(site: Site, response: HttpResponse, what: string): never {
    throw this.refusal(site, response, what);
  }

  refusal(site: Site, response: HttpResponse, what: string): SealwardError {
    return statusError(response, placeOf(site), what, this.#auth.secrets);
  }

  async #inSomeScheme<T extends HttpResponse>(site: Site, ask: Ask, send: (base: URL, ask: Ask) => Promise<T>): Promise<T> {
    const { endpoint } = site;
    const base = this.endpoints.base(endpoint);
    const other = this.endpoints.otherScheme(endpoint);
    // While the scheme is a guess, a broken connection is not tried five times before the other one is.
    const first = await settled(send(base, other === undefined ? ask : { ...ask, idempotent: false }));
    if (other === undefined || !otherMayHelp(first, other)) {
      if ('value' in first) this.endpoints.learn(endpoint, base.protocol === 'http:' ? 'http' : 'https');
      const gateway = 'value' in first && (first.value.status === 502 || first.value.status === 504);
      return gateway && other !== undefined ? send(base, ask) : valueOf(first);
    }
    const changed = new URL(base);
    changed.protocol = `${other}:`;
    const second = await settled(send(changed, ask));
    // The first outcome says more about what the user meant, unless the second got as far as an answer.
    if (isUnreachable(second)) {
      if (!isUnreachable(first)) return valueOf(first);
      return send(base, ask);
    }
    if ('value' in second) this.endpoints.learn(endpoint, other);
    return valueOf(second);
  }

  async #authenticated<T extends HttpResponse>(site: Site, call: Call, ask: Ask, base: URL, send: (request: HttpRequest) => Promise<T>): Promise<T> {
    const url =
      typeof ask.target === 'string'
        ? new URL(['/v2', repositoryAt(site), ask.target].filter((part, at) => part !== '' || at === 2).join('/'), base)
        : ask.target;
    // A Location may name another host; whoever that is, our credentials are none of its business.
    if (url.origin !== base.origin) {
      const response = await send(this.#request(site, call, ask, url, undefined));
      return response.status === 401 ? this.refuse(site, response, ask.what) : response;
    }
    const asked = { endpoint: site.endpoint, base, repository: repositoryAt(site), scopes: scopes(site, ask), ...call };
    for (let tried = 1; ; tried++) {
      const query: AuthQuery = { ...asked, credentials: await this.#auth.credentialsFor(asked) };
      try {
        return await this.#withCredentials(site, call, ask, url, query, send);
      } catch (error) {
        const refused = error instanceof SealwardError && error.code === 'ERR_REGISTRY_UNAUTHENTICATED';
        if (!refused || tried >= MOST_TRIED || !(await this.#auth.hasOthers(query))) throw error;
      }
    }
  }

  async #withCredentials<T extends HttpResponse>(
    site: Site,
    call: Call,
    ask: Ask,
    url: URL,
    query: AuthQuery,
    send: (request: HttpRequest) => Promise<T>,
  ): Promise<T> {
    const authorization = await this.#auth.prepare(query);
    const response = await send(this.#request(site, call, ask, url, authorization));
    if (response.status !== 401) return response;
    // A challenge from where a redirect led is not the registry's, and is not answered.
    const challenges = response.url.origin === query.base.origin ? response.headers.all('www-authenticate') : [];
    const better = challenges.length === 0 ? undefined : await this.#auth.answer(query, challenges, authorization);
    if (better === undefined) return this.refuse(site, response, ask.what);
    const second = await send(this.#request(site, call, ask, url, better));
    return second.status === 401 ? this.refuse(site, second, ask.what) : second;
  }

  #request(site: Site, call: Call, ask: Ask, url: URL, authorization: string | undefined): HttpRequest {
    return {
      method: ask.method,
      url,
      home: site.endpoint.home,
      what: `${ask.what} of ${site.name.repository === '' ? site.name.registry : formatRepository(site.name)}`,
      maxBytes: ask.maxBytes,
      ...call,
      ...(ask.headers === undefined ? {} : { headers: ask.headers }),
      ...(ask.body === undefined ? {} : { body: ask.body }),
      ...(ask.idempotent === undefined ? {} : { idempotent: ask.idempotent }),
      ...(ask.check === undefined ? {} : { check: ask.check }),
      ...(authorization === undefined ? {} : { authorization }),
    };
  }
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function isUnreachable(outcome: Settled<unknown>): boolean {
  return 'error' in outcome && outcome.error instanceof SealwardError && outcome.error.code === 'ERR_REGISTRY_UNREACHABLE';
}

function valueOf<T>(outcome: Settled<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** Whether the outcome looks as if the registry spoke the other scheme. */
function otherMayHelp(outcome: Settled<HttpResponse>, other: Scheme): boolean {
  if ('value' in outcome) {
    const { status, bytes } = outcome.value;
    // What Go's servers, and those in front of them, say to plain HTTP on a TLS port; to a HEAD they say it without words.
    return other === 'https' && status === 400 && (bytes.length === 0 || Buffer.from(bytes).toString('latin1').includes('HTTPS'));
  }
  const { error } = outcome;
  if (!(error instanceof SealwardError)) return false;
  return other === 'http' ? speaksNoTls(error) : error.code === 'ERR_REGISTRY_UNREACHABLE' || error.code === 'ERR_CONTENT_REFUSED';
}

function scopes(site: Site, ask: Ask): readonly string[] {
  if (site.name.repository === '') return [];
  const actions = ask.write === undefined ? 'pull' : ask.write === 'push' ? 'pull,push' : 'delete';
  const own = `repository:${repositoryAt(site)}:${actions}`;
  return ask.mountFrom === undefined ? [own] : [own, `repository:${site.endpoint.prefix}${ask.mountFrom}:pull`];
}
