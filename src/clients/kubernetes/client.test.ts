import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fails, loopbackForTests } from '../../../test/loopback.ts';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { FixedClock } from '../../testing/index.ts';
import { type ClientOptions, type Cluster, clusterOf, fixedCredential, KubernetesClient, RESOURCES, type WatchEvent } from './index.ts';

const loopback = loopbackForTests();
const json = (response: ServerResponse, status: number, body: unknown): void => void response.writeHead(status).end(JSON.stringify(body));
const status = (code: number, message: string, more: JsonObject = {}): JsonObject => ({ kind: 'Status', status: 'Failure', message, code, ...more });
const pod = (name: string, resourceVersion = '1'): JsonObject => ({ metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion } });

function clientFor(t: TestContext, options: ClientOptions = {}, more: Partial<Cluster> = {}): KubernetesClient {
  const cluster = { server: new URL(`http://127.0.0.1:${loopback.port}/`), tls: {}, credential: fixedCredential('a-secret-token'), ...more };
  const client = new KubernetesClient(cluster, { clock: new FixedClock({ skipSleep: true }), ...options });
  t.after(() => client.close());
  return client;
}

const WEB = { namespace: 'shop', name: 'web' };

test('an object is read with the token, and one that is not there is none', async (t) => {
  const client = clientFor(t);
  loopback.listener = (request, response) =>
    request.url?.endsWith('/web') ? json(response, 200, { ...pod('web'), spec: {} }) : json(response, 404, status(404, 'pods "x" not found'));
  const found = await client.get(RESOURCES.pods, WEB);
  assert.deepEqual([found?.namespace, found?.name, found?.uid, found?.resourceVersion], ['shop', 'web', 'uid-web', '1']);
  assert.equal(await client.get(RESOURCES.pods, { namespace: 'shop', name: 'x' }), undefined);
  assert.deepEqual(loopback.seen[0], {
    method: 'GET',
    url: '/api/v1/namespaces/shop/pods/web',
    host: `127.0.0.1:${loopback.port}`,
    authorization: 'Bearer a-secret-token',
  });
});

for (const [code, expected] of [
  [401, 'ERR_CLUSTER_DENIED'],
  [403, 'ERR_CLUSTER_DENIED'],
  [409, 'ERR_OBJECT_CONFLICT'],
  [410, 'ERR_OBJECTS_EXPIRED'],
  [422, 'ERR_CLUSTER_REFUSED'],
  [500, 'ERR_CLUSTER_UNAVAILABLE'],
  [503, 'ERR_CLUSTER_UNAVAILABLE'],
] as const) {
  test(`a Status of ${code} is ${expected}, with its message and without the token`, async (t) => {
    loopback.listener = (_, response) => json(response, code, status(code, 'said of a-secret-token'));
    await assert.rejects(clientFor(t).get(RESOURCES.pods, WEB), (error) => {
      fails(expected)(error);
      assert.ok(error instanceof SealwardError);
      assert.match(error.message, /the Pod shop\/web with \d+: "said of \.\.\."/);
      return true;
    });
  });
}

test('a patch for an object that was meanwhile made anew under its name is a conflict, as the API server says it', async (t) => {
  const message = 'Pod "web" is invalid: metadata.uid: Invalid value: "x": field is immutable';
  loopback.listener = (_, response) => json(response, 422, status(422, message));
  await assert.rejects(clientFor(t).patch(RESOURCES.pods, WEB, { type: 'merge', patch: { metadata: { uid: 'x' } } }), fails('ERR_OBJECT_CONFLICT'));
});

for (const [what, body] of [
  ['no JSON', '<html>'],
  ['a list', '[]'],
  ['without a name', '{"metadata":{}}'],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
] as const) {
  test(`an answer that is ${what} is refused`, async (t) => {
    loopback.listener = (_, response) => void response.end(body);
    await assert.rejects(clientFor(t).get(RESOURCES.pods, WEB), fails('ERR_CLUSTER_ANSWER'));
  });
}

test('an answer from another host, where a redirect leads, is none of this cluster', async (t) => {
  const elsewhere = createServer((_, response) => json(response, 200, pod('web')));
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  t.after(() => elsewhere.close());
  const { port } = elsewhere.address() as AddressInfo;
  loopback.listener = (_, response) => void response.writeHead(307, { location: `http://127.0.0.1:${port}/api/v1/namespaces/shop/pods/web` }).end();
  await assert.rejects(clientFor(t).get(RESOURCES.pods, WEB), fails('ERR_CLUSTER_ANSWER'));
});

