import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { formatDigest, parseReference } from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { buildImage, FixedClock, gate, MemoryRegistry, type MemoryRegistryOptions } from '../../testing/index.ts';
import { HttpClient, type HttpEvent } from '../http/index.ts';
import { type Credentials, type CredentialSource, explicitCredentials, RegistryClient, type RegistryClientOptions } from './index.ts';

const image = buildImage({ 'hello.txt': 'hello' });
const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

async function start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start(options);
  open.push(registry);
  const store = registry.repository('team/app');
  for (const { digest, bytes } of image.blobs) store.blobs.set(formatDigest(digest), bytes);
  store.putManifest(image.manifest, image.descriptor.mediaType, 'v1');
  return registry;
}
const clock = new FixedClock({ skipSleep: true });
function connect(options: RegistryClientOptions & { observe?: (event: HttpEvent) => void } = {}): RegistryClient {
  const http = new HttpClient({ clock, random: () => 0.5, ...(options.observe ? { observe: options.observe } : {}) });
  const client = new RegistryClient({ http, ...options });
  open.push(client);
  return client;
}
const given = (registry: MemoryRegistry, credentials: Credentials): { credentials: CredentialSource } => ({
  credentials: explicitCredentials(credentials, [registry.host]),
});
const user: Credentials = { kind: 'password', username: 'user', password: 'canary-password' };
const users = { user: 'canary-password' };
const at = (registry: MemoryRegistry, repository = 'team/app') => parseReference(`${registry.host}/${repository}:v1`);

test('an anonymous token is fetched once, and a warm client asks nothing twice', async () => {
  const registry = await start({ auth: { kind: 'token', anonymousPull: true } });
  const client = connect();
  assert.equal((await client.resolve(at(registry))).state, 'complete');
  assert.deepEqual(
    registry.journal.map(({ method, url, status }) => [method, url.split('?')[0], status]),
    [
      ['HEAD', '/v2/team/app/manifests/v1', 401],
      ['GET', '/token', 200],
      ['HEAD', '/v2/team/app/manifests/v1', 200],
    ],
  );
  assert.match(registry.journal[1]?.url ?? '', /\?service=memory&scope=repository%3Ateam%2Fapp%3Apull$/);
  registry.forget();
  assert.equal((await client.manifest(at(registry), image.descriptor.digest)).state, 'complete');
  assert.equal(registry.journal.length, 1);
  // Another repository needs another token, but not another challenge.
  registry.forget();
  registry.repository('team/other').putManifest(image.manifest, image.descriptor.mediaType, 'v1');
  assert.equal((await client.resolve(at(registry, 'team/other'))).state, 'complete');
  assert.deepEqual(
    registry.journal.map(({ url }) => url.split('?')[0]),
    ['/token', '/v2/team/other/manifests/v1'],
  );
});

test('one token for many waiters', async () => {
  const registry = await start({ auth: { kind: 'token', anonymousPull: true } });
  const client = connect();
  const hold = gate();
  registry.fault({ path: '/token', before: hold });
  const asked = Array.from({ length: 20 }, () => client.resolve(at(registry)));
  await hold.reached;
  hold.open();
  for (const { state } of await Promise.all(asked)) assert.equal(state, 'complete');
  assert.equal(registry.count('/token'), 1);
});

test('whoever waits for a token that another gave up on fetches it', async () => {
  const registry = await start({ auth: { kind: 'token', anonymousPull: true } });
  const client = connect();
  const hold = gate();
  registry.fault({ path: '/token', before: hold, times: 1 });
  const impatient = new AbortController();
  const first = client.resolve(at(registry), { signal: impatient.signal });
  await hold.reached;
  const second = client.resolve(at(registry));
  // It knows the challenge by now, so it waits for the token after a few microtasks.
  await new Promise((resolve) => setImmediate(resolve));
  impatient.abort();
  const gaveUp = await first;
  assert.equal(gaveUp.state === 'unavailable' && gaveUp.cause.code, 'ERR_INTERRUPTED');
  assert.equal((await second).state, 'complete');
  hold.open();
});

test('a token is renewed when it expires, and once when the registry no longer takes it', async () => {
  const registry = await start({ auth: { kind: 'token', anonymousPull: true, expiresIn: 100, now: () => clock.now() } });
  const client = connect();
  await client.resolve(at(registry));
  clock.advance(94_000);
  await client.resolve(at(registry));
  assert.equal(registry.count('/token'), 1);
  clock.advance(2_000);
  registry.forget();
  await client.resolve(at(registry));
  assert.deepEqual(
    registry.journal.map(({ status }) => status),
    [200, 200],
    'renewed before it is refused',
  );
  registry.tokens?.revokeAll();
  registry.forget();
  assert.equal((await client.resolve(at(registry))).state, 'complete');
  assert.deepEqual(
    registry.journal.map(({ status }) => status),
    [401, 200, 200],
  );
  registry.fault({ path: '/v2/', status: 401, headers: { 'www-authenticate': `Bearer realm="${registry.url}/token",service="memory"` } });
  registry.forget();
  const found = await client.resolve(at(registry));
  assert.equal(found.state === 'unavailable' && found.cause.code, 'ERR_REGISTRY_UNAUTHENTICATED');
  assert.equal(registry.journal.length, 3, 'no endless loop');
});

