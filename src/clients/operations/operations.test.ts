import assert from 'node:assert/strict';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { listen } from './listen.ts';
import { type OperationsOptions, serveOperations } from './serve-operations.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

async function open(t: TestContext, options: Partial<OperationsOptions> = {}): Promise<(path: string, method?: string) => Promise<string>> {
  const metrics = { text: async () => 'numbers 1\n', contentType: 'text/plain' };
  const server = await serveOperations({ ...LOOPBACK, metrics, ill: () => undefined, unready: () => undefined, ...options });
  t.after(() => server.close());
  return (path, method = 'GET') =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: server.port, path, method, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject).on('end', () => resolve(`${answer.statusCode} ${text}`));
      }).on('error', reject);
    });
}

test('an address that cannot be had is named with the reason, and is no bug of ours', async (t) => {
  const [first, second] = [createServer(), createServer()];
  t.after(() => first.close());
  const port = await listen(first, LOOPBACK);
  const place = { host: '127.0.0.1', port };
  await assert.rejects(listen(second, place), { code: 'ERR_ADDRESS_UNUSABLE', message: `nothing can listen at 127.0.0.1:${port}: EADDRINUSE` });
  await assert.rejects(open(t, place), { code: 'ERR_ADDRESS_UNUSABLE' });
  await assert.rejects(listen(second, { host: '192.0.2.1', port: 0 }), { code: 'ERR_ADDRESS_UNUSABLE' });
});

test('who is ill is not ready either; whoever asks can read, and change nothing', async (t) => {
  const fine = await open(t, { pages: { '/inventory': () => ({ type: 'application/json', body: '{}' }) } });
  assert.deepEqual([await fine('/healthz'), await fine('/readyz?verbose'), await fine('/metrics')], ['200 ok\n', '200 ok\n', '200 numbers 1\n']);
  assert.deepEqual([await fine('/inventory'), await fine('/healthz', 'HEAD'), await fine('/healthz', 'POST')], ['200 {}', '200 ', '405 GET only\n']);
  assert.equal(await fine('/toString'), '404 there are /healthz, /readyz, /metrics, /inventory\n');
  const busy = await open(t, { unready: () => 'not yet' });
  assert.deepEqual([await busy('/healthz'), await busy('/readyz')], ['200 ok\n', '503 not yet\n']);
  const ill = await open(t, { ill: () => 'the disk is gone', unready: () => 'not yet', metrics: { text: () => Promise.reject(new Error()), contentType: '' } });
  assert.deepEqual([await ill('/healthz'), await ill('/readyz')], ['503 the disk is gone\n', '503 the disk is gone\n']);
  assert.equal(await ill('/metrics'), '500 the numbers cannot be read\n');
});