test('an answer, a page and a list one over their bounds are refused', async (t) => {
  const client = clientFor(t);
  const announce = (bytes: number) => (_: unknown, response: ServerResponse) => response.writeHead(200, { 'content-length': bytes }).flushHeaders();
  loopback.listener = announce(LIMITS.clusterObjectBytes + 1);
  await assert.rejects(client.get(RESOURCES.pods, WEB), fails('ERR_CLUSTER_ANSWER'));
  loopback.listener = announce(LIMITS.clusterPageBytes + 1);
  await assert.rejects(client.list(RESOURCES.pods), fails('ERR_CLUSTER_ANSWER'));
  const many = (count: number) =>
    `{"metadata":{"resourceVersion":"1"},"items":[${Array.from({ length: count }, () => '{"metadata":{"name":"a"}}').join(',')}]}`;
  const [most, over] = [many(LIMITS.clusterObjects), many(LIMITS.clusterObjects + 1)];
  loopback.listener = (_, response) => void response.end(most);
  assert.equal((await client.list(RESOURCES.pods, {}, { keep: () => 1 })).objects.length, LIMITS.clusterObjects);
  loopback.listener = (_, response) => void response.end(over);
  await assert.rejects(client.list(RESOURCES.pods, {}, { keep: () => 1 }), fails('ERR_TOO_LARGE'));
});

test('names that would lead to another path are not sent', async (t) => {
  const client = clientFor(t);
  for (const name of ['..', '.', 'a/b', 'a?b', 'a%2fb', '']) {
    await assert.rejects(client.get(RESOURCES.pods, { namespace: 'shop', name }), fails('ERR_CLUSTER_REFUSED'));
    await assert.rejects(client.get(RESOURCES.pods, { namespace: name, name: 'web' }), fails('ERR_CLUSTER_REFUSED'));
  }
  await assert.rejects(client.get(RESOURCES.pods, { name: 'web' }), fails('ERR_INVARIANT'));
  assert.deepEqual(loopback.seen, []);
});

test('a list is read page by page, and begun anew when its pages grew too old', async (t) => {
  let expired = 1;
  loopback.listener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    const token = searchParams.get('continue');
    if (token === null) return json(response, 200, { metadata: { resourceVersion: '7', continue: 'next' }, items: [pod('a'), pod('b')] });
    if (expired-- > 0) return json(response, 410, status(410, 'The provided continue parameter is too old'));
    json(response, 200, { metadata: { resourceVersion: '7' }, items: [pod('c')] });
  };
  const client = clientFor(t);
  const { objects, resourceVersion } = await client.list(RESOURCES.pods, { namespace: 'shop', labelSelector: 'app=web' }, { pageSize: 2 });
  assert.deepEqual([objects.map(({ name }) => name), resourceVersion], [['a', 'b', 'c'], '7']);
  assert.equal(loopback.seen.length, 4);
  assert.equal(loopback.seen[1]?.url, '/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb&limit=2&continue=next');
  expired = 3;
  await assert.rejects(client.list(RESOURCES.pods), fails('ERR_OBJECTS_EXPIRED'));
});

test('pages that lead to pages without end, and lists without a version, are refused', async (t) => {
  const client = clientFor(t);
  loopback.listener = (_, response) => json(response, 200, { metadata: { resourceVersion: '7', continue: 'again' }, items: [] });
  await assert.rejects(client.list(RESOURCES.pods), fails('ERR_CLUSTER_ANSWER'));
  loopback.listener = (_, response) => json(response, 200, { metadata: {}, items: [] });
  await assert.rejects(client.list(RESOURCES.pods), fails('ERR_CLUSTER_ANSWER'));
});