test('user name and password: with the token server, and with basic', async () => {
  for (const kind of ['token', 'basic'] as const) {
    const registry = await start({ auth: { kind, users } });
    assert.equal((await connect(given(registry, user)).resolve(at(registry))).state, 'complete');
    const nobody = await connect().resolve(at(registry));
    assert.equal(nobody.state === 'unavailable' && nobody.cause.code, 'ERR_REGISTRY_UNAUTHENTICATED', kind);
    const wrong = await connect(given(registry, { ...user, password: 'canary-wrong' })).resolve(at(registry));
    assert.equal(wrong.state === 'unavailable' && wrong.cause.code, 'ERR_REGISTRY_UNAUTHENTICATED', kind);
    const client = connect(given(registry, user));
    await client.resolve(at(registry));
    registry.forget();
    await client.resolve(at(registry));
    assert.equal(registry.journal.length, 1, `${kind} is warm`);
  }
});

test('an identity token is exchanged by POST, a registry token goes as it is', async () => {
  const registry = await start({ auth: { kind: 'token', refreshTokens: ['refresh-1'] } });
  assert.equal((await connect(given(registry, { kind: 'identity-token', token: 'refresh-1' })).resolve(at(registry))).state, 'complete');
  assert.equal(registry.count('POST /token'), 1);
  assert.ok(!registry.journal.some(({ url }) => url.includes('refresh-1')), 'a token stands in no URL');
  const bad = await connect(given(registry, { kind: 'identity-token', token: 'canary-refresh' })).resolve(at(registry));
  assert.equal(bad.state === 'unavailable' && bad.cause.code, 'ERR_REGISTRY_UNAUTHENTICATED');

  registry.forget();
  registry.fault({ method: 'HEAD', path: '/v2/', status: 200, headers: { 'docker-content-digest': formatDigest(image.descriptor.digest) } });
  assert.equal((await connect(given(registry, { kind: 'registry-token', token: 'bearer-1' })).resolve(at(registry))).state, 'complete');
  assert.deepEqual(
    registry.journal.map(({ authorization }) => authorization),
    ['Bearer bearer-1'],
  );
});

test('pushing asks for pull and push, deleting for delete, mounting for both repositories', async () => {
  const registry = await start({ auth: { kind: 'token', users } });
  const client = connect(given(registry, user));
  const blob = image.blobs[0] as { digest: { algorithm: 'sha256'; hex: string }; bytes: Uint8Array };
  await client.pushBlob(at(registry, 'team/new'), blob.digest, blob.bytes.length, blob.bytes, { mountFrom: 'team/app' });
  await client.deleteManifest(at(registry), 'v1');
  const scopes = registry.journal.filter(({ url }) => url.startsWith('/token')).map(({ url }) => new URLSearchParams(url.split('?')[1]).getAll('scope'));
  assert.deepEqual(scopes, [['repository:team/new:pull,push'], ['repository:team/new:pull,push', 'repository:team/app:pull'], ['repository:team/app:delete']]);
});

test('bearer is chosen before basic, so that the password travels less', async () => {
  const registry = await start({ auth: { kind: 'token', users } });
  registry.fault({
    method: 'HEAD',
    path: '/v2/',
    times: 1,
    status: 401,
    headers: { 'www-authenticate': ['Basic realm="x"', `Bearer realm="${registry.url}/token",service="memory"`] },
  });
  await connect(given(registry, user)).resolve(at(registry));
  assert.ok(registry.journal.filter(({ url }) => url.startsWith('/v2/')).every(({ authorization }) => !authorization?.startsWith('Basic')));
});

test('a challenge that cannot be answered ends in words, not in a loop', async () => {
  const registry = await start();
  const challenges = ['Negotiate', 'Bearer service="x"', 'Bearer realm="x', 'Digest realm="x", nonce="y"', 'Bearer realm="ftp://x/"', 'Bearer realm="::"'];
  for (const challenge of challenges) {
    registry.clearFaults();
    registry.forget();
    registry.fault({ path: '/v2/', status: 401, headers: { 'www-authenticate': challenge } });
    const found = await connect(given(registry, user)).resolve(at(registry));
    assert.ok(found.state === 'unavailable' && ['ERR_REGISTRY_UNAUTHENTICATED', 'ERR_CONTENT_REFUSED'].includes(found.cause.code), challenge);
    assert.ok(registry.journal.every(({ authorization }) => authorization === undefined));
    assert.ok(registry.journal.length <= 2, challenge);
  }
});

