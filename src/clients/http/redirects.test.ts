import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../core/encoding/index.ts';
import { askAt, client, fails, loopbackForTests } from '../../../test/loopback.ts';

const loopback = loopbackForTests();
const ask = askAt(loopback);

test('three redirects are followed, the fourth is not', async () => {
  const http = client();
  const chain = (length: number): void => {
    loopback.listener = (request, response) => {
      const at = Number(request.url?.slice(1));
      if (at < length) response.writeHead(307, { location: `/${at + 1}` }).end();
      else response.end('end');
    };
  };
  chain(LIMITS.redirects);
  assert.equal(Buffer.from((await http.send(ask(http, '/0'))).bytes).toString(), 'end');
  chain(LIMITS.redirects + 1);
  await assert.rejects(http.send(ask(http, '/0')), fails('ERR_CONTENT_REFUSED'));
  http.close();
});

test('credentials stay with the origin, even when a redirect leads back to it', async () => {
  const http = client();
  loopback.listener = (request, response) => {
    const host = request.headers.host ?? '';
    if (request.url === '/start') response.writeHead(302, { location: '/same' }).end();
    else if (request.url === '/same') response.writeHead(302, { location: `http://cdn.example:${loopback.port}/away` }).end();
    else if (request.url === '/away') response.writeHead(302, { location: `http://registry.example:${loopback.port}/back` }).end();
    else response.end(host);
  };
  const home = { host: 'registry.example', privateHosts: ['cdn.example'] };
  await http.send(ask(http, '/start', { authorization: 'Bearer secret', home }));
  assert.deepEqual(
    loopback.seen.map(({ url, authorization }) => [url, authorization]),
    [
      ['/start', 'Bearer secret'],
      ['/same', 'Bearer secret'],
      ['/away', undefined],
      ['/back', undefined],
    ],
  );
  http.close();
});

test('another port or scheme is another origin', async () => {
  const http = client();
  loopback.listener = (request, response) => {
    if (request.url === '/start') response.writeHead(302, { location: `http://registry.example:${loopback.port + 1 > 65535 ? 1 : loopback.port + 1}/` }).end();
    else response.end();
  };
  await assert.rejects(http.send(ask(http, '/start', { authorization: 'Bearer secret' })), fails('ERR_REGISTRY_UNREACHABLE'));
  assert.equal(loopback.seen.length, 1);
  http.close();
});

test('a redirect to an address that no server may name is refused before anything is sent there', async () => {
  const http = client({ resolver: async (host) => [{ address: host === 'rebound.example' ? '169.254.169.254' : '127.0.0.1', family: 4 }] });
  const targets = [
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://0.0.0.0/',
    `http://127.0.0.1:${loopback.port}/`,
    `http://localhost:${loopback.port}/`,
    `http://LOCALHOST.:${loopback.port}/`,
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[::ffff:169.254.169.254]/',
    'http://2852039166/',
    'http://0xa9.0xfe.0xa9.0xfe/',
    'http://0251.0376.0251.0376/',
    'http://10.1.2.3/',
    'http://100.64.1.1/',
    'http://[fd00:ec2::254]/',
    'http://rebound.example/',
    `http://internal.example:${loopback.port}/`,
    'file:///etc/passwd',
    'ftp://example.com/',
    'gopher://example.com/',
    'javascript:alert(1)',
    'http://user:pass@cdn.example/',
    'http://',
    `http://cdn.example/${'a'.repeat(9000)}`,
  ];
  for (const location of targets) {
    loopback.seen = [];
    loopback.listener = (_, response) => void response.writeHead(302, { location }).end();
    await assert.rejects(http.send(ask(http, '/', { authorization: 'Bearer secret' })), fails('ERR_CONTENT_REFUSED'), location);
    assert.equal(loopback.seen.length, 1, location);
  }
  http.close();
});

test('a pooled connection of a configured host does not serve what a server names', async () => {
  // storage.example is the configured registry of one request and only named by a server in another.
  const http = client();
  loopback.listener = (request, response) => {
    if (request.headers.host?.startsWith('registry.example')) response.writeHead(302, { location: `http://storage.example:${loopback.port}/inside` }).end();
    else response.end('inside');
  };
  await http.send(ask(http, '/', { url: new URL(`http://storage.example:${loopback.port}/`), home: { host: 'storage.example', privateHosts: [] } }));
  await assert.rejects(http.send(ask(http, '/')), fails('ERR_CONTENT_REFUSED'));
  assert.deepEqual(
    loopback.seen.map(({ url }) => url),
    ['/', '/'],
  );
  http.close();
});

test('a redirect out of TLS, without a target, or of a request that writes is refused', async () => {
  const http = client();
  loopback.listener = (_, response) => void response.writeHead(302).end();
  await assert.rejects(http.send(ask(http, '/')), fails('ERR_CONTENT_REFUSED'));
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    loopback.listener = (_, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    await assert.rejects(http.send(ask(http, '/', { method, body: new Uint8Array(3) })), fails('ERR_CONTENT_REFUSED'), method);
  }
  http.close();
});
