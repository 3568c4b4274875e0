/** Requests under the rules of this project: bounds, one deadline, redirects by hand, retries, no surprises. */
import { isIP } from 'node:net';
import { quoted } from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost } from './address-rules.ts';
import { Agents, type TlsSettings } from './agents.ts';
import { boundedBody, collect, errorBody, refuseAnnounced } from './body.ts';
import { type Clock, systemClock } from './clock.ts';
import { connectionError, isPassing } from './connection-errors.ts';
import { type Answer, exchange, type Hop } from './exchange.ts';
import type { HostGate } from './host-gate.ts';
import { NO_PROXY, type ProxyConfig, proxyFor } from './proxy.ts';
import type { Home, HttpObserver, HttpRequest, HttpResponse, HttpStream } from './request.ts';
import { refuseForbidden, type Resolver, socketLookup, systemResolver } from './resolver.ts';
import { backoffMs, isIdempotent, mayRepeat, RETRY, retryAfterMs, waitWithin } from './retry.ts';
import { refuseForbiddenLiteral, serverNamedUrl, standingOf } from './targets.ts';
import { deadlinePassed, interrupted, startWatch, type Watch } from './watch.ts';

export interface HttpOptions {
  readonly tls?: TlsSettings;
  readonly proxy?: ProxyConfig;
  readonly clock?: Clock;
  /** Uniform in [0, 1), for jitter. */
  readonly random?: () => number;
  readonly resolver?: Resolver;
  readonly observe?: HttpObserver;
  readonly userAgent?: string;
  /** Says when each host may be asked; without one every request goes out at once. */
  readonly gate?: HostGate;
}

interface Open {
  readonly answer: Answer;
  readonly watch: Watch;
  readonly url: URL;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const NOTHING = new Uint8Array();

export class HttpClient {
  readonly clock: Clock;
  readonly random: () => number;
  readonly #agents: Agents;
  readonly #proxy: ProxyConfig;
  readonly #resolver: Resolver;
  readonly #observe: HttpObserver;
  readonly #userAgent: string;
  readonly #gate: HostGate | undefined;

  constructor(options: HttpOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.#agents = new Agents(options.tls ?? {});
    this.#proxy = options.proxy ?? NO_PROXY;
    this.#resolver = options.resolver ?? systemResolver;
    this.#observe = options.observe ?? (() => {});
    this.#userAgent = options.userAgent ?? 'sealward';
    this.#gate = options.gate;
  }

