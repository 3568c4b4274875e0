/** What the fakes of key services share: a real HTTPS server on loopback, faults on demand, and keys that really sign. */
import { createServer } from 'node:https';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTlsAuthority } from '../../src/testing/index.ts';

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** The body as JSON, or an empty object. */
  readonly json: Record<string, unknown>;
}

export interface Said {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Fault =
  /** Never answers. */
  | { readonly kind: 'silent' }
  /** Closes the connection. */
  | { readonly kind: 'drop' }
  | ({ readonly kind: 'answer' } & Said);

const authority = createTlsAuthority();

/** The authority that all fakes show certificates of. */
export const fakeAuthority: string = authority.ca;

export class KeyServer {
  readonly #server: Server;
  /** For each request in its order. A fault with a path meets the next request whose path holds it. */
  readonly #faults: { readonly path: string; readonly fault: Fault; readonly met: () => void }[] = [];
  readonly requests: Asked[] = [];
  /** Changes every signature before it is sent; undefined for an answer without one. */
  tamper: (signature: Uint8Array, message: Uint8Array) => Uint8Array | undefined = (signature) => signature;

  constructor(answer: (asked: Asked, server: KeyServer) => Said | Promise<Said>) {
    const { key, cert } = authority.issue('127.0.0.1', 'localhost');
    this.#server = createServer({ key, cert }, (request, response) => void this.#serve(answer, request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  get url(): string {
    return `https://${this.host}`;
  }

  /** Resolves when a request has met the fault. */
  fault(fault: Fault, path = ''): Promise<void> {
    return new Promise((met) => this.#faults.push({ path, fault, met }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(answer: (asked: Asked, server: KeyServer) => Said | Promise<Said>, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = readRequest(request, Buffer.concat(chunks));
    this.requests.push(asked);
    const target = `${asked.url.pathname} ${String(asked.headers['x-amz-target'] ?? '')}`;
    const at = this.#faults.findIndex(({ path }) => target.includes(path));
    const [planned] = at < 0 ? [] : this.#faults.splice(at, 1);
    planned?.met();
    if (planned?.fault.kind === 'silent') return;
    if (planned?.fault.kind === 'drop') return void request.socket.destroy();
    const said = planned?.fault.kind === 'answer' ? planned.fault : await answer(asked, this);
    const body = typeof said.body === 'string' || said.body instanceof Uint8Array ? said.body : JSON.stringify(said.body);
    response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(body);
    return undefined;
  }
}

function readRequest(request: IncomingMessage, body: Buffer): Asked {
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    // A form, or nothing.
  }
  return { method: request.method ?? '', url: new URL(request.url ?? '', 'https://fake'), headers: request.headers, body, json };
}
