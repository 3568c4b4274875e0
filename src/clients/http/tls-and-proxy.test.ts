import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request as plainRequest, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { SealwardError } from '../../core/errors.ts';
import { createTlsAuthority, FixedClock } from '../../testing/index.ts';
import { HttpClient, type HttpOptions, type HttpRequest, parseProxyEnvironment } from './index.ts';

const authority = createTlsAuthority();
const servers: Server[] = [];
let tlsPort: number;
let proxyPort: number;
let proxied: string[];
let proxyAnswers: number | undefined;
let clients: { host: string; certificate: string | undefined }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

function listen(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

before(async () => {
  const identity = authority.issue('registry.example', 'cdn.example', 'internal-name.example');
  const tls = { key: identity.key, cert: identity.cert, ca: authority.ca, requestCert: true, rejectUnauthorized: false };
  tlsPort = await listen(
    createTlsServer(tls, (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      clients.push({ host: request.headers.host ?? '', certificate: (subject as { CN?: string } | undefined)?.CN });
      answer(request, response);
    }),
  );
  const proxy = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    const url = new URL(request.url ?? '');
    request.pipe(
      plainRequest({ host: '127.0.0.1', port: url.port, path: url.pathname, headers: request.headers }, (got) =>
        got.pipe(response.writeHead(got.statusCode ?? 0, got.headers)),
      ),
    );
  });
  const tunnels: Socket[] = [];
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    proxied.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (proxyAnswers !== undefined) return void socket.end(`HTTP/1.1 ${proxyAnswers} No\r\n\r\n`);
    const port = Number(request.url?.split(':').at(-1));
    const far = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    tunnels.push(far, socket);
    far.pipe(socket).pipe(far);
    far.on('error', () => socket.destroy());
    socket.on('error', () => far.destroy());
    return undefined;
  });
  proxy.on('close', () => {
    for (const socket of tunnels) socket.destroy();
  });
  proxyPort = await listen(proxy);
});
after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});
describe('over TLS and through proxies', () => {
  beforeEach(() => {
    proxied = [];
    clients = [];
    proxyAnswers = undefined;
    answer = (_, response) => void response.end('secret place');
  });

  const client = (options: HttpOptions = {}): HttpClient =>
    new HttpClient({ clock: new FixedClock({ skipSleep: true }), resolver: async () => [{ address: '127.0.0.1', family: 4 }], ...options });
  const ask = (http: HttpClient, url: string, privateHosts: string[] = []): HttpRequest => ({
    method: 'GET',
    url: new URL(url),
    home: { host: 'registry.example', privateHosts },
    authorization: 'Bearer canary',
    deadline: http.clock.now() + 60_000,
    maxBytes: 1024,
    what: 'the thing',
  });
  const fails = (code: string, words: RegExp) => (error: unknown) => {
    assert.ok(error instanceof SealwardError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(`${error.message} ${error.hint}`, words);
    return true;
  };
  const home = (): string => `https://registry.example:${tlsPort}/`;
  const cdn = (): string => `https://cdn.example:${tlsPort}/`;

  test('a certificate counts when its authority is given', async () => {
    const without = client();
    await assert.rejects(without.send(ask(without, home())), fails('ERR_REGISTRY_UNREACHABLE', /certificate.*--registry-cacert/));
    const http = client({ tls: { ca: [authority.ca] } });
    assert.equal((await http.send(ask(http, home()))).status, 200);
    await assert.rejects(
      http.send({ ...ask(http, `https://other.example:${tlsPort}/`), home: { host: 'other.example', privateHosts: [] } }),
      fails('ERR_REGISTRY_UNREACHABLE', /certificate/),
    );
    http.close();
  });

  test('another name can be asked for on the certificate of the registry', async () => {
    const http = client({ tls: { ca: [authority.ca], serverName: 'internal-name.example' } });
    const named = { ...ask(http, `https://nowhere.example:${tlsPort}/`), home: { host: 'nowhere.example', privateHosts: [] } };
    assert.equal((await http.send(named)).status, 200);
    http.close();
  });

  test('switched-off verification stays with the registry, and so does the client certificate', async () => {
    const mine = authority.issue('the client');
    answer = (request, response) => void (request.headers.host?.startsWith('registry') ? response.writeHead(302, { location: cdn() }).end() : response.end());
    const unsafe = client({ tls: { unsafeSkipVerify: true } });
    await assert.rejects(unsafe.send(ask(unsafe, home(), ['cdn.example'])), fails('ERR_REGISTRY_UNREACHABLE', /certificate of "cdn\.example/));
    clients = [];
    const http = client({ tls: { ca: [authority.ca], cert: mine.cert, key: mine.key } });
    await http.send(ask(http, home(), ['cdn.example']));
    assert.deepEqual(
      clients.map(({ host, certificate }) => [host.split(':')[0], certificate]),
      [
        ['registry.example', 'the client'],
        ['cdn.example', undefined],
      ],
    );
    unsafe.close();
    http.close();
  });

  test('a redirect out of TLS is refused, to the same host too', async () => {
    const http = client({ tls: { ca: [authority.ca] } });
    for (const location of [`http://registry.example:${tlsPort}/`, 'http://cdn.example/']) {
      clients = [];
      answer = (_, response) => void response.writeHead(302, { location }).end();
      await assert.rejects(http.send(ask(http, home(), ['cdn.example'])), fails('ERR_CONTENT_REFUSED', /leave TLS/));
      assert.equal(clients.length, 1);
    }
    http.close();
  });

  test('plain HTTP on a TLS port, and TLS on a plain port, say so', async () => {
    const http = client({ tls: { ca: [authority.ca] } });
    await assert.rejects(http.send(ask(http, `https://registry.example:${proxyPort}/`)), fails('ERR_REGISTRY_UNREACHABLE', /TLS.*--allow-http-registry/));
    http.close();
  });

  test('https goes through a proxy by CONNECT, and the connection is kept', async () => {
    const http = client({ tls: { ca: [authority.ca] }, proxy: parseProxyEnvironment({ HTTPS_PROXY: `http://me:word@127.0.0.1:${proxyPort}` }) });
    for (let i = 0; i < 3; i++) assert.equal((await http.send(ask(http, home()))).status, 200);
    assert.deepEqual(proxied, [`CONNECT registry.example:${tlsPort} Basic ${Buffer.from('me:word').toString('base64')}`]);
    http.close();
  });

  test('behind a proxy TLS is verified as without one', async () => {
    const http = client({ proxy: parseProxyEnvironment({ HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` }) });
    await assert.rejects(http.send(ask(http, home())), fails('ERR_REGISTRY_UNREACHABLE', /certificate/));
    http.close();
  });

  test('a proxy that refuses is named', async () => {
    proxyAnswers = 407;
    const http = client({ tls: { ca: [authority.ca] }, proxy: parseProxyEnvironment({ HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` }) });
    await assert.rejects(http.send(ask(http, home())), fails('ERR_REGISTRY_UNREACHABLE', /proxy.*407.*HTTPS_PROXY/s));
    http.close();
  });

  test('behind a proxy too, a server does not send us inside', async () => {
    const resolver = async (host: string) =>
      host === 'only-the-proxy-knows.example' ? Promise.reject(new Error('ENOTFOUND')) : [{ address: '10.0.0.1', family: 4 as const }];
    const http = client({ resolver, tls: { ca: [authority.ca] }, proxy: parseProxyEnvironment({ HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` }) });
    for (const location of ['https://169.254.169.254/', 'https://localhost/', 'https://inside.example/', 'https://[::1]/']) {
      proxied = [];
      answer = (_, response) => void response.writeHead(302, { location }).end();
      await assert.rejects(http.send(ask(http, home())), fails('ERR_CONTENT_REFUSED', /public address/), location);
      assert.ok(
        proxied.every((line) => line.startsWith('CONNECT registry.example')),
        proxied.join(),
      );
    }
    http.close();
  });

  test('http goes through a proxy in the absolute form', async () => {
    const plain = await listen(createServer((request, response) => void response.end(`${request.url} ${request.headers.host}`)));
    const http = client({ proxy: parseProxyEnvironment({ HTTP_PROXY: `http://127.0.0.1:${proxyPort}` }) });
    const { bytes } = await http.send(ask(http, `http://registry.example:${plain}/path?q=1`));
    assert.equal(Buffer.from(bytes).toString(), `/path registry.example:${plain}`);
    assert.deepEqual(proxied, [`GET http://registry.example:${plain}/path?q=1`]);
    http.close();
  });
});
