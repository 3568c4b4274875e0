/**
 * A real OCI registry in memory, over real HTTP on a free port of 127.0.0.1: blobs, manifests, tags, uploads, the
 * referrers API with paging, token and basic authentication, and faults on demand. For tests, ours and those of others.
 *
 *     const registry = await MemoryRegistry.start({ pageSize: 2 });
 *     registry.fault({ method: 'GET', path: '/referrers/', status: 500 });
 *     ... `${registry.host}/team/app:v1` ...
 *     assert.equal(registry.journal.length, 3);
 *     await registry.close();
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { concatBytes, utf8 } from '../core/encoding/index.ts';
import { failure, json, NOT_A_ROUTE, type RegistryBehaviour, type RegistryRequest, ROUTES } from './distribution-routes.ts';
import { type Answer, alter, deliver, type Fault, matches } from './faults.ts';
import { StoredRepository } from './repository-store.ts';
import { type RegistryAuth, TokenServer } from './token-server.ts';

export interface MemoryRegistryOptions extends Partial<RegistryBehaviour> {
  readonly auth?: RegistryAuth;
  /** Serves HTTPS. PEM. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
  /** 127.0.0.1 when missing. */
  readonly address?: string;
}

/** One request as it came in, and how it was answered. */
export interface JournalEntry {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The Authorization header as it was sent, so that a test can see who got credentials. */
  readonly authorization: string | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** 0 until it is answered, and for a connection that was dropped. */
  status: number;
}

const DEFAULTS: RegistryBehaviour = {
  referrersApi: true,
  pageSize: Number.MAX_SAFE_INTEGER,
  filters: true,
  conditionalWrites: false,
  chunkMinLength: 0,
  largestBody: Number.MAX_SAFE_INTEGER,
};

const ENDPOINT = /^\/v2\/(.+)\/(blobs\/uploads|manifests|blobs|referrers|tags)\/([^/]*)$/;

export class MemoryRegistry {
  /** Every request since the start or the last `forget()`. */
  readonly journal: JournalEntry[] = [];
  /** Undefined without authentication. */
  readonly tokens: TokenServer | undefined;
  readonly #options: MemoryRegistryOptions;
  readonly #behaviour: RegistryBehaviour;
  readonly #repositories = new Map<string, StoredRepository>();
  readonly #server: Server;
  readonly #faults: { readonly fault: Fault; left: number; skip: number }[] = [];

  constructor(options: MemoryRegistryOptions = {}) {
    this.#options = options;
    this.#behaviour = { ...DEFAULTS, ...options };
    this.tokens = options.auth && new TokenServer(options.auth);
    const listener = (request: IncomingMessage, response: ServerResponse): void => this.handler(request, response);
    this.#server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  }

  static async start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
    const registry = new MemoryRegistry(options);
    await new Promise<void>((resolve, reject) => {
      registry.#server.once('error', reject);
      registry.#server.listen(0, options.address ?? '127.0.0.1', resolve);
    });
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:PORT`, as it stands in a reference. */
  get host(): string {
    const address = this.#options.address ?? '127.0.0.1';
    return `${address.includes(':') ? `[${address}]` : address}:${this.port}`;
  }

  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://${this.host}`;
  }

  /** What the registry holds, for looking at it and for putting things there that no honest registry would take. */
  repository(name: string): StoredRepository {
    const held = this.#repositories.get(name) ?? new StoredRepository();
    this.#repositories.set(name, held);
    return held;
  }

  /** Makes something go wrong from now on; the fault that was added last and fits is the one that happens. */
  fault(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY, skip: fault.skip ?? 0 });
  }

  clearFaults(): void {
    this.#faults.length = 0;
  }

  /** Forgets the journal. */
  forget(): void {
    this.journal.length = 0;
  }

  /** How many requests there were whose "METHOD /path?query" fits. */
  count(pattern: RegExp | string): number {
    return this.journal.filter(({ method, url }) => (typeof pattern === 'string' ? `${method} ${url}`.includes(pattern) : pattern.test(`${method} ${url}`)))
      .length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** The request listener itself, to be put into a server of one's own. */
  handler(request: IncomingMessage, response: ServerResponse): void {
    this.#serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500).end(`memory registry: ${String(error)}`);
      else response.destroy();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
    const entry: JournalEntry = { method, url, authorization: request.headers.authorization, headers, status: 0 };
    this.journal.push(entry);
    const fault = this.#take(method, url);
    if (fault?.before) await fault.before.pass();
    if (fault?.drop === 'before') return void request.socket.destroy();
    const body = await readAll(request);
    const answer = fault?.status === undefined ? this.#answer(request, { method, url, headers, body }) : { status: fault.status };
    if (fault?.after) await fault.after.pass();
    if (fault?.drop === 'after') return void request.socket.destroy();
    const altered = fault ? alter(answer, fault) : answer;
    entry.status = altered.status;
    await deliver(response, altered, method, fault);
  }

  #take(method: string, url: string): Fault | undefined {
    const found = this.#faults.findLast((held) => held.left > 0 && matches(held.fault, method, url) && held.skip-- <= 0);
    if (found) found.left--;
    return found?.fault;
  }

  #answer(request: IncomingMessage, asked: { method: string; url: string; headers: RegistryRequest['headers']; body: Uint8Array }): Answer {
    const url = new URL(asked.url, this.url);
    if (url.pathname === '/token' && this.tokens) return this.#token(this.tokens, request, asked.method, url, asked.body);
    if (url.pathname === '/v2/' || url.pathname === '/v2') return this.#challenged(request, '', 'pull') ?? json(200, {});
    const match = ENDPOINT.exec(decodeURIComponent(url.pathname));
    const [, repository = '', endpoint = '', target = ''] = match ?? [];
    const route = ROUTES[endpoint];
    if (!route) return NOT_A_ROUTE;
    const action = asked.method === 'GET' || asked.method === 'HEAD' ? 'pull' : asked.method === 'DELETE' ? 'delete' : 'push';
    const challenged = this.#challenged(request, repository, action);
    if (challenged) return challenged;
    const held = this.#repositories.get(repository);
    if (!held && action === 'pull')
      return endpoint === 'referrers' && !this.#behaviour.referrersApi ? NOT_A_ROUTE : failure(404, 'NAME_UNKNOWN', 'repository name not known');
    const { method, headers, body } = asked;
    return route(held ?? this.repository(repository), { method, repository, target, query: url.searchParams, headers, body }, this.#behaviour, (name) =>
      this.#repositories.get(name),
    );
  }

  #challenged(request: IncomingMessage, repository: string, action: string): Answer | undefined {
    if (!this.tokens || this.tokens.allows(request.headers, repository, action)) return undefined;
    const challenge = this.tokens.challenge(`${this.url}/token`, repository, action);
    return { ...failure(401, 'UNAUTHORIZED', 'authentication required'), headers: { 'content-type': 'application/json', 'www-authenticate': challenge } };
  }

  #token(tokens: TokenServer, request: IncomingMessage, method: string, url: URL, body: Uint8Array): Answer {
    const { status, body: text } =
      method === 'POST'
        ? tokens.post(new URLSearchParams(Buffer.from(body).toString('utf8')))
        : tokens.get(url.searchParams, request.headers.authorization ?? '');
    return { status, headers: { 'content-type': 'application/json' }, body: utf8(text) };
  }
}

async function readAll(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) parts.push(chunk);
  return concatBytes(...parts);
}
