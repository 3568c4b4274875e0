/**
 * A small honest API server of Kubernetes over real HTTPS on a free port of 127.0.0.1, for tests, ours and those of others:
 * kubectl, controllers and admission webhooks work with it. It keeps everything in memory and runs no container.
 *
 *     const cluster = await ClusterServer.start();
 *     writeFileSync('kubeconfig', cluster.kubeconfig());     // kubectl --kubeconfig kubeconfig apply -f ...
 *     await cluster.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
 *     cluster.services.set('shop/webhook', '127.0.0.1:8443'); // and webhook configurations that name it are honoured
 *     cluster.compact();                                      // watches that begin in the past get 410
 *     await cluster.close();
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { concatBytes, type JsonObject, type JsonValue, utf8 } from '../../core/encoding/index.ts';
import { type Cluster, fixedCredential } from '../../clients/kubernetes/index.ts';
import { type Answer, alter, deliver, type Fault, matches } from '../faults.ts';
import { createTlsAuthority, type TlsIdentity } from '../tls-identity.ts';
import { type ApiAnswer, type ApiRequest, ClusterApi } from './api.ts';
import { discover } from './discovery.ts';
import { objectAt } from './members.ts';
import { openApiV2 } from './openapi-v2.ts';
import { ApiFailure, badRequest, notServed, unauthorized } from './statuses.ts';
import { ClusterStore, type StoreChange } from './store.ts';
import { ADMINISTRATOR, ANONYMOUS, type ClusterUser } from './users.ts';
import { Watches } from './watches.ts';
import { type WorkloadOptions, Workloads } from './workloads.ts';
import { WebhookAdmission, type WebhookCall, warningHeaders } from './webhooks.ts';

/** One request as it came in, and how it was answered. */
export interface ClusterRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly user: string;
  /** 0 until it is answered. */
  status: number;
}

export interface ClusterOptions {
  readonly services?: Readonly<Record<string, string>>;
  /** Deployments make ReplicaSets and these Pods, which are said to run; without it objects stay as they were made. */
  readonly workloads?: WorkloadOptions;
  /** The client certificate that the API server shows to webhooks, PEM; real clusters have one where somebody configured it. */
  readonly webhookIdentity?: { readonly key: string; readonly cert: string };
}

const BODY_BYTES = 3 * 1024 * 1024;

export class ClusterServer {
  /** Every request since the start or the last `forget()`. */
  readonly journal: ClusterRequest[] = [];
  /** Of an administrator. */
  readonly token: string;
  /** Where services are that webhook configurations name: "namespace/name" to "127.0.0.1:8443". May change at any time. */
  readonly services: Map<string, string>;
  readonly #authority = createTlsAuthority('sealward test cluster');
  readonly #server: Server;
  readonly #store = new ClusterStore();
  readonly #api: ClusterApi;
  readonly #admission: WebhookAdmission;
  readonly #watches: Watches;
  readonly #workloads: Workloads | undefined;
  readonly #tokens = new Map<string, ClusterUser>();
  readonly #certified = new Map<string, ClusterUser>();
  readonly #faults: { readonly fault: Fault; left: number; skip: number }[] = [];

