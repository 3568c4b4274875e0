/** Connections that are opened before the first request: they are used, once, and change no answer. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { SealwardError } from '../../core/errors.ts';
import { createTlsAuthority, FixedClock } from '../../testing/index.ts';
import { HttpClient, type HttpOptions, type HttpRequest, parseProxyEnvironment } from './index.ts';

const authority = createTlsAuthority();

interface Listening {
  readonly port: number;
  /** How many connections were accepted. */
  readonly connections: () => number;
}

async function listening(t: TestContext, server: Server): Promise<Listening> {
  let accepted = 0;
  server.on('connection', () => accepted++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => accepted };
}

function clientOf(t: TestContext, options: HttpOptions = {}): HttpClient {
  const client = new HttpClient({
    clock: new FixedClock({ skipSleep: true }),
    random: () => 0.5,
    resolver: async () => [{ address: '127.0.0.1', family: 4 }],
    ...options,
  });
  t.after(() => client.close());
  return client;
}

const HOME = { host: 'registry.example', privateHosts: [] };

function asking(client: HttpClient, url: URL): HttpRequest {
  return { method: 'GET', url, home: HOME, deadline: client.clock.now() + 60_000, maxBytes: 1024, what: 'the thing' };
}

const ok: RequestListener = (_, response) => response.end('ok');

test('the first request takes the connection, and the next ones keep it', async (t) => {
  const { port, connections } = await listening(t, createServer(ok));
  const client = clientOf(t);
  const url = new URL(`http://registry.example:${port}/v2/`);
  client.connectEarly(url, HOME);
  client.connectEarly(url, HOME);
  for (let i = 0; i < 3; i++) assert.equal((await client.send(asking(client, url))).status, 200);
  assert.equal(connections(), 1);
});

test('over TLS it is held against the same name and authorities', async (t) => {
  const identity = authority.issue('registry.example');
  const names: (string | false)[] = [];
  const server = createTlsServer({ key: identity.key, cert: identity.cert }, (request, response) => {
    names.push((request.socket as TLSSocket & { servername: string | false }).servername);
    ok(request, response);
  });
  const { port, connections } = await listening(t, server);
  const url = new URL(`https://registry.example:${port}/v2/`);
  const trusting = clientOf(t, { tls: { ca: [authority.ca] } });
  trusting.connectEarly(url, HOME);
  assert.equal((await trusting.send(asking(trusting, url))).status, 200);
  assert.equal(connections(), 1);
  assert.deepEqual(names, ['registry.example']);

  const distrusting = clientOf(t);
  distrusting.connectEarly(url, HOME);
  await assert.rejects(distrusting.send(asking(distrusting, url)), SealwardError);
  assert.equal(names.length, 1, 'nothing was asked of a server that is not trusted');
});

test('a connection that cannot be had changes nothing but is tried again by the request', async (t) => {
  const closed = createTcpServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const client = clientOf(t);
  const url = new URL(`http://registry.example:${port}/`);
  client.connectEarly(url, HOME);
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(client.send(asking(client, url)), { code: 'ERR_REGISTRY_UNREACHABLE' });
});

test('only the configured host is connected to, and not when a proxy leads there', async (t) => {
  const { port, connections } = await listening(t, createServer(ok));
  clientOf(t).connectEarly(new URL(`http://elsewhere.example:${port}/`), HOME);
  const proxied = clientOf(t, { proxy: parseProxyEnvironment({ HTTP_PROXY: `http://127.0.0.1:${port}` }) });
  proxied.connectEarly(new URL(`http://registry.example:${port}/`), HOME);
  const client = clientOf(t);
  assert.equal((await client.send(asking(client, new URL(`http://registry.example:${port}/`)))).status, 200);
  assert.equal(connections(), 1);
});

test('one that was opened for plain HTTP is never taken for TLS', async (t) => {
  let heard: (chunk: Buffer) => void = () => undefined;
  const first = new Promise<Buffer>((resolve) => (heard = resolve));
  const server = createTcpServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        heard(Buffer.from(chunk));
        socket.destroy();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const client = clientOf(t);
  const { port } = server.address() as AddressInfo;
  client.connectEarly(new URL(`http://registry.example:${port}/`), HOME);
  await assert.rejects(client.send(asking(client, new URL(`https://registry.example:${port}/`))), SealwardError);
  assert.equal((await first)[0], 0x16, 'a TLS handshake is the first that the server hears');
});