  /** Sends a request and reads the whole answer, whatever its status. Throws SealwardError. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    return this.#repeat(request, async (attempt) => {
      const { answer, watch, url } = await this.#follow(request, attempt);
      if (answer.status >= 300) return { status: answer.status, headers: answer.headers, url, bytes: await errorBody(answer, watch, url) };
      if (request.method !== 'HEAD') refuseAnnounced(answer, watch, request.maxBytes, request.what);
      return { status: answer.status, headers: answer.headers, url, bytes: await collect(boundedBody(answer, watch, url, request)) };
    });
  }

  /** As send, but a successful body comes in pieces, and is not asked for again once it has begun. */
  async open(request: HttpRequest): Promise<HttpStream> {
    return this.#repeat(request, async (attempt) => {
      const { answer, watch, url } = await this.#follow(request, attempt);
      const head = { status: answer.status, headers: answer.headers, url };
      if (answer.status >= 300) return { ...head, bytes: await errorBody(answer, watch, url), body: none() };
      refuseAnnounced(answer, watch, request.maxBytes, request.what);
      return { ...head, bytes: NOTHING, body: boundedBody(answer, watch, url, request) };
    });
  }

  /** Opens a connection before the first request to the configured host; a proxy is left to the request itself. */
  connectEarly(url: URL, home: Home): void {
    const standing = standingOf(url, home);
    if (standing === 'home' && proxyFor(url, this.#proxy) === undefined) this.#agents.connectEarly(url, socketLookup(this.#resolver, false));
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agents.close();
  }

  async #repeat<T extends HttpResponse>(request: HttpRequest, send: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let failure: SealwardError | undefined;
      let response: T | undefined;
      try {
        response = await send(attempt);
      } catch (error) {
        if (!(error instanceof SealwardError) || !isPassing(error) || !isIdempotent(request)) throw error;
        failure = error;
      }
      if (response && !mayRepeat(response.status, request)) return response;
      const asked = response && retryAfterMs(response.headers, this.clock.now());
      const last = attempt >= (request.attempts ?? RETRY.attempts);
      const again = !last && (await waitWithin(this.clock, backoffMs(attempt, asked, this.random), request.deadline, request.signal));
      if (request.signal?.aborted) throw interrupted(request.what);
      if (again) continue;
      if (response) return response;
      throw failure ?? deadlinePassed(request.what);
    }
  }

  /** Sends a request and follows its redirects up to the answer that is none. */
  async #follow(request: HttpRequest, attempt: number): Promise<Open> {
    let url = request.url;
    let authorization = request.authorization;
    for (let redirects = 0; ; redirects++) {
      const { answer, watch } = await this.#exchange(request, url, authorization, attempt);
      if (!REDIRECTS.has(answer.status)) return { answer, watch, url };
      const next = await this.#redirectTarget(request, answer, watch, url, redirects);
      // Once the origin is left, the credentials stay behind for good, even if a later hop leads back.
      if (next.origin !== url.origin) authorization = undefined;
      url = next;
    }
  }

  async #redirectTarget(request: HttpRequest, answer: Answer, watch: Watch, url: URL, redirects: number): Promise<URL> {
    await errorBody(answer, watch, url);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(url.host)} redirects a ${request.method} request, which is not followed`);
    }
    if (redirects >= LIMITS.redirects) throw new SealwardError('ERR_CONTENT_REFUSED', `${request.what} is redirected more than ${LIMITS.redirects} times`);
    const location = answer.headers.one('location');
    if (location === undefined) throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(url.host)} redirects without saying where to`);
    return serverNamedUrl(location, url, 'the target of a redirect');
  }

  async #exchange(request: HttpRequest, url: URL, authorization: string | undefined, attempt: number): Promise<{ answer: Answer; watch: Watch }> {
    const started = this.clock.now();
    if (request.signal?.aborted) throw interrupted(request.what);
    if (started >= request.deadline) throw deadlinePassed(request.what);
    const standing = standingOf(url, request.home);
    refuseForbiddenLiteral(url, standing);
    const proxy = proxyFor(url, this.#proxy);
    const headers = { 'user-agent': this.#userAgent, ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
    const hop: Hop = { request, url, headers, standing, proxy };
    const visit = await this.#gate?.enter(url.host, request);
    const watch = startWatch(this.clock, request, (error) => visit?.leave(error));
    const report = (outcome: { status: number } | { error: SealwardError }): void =>
      this.#observe({ method: request.method, host: url.host, path: url.pathname, attempt, milliseconds: this.clock.now() - started, ...outcome });
    try {
      if (proxy && standing === 'other') await Promise.race([this.#checkBeforeProxy(url), new Promise<never>((_, reject) => watch.guard(reject))]);
      const answer = await exchange(this.#agents, this.#resolver, hop, watch);
      report({ status: answer.status });
      visit?.answered(answer.status, retryAfterMs(answer.headers, this.clock.now()));
      return { answer, watch };
    } catch (cause) {
      const error = connectionError(cause, url);
      watch.end(error);
      report({ error });
      throw error;
    }
  }

  /**
   * Behind a proxy it is the proxy that looks names up. What our own look-up says is still held against the rules; a
   * name that only the proxy knows is left to the proxy's own.
   */
  async #checkBeforeProxy(url: URL): Promise<void> {
    const host = bareHost(url);
    if (isIP(host) !== 0) return;
    const found = await this.#resolver(host).catch(() => []);
    refuseForbidden(host, found);
  }
}

async function* none(): AsyncGenerator<Uint8Array, void> {}