test('one Pod with what JSON cannot count, or nested too deeply, hides no other', async (t) => {
  const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
  loopback.listener = (_, response) =>
    void response.end(
      `{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"},"spec":{"terminationGracePeriodSeconds":9223372036854775807}},{"metadata":{"name":"b","uid":"u"},"spec":${deep}},{"metadata":{"name":"c"}}]}`,
    );
  const { objects } = await clientFor(t).list(RESOURCES.pods);
  assert.deepEqual(
    objects.map(({ name, whole }) => [name, whole]),
    [
      ['a', true],
      ['b', false],
      ['c', true],
    ],
  );
  assert.deepEqual(objects[1]?.json, { metadata: { name: 'b', namespace: '', uid: 'u', resourceVersion: '' } });
});

test('what is written says its kind, its manager and whether it is a dry run', async (t) => {
  const bodies: { type: string | undefined; body: unknown }[] = [];
  loopback.listener = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push({ type: request.headers['content-type'], body: JSON.parse(Buffer.concat(parts).toString()) });
      json(response, 200, pod('web'));
    });
  };
  const client = clientFor(t, { fieldManager: 'tester' });
  await client.create(RESOURCES.pods, 'shop', { metadata: { generateName: 'web-' } }, { dryRun: true });
  await client.apply(RESOURCES.policyReports, WEB, { summary: { pass: 1 } });
  await client.patch(RESOURCES.pods, WEB, { type: 'merge', patch: { a: null } }, { subresource: 'status' });
  await client.patch(RESOURCES.pods, WEB, { type: 'json', patch: [{ op: 'remove', path: '/a' }] });
  await client.replace(RESOURCES.leases, WEB, { metadata: { name: 'web', resourceVersion: '4' } });
  assert.equal(await client.delete(RESOURCES.pods, WEB, { uid: 'u' }), true);
  assert.deepEqual(
    loopback.seen.map(({ method, url }) => `${method} ${url}`),
    [
      'POST /api/v1/namespaces/shop/pods?fieldManager=tester&dryRun=All',
      'PATCH /apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/web?fieldManager=tester&force=true',
      'PATCH /api/v1/namespaces/shop/pods/web/status?fieldManager=tester',
      'PATCH /api/v1/namespaces/shop/pods/web?fieldManager=tester',
      'PUT /apis/coordination.k8s.io/v1/namespaces/shop/leases/web?fieldManager=tester',
      'DELETE /api/v1/namespaces/shop/pods/web',
    ],
  );
  assert.deepEqual(bodies, [
    { type: 'application/json', body: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'web-' } } },
    {
      type: 'application/apply-patch+yaml',
      body: { apiVersion: 'wgpolicyk8s.io/v1alpha2', kind: 'PolicyReport', metadata: { name: 'web' }, summary: { pass: 1 } },
    },
    { type: 'application/merge-patch+json', body: { a: null } },
    { type: 'application/json-patch+json', body: [{ op: 'remove', path: '/a' }] },
    { type: 'application/json', body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'web', resourceVersion: '4' } } },
    { type: 'application/json', body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'u' } } },
  ]);
});

test('a token in a file is read again when it is a minute old, and at once when it is taken no more', async (t) => {
  const clock = new FixedClock();
  let token = 'first';
  let valid = 'first';
  const files: Record<string, () => string> = { '/sa/token': () => `${token}\n`, '/sa/ca.crt': () => '' };
  const readFile = (path: string): Uint8Array => utf8(files[path]?.() ?? assert.fail(path));
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(loopback.port) };
  const { credential } = await clusterOf({ environment, readFile, serviceAccount: '/sa' });
  assert.ok(credential);
  loopback.listener = (request, response) =>
    request.headers.authorization === `Bearer ${valid}` ? json(response, 200, pod('web')) : json(response, 401, status(401, 'Unauthorized'));
  const client = clientFor(t, { clock }, { credential });
  const used = async (): Promise<(string | undefined)[]> => {
    loopback.seen = [];
    await client.get(RESOURCES.pods, WEB);
    return loopback.seen.map(({ authorization }) => authorization);
  };
  assert.deepEqual(await used(), ['Bearer first']);
  token = 'second';
  assert.deepEqual(await used(), ['Bearer first'], 'not read for every request');
  valid = 'second';
  assert.deepEqual(await used(), ['Bearer first', 'Bearer second']);
  [token, valid] = ['third', 'third'];
  clock.advance(60_000);
  assert.deepEqual(await used(), ['Bearer third']);
  token = 'not a token\r\nx: y';
  clock.advance(60_000);
  assert.deepEqual(await used(), ['Bearer third'], 'a file that is half written changes nothing');
});

