/** The doors of a log: whatever else comes in than what it is made for gets a code and a sentence, and no entry. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { it } from 'node:test';
import { pino } from 'pino';
import { sha256 } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { createMetrics, serve } from '../../src/services/api/index.ts';
import { inFolder, openCertificateLog, openControlLog } from '../../src/services/log/index.ts';
import { neverFails, newFolder, newSigner, openTestLog, recordRequest } from '../logs.ts';

const MESSAGE = utf8('what was signed');
const request = await recordRequest(MESSAGE, sha256(MESSAGE), newSigner('ecdsa-p256'));
const GOOD = JSON.stringify(request);

it('a log takes what it is made for and nothing else, and others do not notice', async (t) => {
  const log = await openTestLog(newFolder(t), { threads: 1 });
  const control = await openControlLog({
    origin: 'control.example',
    signer: newSigner(),
    auditor: newSigner('ecdsa-p256'),
    source: 'here',
    now: Date.now,
    store: inFolder(newFolder(t)),
    failed: neverFails,
    prefix: '/control',
  });
  const certificates = await openCertificateLog({
    origin: 'ct.example',
    signer: newSigner('ecdsa-p256'),
    now: Date.now,
    url: 'https://ct.example/',
    store: inFolder(newFolder(t)),
    failed: neverFails,
    prefix: '/ct',
  });
  const routes = [...log.routes, ...control.routes, ...certificates.routes];
  const server = await serve({ routes, host: '127.0.0.1', port: 0, logger: pino({ level: 'silent' }), metrics: createMetrics(), requestMs: 500 });
  t.after(async () => {
    await server.close();
    await Promise.all([log.close(), control.close(), certificates.close()]);
  });
  const ask = async (method: string, path: string, body?: string, type = 'application/json'): Promise<{ readonly status: number; readonly code: string }> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      ...(body === undefined ? {} : { body, headers: { 'content-type': type } }),
    });
    const text = await answer.text();
    const { error } = (text.startsWith('{') ? JSON.parse(text) : {}) as { error?: { code: string; message: string; hint: string } };
    assert.ok(answer.status === 201 || answer.status === 200 || (error && error.message !== '' && error.hint !== ''), `${method} ${path}: ${text}`);
    return { status: answer.status, code: error?.code ?? '' };
  };
  const write = '/api/v2/log/entries';
  // Somebody who never finishes, while all the others are served.
  const slow = connect(server.port, '127.0.0.1');
  slow.write(`POST ${write} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`);
  const given = new Promise<string>((resolve) => slow.once('data', (chunk) => resolve(chunk.toString('latin1'))));

  const cases: readonly (readonly [status: number, code: string, method: string, path: string, body?: string, type?: string])[] = [
    [405, 'ERR_METHOD_NOT_ALLOWED', 'GET', write],
    [405, 'ERR_METHOD_NOT_ALLOWED', 'PUT', write, GOOD],
    [405, 'ERR_METHOD_NOT_ALLOWED', 'DELETE', write],
    [405, 'ERR_METHOD_NOT_ALLOWED', 'POST', '/api/v2/checkpoint', GOOD],
    [405, 'ERR_METHOD_NOT_ALLOWED', 'POST', '/ct/log.v3.json', GOOD],
    [415, 'ERR_CONTENT_TYPE', 'POST', write, GOOD, 'text/plain'],
    [415, 'ERR_CONTENT_TYPE', 'POST', write, GOOD, 'application/x-www-form-urlencoded'],
    [400, 'ERR_JSON_INVALID', 'POST', write, GOOD.slice(0, -1)],
    [400, 'ERR_JSON_INVALID', 'POST', write, '[]'],
    [400, 'ERR_JSON_INVALID', 'POST', write, `${'['.repeat(1000)}${']'.repeat(1000)}`],
    [400, 'ERR_REQUEST_INVALID', 'POST', write, '{}'],
    [400, 'ERR_REQUEST_INVALID', 'POST', write, JSON.stringify({ ...request, url: 'http://169.254.169.254/' })],
    [413, 'ERR_TOO_LARGE', 'POST', write, `${GOOD}${' '.repeat(64 * 1024)}`],
    [413, 'ERR_TOO_LARGE', 'POST', write, '.'.repeat(10 * 1024 * 1024)],
    [404, 'ERR_NOT_FOUND', 'GET', '/api/v2/checkpoint'],
    [404, 'ERR_NOT_FOUND', 'GET', '/api/v2/tile/0/000'],
    [404, 'ERR_NOT_FOUND', 'GET', '/api/v1/log/entries'],
    [400, 'ERR_LOG_FORMAT', 'GET', '/api/v2/tile/0/..%2f..%2flog.db'],
    [400, 'ERR_LOG_FORMAT', 'GET', '/ct/tile/entries/000.p/1'],
    [404, 'ERR_NOT_FOUND', 'GET', '/ct/issuer/..%2f..%2flog.db'],
    [404, 'ERR_NOT_FOUND', 'GET', '/control/bundle/0'],
    [400, 'ERR_REQUEST_INVALID', 'GET', '/control/bundle/-1'],
    [400, 'ERR_REQUEST_INVALID', 'GET', `/control/bundle/${'9'.repeat(30)}`],
  ];
  for (const [status, code, method, path, body, type] of cases) assert.deepEqual(await ask(method, path, body, type), { status, code }, `${method} ${path}`);
  assert.match(await given, /^HTTP\/1\.1 408 /);
  assert.deepEqual([log.health().size, control.health().size, certificates.health().size], [0n, 0n, 0n]);
  assert.deepEqual(await ask('POST', write, GOOD), { status: 201, code: '' });
  assert.deepEqual(await ask('POST', write, GOOD), { status: 201, code: '' });
  assert.equal(log.health().size, 1n);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/api/v2/checkpoint`, { method: 'HEAD' })).status, 200);
});