test('token servers that fail, lie or never stop', async () => {
  const cases: [Parameters<MemoryRegistry['fault']>[0], string][] = [
    [{ path: '/token', status: 500 }, 'ERR_REGISTRY_FAILED'],
    [{ path: '/token', status: 404 }, 'ERR_REGISTRY_FAILED'],
    [{ path: '/token', status: 403 }, 'ERR_REGISTRY_UNAUTHENTICATED'],
    [{ path: '/token', status: 429, headers: { 'retry-after': '9999' } }, 'ERR_REGISTRY_THROTTLED'],
    [{ path: '/token', drop: 'before' }, 'ERR_REGISTRY_UNREACHABLE'],
    [{ path: '/token', body: '' }, 'ERR_CONTENT_REFUSED'],
    [{ path: '/token', body: '{}' }, 'ERR_CONTENT_REFUSED'],
    [{ path: '/token', body: '{"token":7}' }, 'ERR_CONTENT_REFUSED'],
    [{ path: '/token', body: '{"token":"a","token":"b"}' }, 'ERR_CONTENT_REFUSED'],
    [{ path: '/token', body: '{"token":"a\\r\\nX-Evil: 1"}' }, 'ERR_CONTENT_REFUSED'],
    [{ path: '/token', body: '{"token":"a b"}' }, 'ERR_CONTENT_REFUSED'],
    [{ path: '/token', body: `{"token":"${'a'.repeat(LIMITS.jwtBytes + 1)}"}` }, 'ERR_TOO_LARGE'],
    [{ path: '/token', body: '{"token":"a"}'.padEnd(LIMITS.tokenBodyBytes + 1) }, 'ERR_TOO_LARGE'],
    [{ path: '/token', headers: { 'content-encoding': 'gzip' } }, 'ERR_CONTENT_REFUSED'],
  ];
  for (const [fault, code] of cases) {
    const registry = await start({ auth: { kind: 'token', anonymousPull: true } });
    registry.fault(fault);
    const found = await connect().resolve(at(registry));
    assert.ok(found.state === 'unavailable', JSON.stringify(fault).slice(0, 80));
    assert.equal(found.cause.code, code, JSON.stringify(fault).slice(0, 80));
  }
  const registry = await start({ auth: { kind: 'token', anonymousPull: true } });
  registry.fault({ path: '/token', times: 1, body: (real) => Buffer.from(Buffer.from(real).toString().padEnd(LIMITS.tokenBodyBytes)) });
  assert.equal((await connect().resolve(at(registry))).state, 'complete', 'up to the bound is fine');
});

test('a token server on another host gets credentials only when it is named', async () => {
  const tokens = await start({ auth: { kind: 'token', users } });
  const realm = `http://localhost:${tokens.port}/token`;
  const registry = await start({ auth: { kind: 'token', users, realm } });
  const stranger = await connect(given(registry, user)).resolve(at(registry));
  assert.ok(stranger.state === 'unavailable');
  assert.equal(stranger.cause.code, 'ERR_REGISTRY_UNAUTHENTICATED');
  assert.match(`${stranger.cause.message} ${stranger.cause.hint}`, /"localhost".*--registry-realm-host/s);
  assert.equal(tokens.journal.length, 0);

  const settings = { realmHosts: { [registry.host]: ['localhost'] }, privateHosts: { [registry.host]: ['localhost'] } };
  await connect({ ...given(registry, user), ...settings }).resolve(at(registry));
  assert.equal(tokens.count('GET /token'), 1);
  assert.match(tokens.journal[0]?.authorization ?? '', /^Basic /);
});

test('no secret stands in any message, hint or event, whatever the registry says', async () => {
  const events: HttpEvent[] = [];
  const secrets = ['canary-password', Buffer.from('user:canary-password').toString('base64'), 'canary-token', 'canary-refresh'];
  for (const kind of ['basic', 'token'] as const) {
    for (const status of [400, 401, 403, 404, 429, 500, 503]) {
      const registry = await start({ auth: { kind, users } });
      const client = connect({ ...given(registry, user), observe: (event) => events.push(event) });
      if (kind === 'token') registry.fault({ path: '/token', body: '{"token":"canary-token"}' });
      const echo = `{"errors":[{"code":"DENIED","message":"you sent ${secrets.join(' and ')}"}]}`;
      registry.fault({
        method: 'GET',
        path: '/v2/',
        status,
        times: 100,
        body: echo,
        headers: { 'www-authenticate': kind === 'basic' ? 'Basic realm="x"' : `Bearer realm="${registry.url}/token"` },
      });
      const found = await client.manifest(at(registry), 'v1');
      const shown = found.state === 'unavailable' ? `${found.cause.message} ${found.cause.hint} ${String(found.cause.cause)}` : '';
      for (const secret of secrets) assert.ok(!shown.includes(secret) && !JSON.stringify(events).includes(secret), `${kind} ${status}: ${shown}`);
    }
  }
});
