/** The border of every service: wrong methods, types, sizes and speeds are answered before anything else happens, and others do not notice. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { jsonAnswer, type ServiceRoute } from '../../core/contract/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createMetrics, type RunningServer, serve } from './index.ts';

const lines: string[] = [];
const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
const metrics = createMetrics();
const held = Promise.withResolvers<() => void>();
let called = 0;
const routes: ServiceRoute[] = [
  { method: 'POST', path: '/echo', accepts: ['application/json'], maxBytes: 100, answer: async ({ body }) => (called++, jsonAnswer({ length: body.length })) },
  { method: 'GET', path: '/echo', maxBytes: 0, answer: async () => jsonAnswer({}) },
  { method: 'GET', path: '/broken', maxBytes: 0, answer: () => Promise.reject(new Error('the password is swordfish')) },
  { method: 'GET', path: '/busy', maxBytes: 0, answer: () => Promise.reject(new SealwardError('ERR_CLOCK_REFUSED', 'the clock jumped')) },
  { method: 'GET', path: '/full', maxBytes: 0, answer: () => Promise.reject(new SealwardError('ERR_STATE_INVALID', 'the disk under /srv is full')) },
  { method: 'GET', path: '/tiles/*', maxBytes: 0, answer: async ({ params }) => jsonAnswer(params) },
  { method: 'GET', path: '/slow', maxBytes: 0, answer: () => new Promise((resolve) => held.resolve(() => resolve(jsonAnswer({ done: true })))) },
];
let server: RunningServer;
before(async () => void (server = await serve({ routes, host: '127.0.0.1', port: 0, logger, metrics, requestMs: 300 })));
after(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly json: { readonly error?: { readonly code: string; readonly message: string; readonly hint: string } } & Record<string, unknown>;
}

function ask(method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, json: (text.startsWith('{') ? JSON.parse(text) : {}) as Answer['json'] }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
const json = { 'content-type': 'application/json' };

describe('a service', () => {
  it('takes what it is made for', async () => {
    assert.equal((await ask('POST', '/echo', 'x'.repeat(100), json)).json['length'], 100);
    assert.equal((await ask('POST', '/echo', 'x', { 'content-type': 'Application/JSON; charset=utf-8' })).json['length'], 1);
    assert.deepEqual((await ask('GET', '/tiles/0/x001/234')).json, { '*': '0/x001/234' });
    assert.equal((await ask('HEAD', '/echo')).status, 200);
  });

  const refusals: readonly [what: string, status: number, code: string, ask: () => Promise<Answer>][] = [
    ['a path that is not there', 404, 'ERR_NOT_FOUND', () => ask('GET', '/nowhere')],
    ['a path with a slash too many', 404, 'ERR_NOT_FOUND', () => ask('GET', '/echo/')],
    ['another method', 405, 'ERR_METHOD_NOT_ALLOWED', () => ask('DELETE', '/echo')],
    ['another method with a body', 405, 'ERR_METHOD_NOT_ALLOWED', () => ask('PUT', '/echo', 'x'.repeat(50_000), json)],
    ['another type', 415, 'ERR_CONTENT_TYPE', () => ask('POST', '/echo', 'x', { 'content-type': 'text/plain' })],
    ['no type', 415, 'ERR_CONTENT_TYPE', () => ask('POST', '/echo', 'x')],
    ['a type that is none', 415, 'ERR_CONTENT_TYPE', () => ask('POST', '/echo', 'x', { 'content-type': '@' })],
    ['a compressed body', 415, 'ERR_CONTENT_TYPE', () => ask('POST', '/echo', 'x', { ...json, 'content-encoding': 'gzip' })],
    ['a body over the bound', 413, 'ERR_TOO_LARGE', () => ask('POST', '/echo', 'x'.repeat(102), json)],
  ];
  for (const [what, status, code, send] of refusals) {
    it(`refuses ${what}`, async () => {
      const before = called;
      const answer = await send();
      assert.deepEqual([answer.status, answer.json.error?.code, called], [status, code, before]);
      assert.ok(answer.json.error?.hint);
      if (status === 405) assert.equal(answer.headers['allow'], 'POST, GET, HEAD');
    });
  }

  it('says that it failed and not why, and logs why', async () => {
    const answer = await ask('GET', '/broken');
    assert.deepEqual([answer.status, answer.json.error?.code], [500, 'ERR_INVARIANT']);
    assert.doesNotMatch(JSON.stringify(answer.json), /swordfish/);
    assert.ok(lines.some((line) => line.includes('unexpected error')));
    const busy = await ask('GET', '/busy');
    assert.deepEqual([busy.status, busy.headers['retry-after']], [503, '2']);
  });

  it('asks to come back where the server itself is what is wrong, and says in its log alone why', async () => {
    const before = lines.length;
    const { status, headers, json } = await ask('GET', '/full');
    assert.deepEqual([status, json.error?.code, headers['retry-after']], [503, 'ERR_SERVICE_UNAVAILABLE', '2']);
    assert.doesNotMatch(JSON.stringify(json), /disk/);
    assert.match(lines.slice(before).join(), /the disk under \/srv is full/);
  });

  it('gives up on a request that trickles, while others are answered', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{');
    const ended = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('close', () => resolve(text));
    });
    assert.equal((await ask('GET', '/echo')).status, 200);
    assert.match(await ended, /^HTTP\/1\.1 408/);
  });

  it('writes a line for each request, without query, headers and body, and counts by pattern', async () => {
    await ask('POST', '/echo?token=canary-1', 'canary-2', { ...json, authorization: 'Bearer canary-3' });
    for (let i = 0; i < 20; i++) await ask('GET', `/tiles/${i}/canary-4`);
    assert.ok(lines.length > 0 && !lines.some((line) => line.includes('canary')));
    const text = await metrics.text();
    assert.doesNotMatch(text, /canary/);
    assert.match(text, /sealward_http_requests_total\{path="\/tiles\/\*",method="GET",status="2xx"\} 21/);
  });

  it('names the address where nothing can listen', async () => {
    const taken = serve({ routes, host: '127.0.0.1', port: server.port, logger, metrics, requestMs: 300 });
    await assert.rejects(taken, { code: 'ERR_ADDRESS_UNUSABLE', message: `nothing can listen at 127.0.0.1:${server.port}: EADDRINUSE` });
  });

  it('ends when what it began is answered', async () => {
    const other = await serve({ routes, host: '127.0.0.1', port: 0, logger, metrics, requestMs: 300 });
    const open = fetch(`http://127.0.0.1:${other.port}/slow`);
    const release = await held.promise;
    const closed = other.close();
    release();
    assert.deepEqual(await (await open).json(), { done: true });
    await closed;
    await assert.rejects(fetch(`http://127.0.0.1:${other.port}/echo`));
  });
});
