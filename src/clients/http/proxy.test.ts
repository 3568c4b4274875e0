import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProxyEnvironment, proxyAuthorization, proxyFor } from './proxy.ts';

const of = (url: string, env: Record<string, string>): string | undefined => proxyFor(new URL(url), parseProxyEnvironment(env))?.href;

test('the proxy is chosen by the scheme of the target', () => {
  const env = { HTTPS_PROXY: 'http://secure.proxy:3128', HTTP_PROXY: 'http://plain.proxy:3128' };
  assert.equal(of('https://ghcr.io/', env), 'http://secure.proxy:3128/');
  assert.equal(of('http://ghcr.io/', env), 'http://plain.proxy:3128/');
  assert.equal(of('https://ghcr.io/', { https_proxy: 'proxy:8080' }), 'http://proxy:8080/');
  assert.equal(of('https://ghcr.io/', {}), undefined);
  assert.equal(of('http://ghcr.io/', { HTTP_PROXY: 'http://evil:1', REQUEST_METHOD: 'GET' }), undefined, 'CVE-2016-5385');
});

test('loopback is never asked of a proxy', () => {
  const env = { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://p:1' };
  for (const url of ['http://localhost:5000/', 'http://127.0.0.1/', 'http://[::1]:5000/', 'https://a.localhost/']) assert.equal(of(url, env), undefined, url);
});

test('NO_PROXY excepts hosts, domains, addresses and networks', () => {
  const with_ = (noProxy: string, url: string): boolean => of(url, { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy }) === undefined;
  const cases: [string, string, boolean][] = [
    ['*', 'https://ghcr.io/', true],
    ['ghcr.io', 'https://ghcr.io/', true],
    ['ghcr.io', 'https://x.ghcr.io/', true],
    ['ghcr.io', 'https://notghcr.io/', false],
    ['.ghcr.io', 'https://ghcr.io/', false],
    ['.ghcr.io', 'https://x.ghcr.io/', true],
    ['*.ghcr.io', 'https://x.ghcr.io/', true],
    ['GHCR.IO', 'https://ghcr.io/', true],
    [' a , ghcr.io ', 'https://ghcr.io/', true],
    ['ghcr.io:443', 'https://ghcr.io/', true],
    ['ghcr.io:444', 'https://ghcr.io/', false],
    ['ghcr.io:8443', 'https://ghcr.io:8443/', true],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.1.2.3', 'https://10.1.2.3/', true],
    ['10.1.2.3:8443', 'https://10.1.2.3/', false],
    ['fd00::/8', 'https://[fd00::1]/', true],
    ['[fd00::1]:443', 'https://[fd00::1]/', true],
    ['fd00::1', 'https://[fd00::1]/', true],
    ['10.0.0.0/99', 'https://10.1.2.3/', false],
    ['', 'https://ghcr.io/', false],
    [',,', 'https://ghcr.io/', false],
  ];
  for (const [noProxy, url, direct] of cases) assert.equal(with_(noProxy, url), direct, `${noProxy} ${url}`);
});

test('a proxy that is none is refused without showing its password', () => {
  for (const bad of ['socks5://u:hunter2@p:1', 'http://', 'ftp://u:hunter2@p', 'http://u:hunter2@[zz']) {
    assert.throws(
      () => parseProxyEnvironment({ HTTPS_PROXY: bad }),
      (error: Error & { code: string }) => error.code === 'ERR_CONFIG_INVALID' && !error.message.includes('hunter2'),
    );
  }
});

test('user name and password of a proxy', () => {
  assert.deepEqual(proxyAuthorization(new URL('http://u%40x:p%3Aw@proxy:1')), { 'proxy-authorization': `Basic ${Buffer.from('u@x:p:w').toString('base64')}` });
  assert.deepEqual(proxyAuthorization(new URL('http://proxy:1')), {});
});
