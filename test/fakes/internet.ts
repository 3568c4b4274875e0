/**
 * Hosts of the Internet on loopback: a proxy that leads every name to one TLS server, which answers as the host that was
 * asked for. A name that the test does not know is not found, and is written down as well.
 */
import { once } from 'node:events';
import { createServer as createProxy, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { createTlsAuthority } from '../../src/testing/index.ts';
import type { Said } from './key-server.ts';

export interface HostAsked {
  readonly host: string;
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Host = (asked: HostAsked) => Said;

export class FakeInternet {
  readonly ca: string;
  readonly asked: HostAsked[] = [];
  /** Every name that the proxy was told to connect to. */
  readonly connected: string[] = [];
  readonly #hosts: Readonly<Record<string, Host>>;
  readonly #servers: readonly Server[];
  readonly #proxy: Server;

  constructor(hosts: Readonly<Record<string, Host>>) {
    const authority = createTlsAuthority();
    const { key, cert } = authority.issue(...Object.keys(hosts));
    this.ca = authority.ca;
    this.#hosts = hosts;
    const server = createServer({ key, cert }, (request, response) => void this.#answer(request, response));
    this.#proxy = createProxy((_, response) => response.writeHead(400).end());
    this.#proxy.on('connect', (request, socket) => {
      const [name = ''] = (request.url ?? '').split(':');
      this.connected.push(name);
      socket.on('error', () => {});
      if (!Object.hasOwn(this.#hosts, name)) return socket.end('HTTP/1.1 502 No such host\r\n\r\n');
      const through = connect((server.address() as AddressInfo).port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        through.pipe(socket).pipe(through);
      });
      through.on('error', () => socket.destroy());
      socket.on('close', () => through.destroy());
      return undefined;
    });
    this.#servers = [server, this.#proxy];
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = request.headers.host ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', headers } = request;
    const asked = { host, method, url: new URL(request.url ?? '', `https://${host}`), headers, body: Buffer.concat(chunks).toString() };
    this.asked.push(asked);
    const said = this.#hosts[host]?.(asked) ?? { status: 421, body: '' };
    const body = typeof said.body === 'string' || said.body instanceof Uint8Array ? said.body : JSON.stringify(said.body);
    response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(body);
  }

  async start(): Promise<this> {
    for (const server of this.#servers) await once(server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  /** For an environment: the way to these hosts. */
  get proxy(): { readonly HTTPS_PROXY: string } {
    return { HTTPS_PROXY: `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}` };
  }

  to(host: string): readonly HostAsked[] {
    return this.asked.filter((one) => one.host === host);
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}