  constructor(options: ClusterOptions = {}) {
    const { key, cert } = this.#authority.issue('127.0.0.1', 'localhost', 'kubernetes.default.svc');
    this.#server = createServer({ key, cert, ca: this.#authority.ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500).end(`cluster server: ${String(error)}`);
        else response.destroy();
      });
    });
    this.services = new Map(Object.entries(options.services ?? {}));
    this.#admission = new WebhookAdmission(this.#store, { services: this.services, ...(options.webhookIdentity ? { identity: options.webhookIdentity } : {}) });
    this.#api = new ClusterApi(this.#store, this.#admission);
    this.#watches = new Watches(this.#store);
    this.#workloads = options.workloads && new Workloads(this.#store, (...request) => this.request(...request), options.workloads);
    this.token = this.addUser(ADMINISTRATOR);
  }

  static async start(options: ClusterOptions = {}): Promise<ClusterServer> {
    const cluster = new ClusterServer(options);
    await new Promise<void>((resolve, reject) => {
      cluster.#server.once('error', reject);
      cluster.#server.listen(0, '127.0.0.1', resolve);
    });
    for (const name of ['default', 'kube-system'])
      await cluster.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await cluster.#workloads?.start();
    cluster.forget();
    return cluster;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }
  /** PEM of the authority of this cluster. */
  get ca(): string {
    return this.#authority.ca;
  }

  /** @returns a token by which this user asks. Without rules a user may do everything. */
  addUser(user: ClusterUser): string {
    const token = randomBytes(24).toString('base64url');
    this.#tokens.set(token, user);
    return token;
  }

  revokeToken(token: string): void {
    this.#tokens.delete(token);
  }

  /** A client certificate by which this user asks. */
  certify(user: ClusterUser): TlsIdentity {
    this.#certified.set(user.name, user);
    return this.#authority.issue(user.name);
  }

  /** A kubeconfig with the administrator's token, or another. */
  kubeconfig(token: string = this.token, namespace = 'default'): string {
    const cluster = { server: this.url, 'certificate-authority-data': Buffer.from(this.ca).toString('base64') };
    const context = { cluster: 'test', user: 'test', namespace };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context }],
    });
  }

  /** What a KubernetesClient of ours is made with. */
  access(token: string = this.token): Cluster {
    return { server: new URL(this.url), tls: { ca: [this.ca] }, credential: fixedCredential(token) };
  }

  /** Asks as the administrator, or another user, as over the wire but without one. Nothing is thrown: a refusal is a Status. */
  async request(
    method: string,
    path: string,
    body?: JsonValue,
    options: { readonly user?: ClusterUser; readonly contentType?: string } = {},
  ): Promise<ApiAnswer> {
    const { user = ADMINISTRATOR, contentType = 'application/json' } = options;
    return this.#answer(method, new URL(path, this.url), user, body, contentType, []);
  }

  /** The objects that are kept, by their kind: "pods", "deployments.apps". */
  objects(kind: string, namespace?: string): JsonObject[] {
    return this.#store.list(this.#api.kindOf(kind), namespace);
  }

  /** Calls back with every change of an object, until the returned function is called. */
  listen(listener: (change: StoreChange) => void): () => void {
    return this.#store.listen(listener);
  }

  /** Makes something go wrong from now on; the fault that was added last and fits is the one that happens. Of a watch only its beginning; see cutWatches. */
  fault(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY, skip: fault.skip ?? 0 });
  }

  clearFaults(): void {
    this.#faults.length = 0;
  }

  /** Forgets the journal and the calls of webhooks. */
  forget(): void {
    this.journal.length = 0;
    this.#admission.calls.length = 0;
  }

  /** Every call of a webhook, in the order of their ends. */
  get webhookCalls(): readonly WebhookCall[] {
    return this.#admission.calls;
  }

  /** Forgets all changes of the past, as etcd does every five minutes. */
  compact(): void {
    this.#store.compact();
  }

  get openWatches(): number {
    return this.#watches.count;
  }

  bookmark(): void {
    this.#watches.bookmark();
  }

  /** Breaks the connections of all watches, after a piece of a line where one is given. */
  cutWatches(half?: string): void {
    this.#watches.cut(half);
  }

  /** With workloads: resolves when their controllers have nothing to do but to try again what was refused. */
  async settled(): Promise<void> {
    await this.#workloads?.settled();
  }

  async close(): Promise<void> {
    this.#workloads?.close();
    await this.#workloads?.settled();
    this.#watches.close();
    this.#admission.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const user = this.#userOf(request);
    const entry: ClusterRequest = { method, url, user: user?.name ?? '', status: 0 };
    this.journal.push(entry);
    const fault = this.#take(method, url);
    if (fault?.before) await fault.before.pass();
    if (fault?.drop === 'before') return void request.socket.destroy();
    const warnings: string[] = [];
    const answer = fault?.status === undefined ? await this.#wire(request, response, user, warnings) : { status: fault.status, body: new Uint8Array() };
    if (fault?.after) await fault.after.pass();
    if (fault?.drop === 'after') return void request.socket.destroy();
    // A watch, which has its response already.
    if (!answer) return void (entry.status = 200);
    entry.status = answer.status;
    const warning = warningHeaders(warnings);
    const full: Answer = { ...answer, headers: { 'content-type': 'application/json', ...(warning.length > 0 ? { warning } : {}) } };
    await deliver(response, fault ? alter(full, fault) : full, method, fault);
  }

  async #wire(
    request: IncomingMessage,
    response: ServerResponse,
    user: ClusterUser | undefined,
    warnings: string[],
  ): Promise<{ status: number; body: Uint8Array } | undefined> {
    try {
      if (!user) throw unauthorized();
      const url = new URL(request.url ?? '/', this.url);
      const contentType = (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
      const body = await readBody(request, contentType);
      const watch = url.searchParams.get('watch');
      if (request.method === 'GET' && (watch === 'true' || watch === '1')) {
        const asked = this.#route('GET', url, user, undefined, contentType, warnings);
        if (!asked) throw notServed();
        this.#api.authorize(asked);
        this.#watches.open(asked, response);
        return undefined;
      }
      if (request.method === 'GET' && url.pathname === '/openapi/v2') return { status: 200, body: openApiV2(this.#api.kinds) };
      const { status, body: object } = await this.#answer(request.method ?? 'GET', url, user, body, contentType, warnings);
      return { status, body: utf8(`${JSON.stringify(object)}\n`) };
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      return { status: error.code, body: utf8(`${JSON.stringify(error.status)}\n`) };
    }
  }

  async #answer(method: string, url: URL, user: ClusterUser, body: JsonValue | undefined, contentType: string, warnings: string[]): Promise<ApiAnswer> {
    try {
      if (['/healthz', '/readyz', '/livez'].includes(url.pathname)) return { status: 200, body: { ok: true } };
      const found = method === 'GET' ? discover(url.pathname, this.#api.kinds, `127.0.0.1:${this.port}`) : undefined;
      if (found !== undefined) return { status: 200, body: objectAt(found) };
      const asked = this.#route(method, url, user, body, contentType, warnings);
      if (!asked) throw notServed();
      return await this.#api.answer(asked);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      return { status: error.code, body: error.status };
    }
  }

  #route(method: string, url: URL, user: ClusterUser, body: JsonValue | undefined, contentType: string, warnings: string[]): ApiRequest | undefined {
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const [group = '', version = ''] = parts[0] === 'api' ? ['', parts[1]] : parts[0] === 'apis' ? [parts[1], parts[2]] : [];
    const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
    const inside = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
    const [plural = '', name = '', subresource = ''] = inside ? rest.slice(2) : rest;
    const namespace = inside ? (rest[1] ?? '') : '';
    const kind = this.#api.kinds.find((each) => each.group === group && each.plural === plural && each.versions.includes(version));
    if (!kind || (inside && !kind.namespaced) || (kind.namespaced && !inside && name !== '')) return undefined;
    return { method, user, kind, version, namespace, name, subresource, query: url.searchParams, body, contentType, warnings };
  }

  #userOf(request: IncomingMessage): ClusterUser | undefined {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined) return this.#tokens.get(token);
    const socket = request.socket as TLSSocket;
    if (!socket.authorized) return ANONYMOUS;
    const name = socket.getPeerCertificate().subject.CN;
    return (typeof name === 'string' ? this.#certified.get(name) : undefined) ?? ANONYMOUS;
  }

  #take(method: string, url: string): Fault | undefined {
    const found = this.#faults.findLast((held) => held.left > 0 && matches(held.fault, method, url) && held.skip-- <= 0);
    if (found) found.left--;
    return found?.fault;
  }
}

async function readBody(request: IncomingMessage, contentType: string): Promise<JsonValue | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    parts.push(chunk);
    size += chunk.length;
    if (size > BODY_BYTES) throw new ApiFailure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${BODY_BYTES}`);
  }
  if (size === 0) return undefined;
  if (!/[/+](?:json|yaml)$/.test(contentType)) {
    throw new ApiFailure(
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
    );
  }
  const text = Buffer.from(concatBytes(...parts)).toString('utf8');
  try {
    if (contentType.endsWith('yaml')) return (await import('yaml')).parse(text) as JsonValue;
    return JSON.parse(text) as JsonValue;
  } catch {
    throw badRequest("the object provided is unrecognized (must be of type Object): couldn't get version/kind; json parse error");
  }
}