test('nothing that says which cluster is meant', async () => {
  await assert.rejects(clusterOf({ environment: {}, readFile: () => assert.fail() }), fails('ERR_CLUSTER_MISSING'));
});

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

async function watched(client: KubernetesClient): Promise<string[]> {
  const said: string[] = [];
  const name = (event: WatchEvent): string => (event.type === 'BOOKMARK' ? event.resourceVersion : `${event.object.name}@${event.object.resourceVersion}`);
  for await (const event of client.watch(RESOURCES.pods, {}, { resourceVersion: '7', seconds: 60 })) said.push(`${event.type} ${name(event)}`);
  return said;
}

test('a watch gives its events however its bytes are cut, and half a line at its end is none', async (t) => {
  const text = `${line('ADDED', pod('ä', '8'))}${line('BOOKMARK', { metadata: { resourceVersion: '9' } })}\n${line('DELETED', pod('b', '10'))}${line('ADDED', pod('c', '11')).slice(0, -2)}`;
  const bytes = utf8(text);
  for (const size of [1, 7, 100, bytes.length]) {
    loopback.listener = (_, response) => {
      response.writeHead(200);
      const from = (at: number): void => void (at < bytes.length ? response.write(bytes.subarray(at, at + size), () => from(at + size)) : response.end());
      from(0);
    };
    assert.deepEqual(await watched(clientFor(t)), ['ADDED ä@8', 'BOOKMARK 9', 'DELETED b@10']);
  }
  assert.equal(loopback.seen[0]?.url, '/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=60');
});

for (const [what, body, code] of [
  ['whose version is too old', line('ERROR', status(410, 'too old resource version')), 'ERR_OBJECTS_EXPIRED'],
  ['that the server gives up', line('ERROR', status(500, 'etcd is gone')), 'ERR_CLUSTER_UNAVAILABLE'],
  ['with an object without a version', line('ADDED', { metadata: { name: 'a' } }), 'ERR_CLUSTER_ANSWER'],
  ['with a bookmark without a version', line('BOOKMARK', { metadata: {} }), 'ERR_CLUSTER_ANSWER'],
  ['with a type that nobody knows', line('RENAMED', pod('a')), 'ERR_CLUSTER_ANSWER'],
  ['that is no JSON', 'hello\n', 'ERR_CLUSTER_ANSWER'],
] as const) {
  test(`a watch ${what} fails with ${code}`, async (t) => {
    loopback.listener = (_, response) => void response.end(body);
    await assert.rejects(watched(clientFor(t)), fails(code));
  });
}

test('a line of a watch one over its bound is refused, ended or not', async (t) => {
  for (const end of ['\n', '']) {
    loopback.listener = (_, response) => void response.end(`${' '.repeat(LIMITS.watchLineBytes + 1)}${end}`);
    await assert.rejects(watched(clientFor(t)), fails('ERR_CLUSTER_ANSWER'));
  }
  const event = line('ADDED', pod('a'));
  loopback.listener = (_, response) => void response.end(`${' '.repeat(LIMITS.watchLineBytes + 1 - event.length)}${event}`);
  assert.deepEqual(await watched(clientFor(t)), ['ADDED a@1']);
});

test('what answers under an object is read as text, within a bound', async (t) => {
  const client = clientFor(t);
  loopback.listener = (request, response) => {
    if (request.url?.includes('none')) return json(response, 404, status(404, 'pods "none" not found'));
    response.writeHead(200).end(request.url?.endsWith('/proxy/metrics') ? 'up 1\n' : 'x'.repeat(LIMITS.clusterObjectBytes + 1));
  };
  assert.equal(await client.text(RESOURCES.pods, { namespace: 'shop', name: 'web:9444' }, 'proxy/metrics'), 'up 1\n');
  assert.equal(loopback.seen.at(-1)?.url, '/api/v1/namespaces/shop/pods/web:9444/proxy/metrics');
  await assert.rejects(client.text(RESOURCES.pods, WEB, 'log'), fails('ERR_CLUSTER_ANSWER'));
  await assert.rejects(client.text(RESOURCES.pods, { namespace: 'shop', name: 'none' }, 'log'), fails('ERR_OBJECT_NOT_FOUND'));
});
