import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Descriptor, digestOf, formatDigest, type Lookup, MEDIA_TYPES, parseReference } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import {
  buildImage,
  buildIndex,
  createTlsAuthority,
  type Fault,
  FixedClock,
  gate,
  MemoryRegistry,
  type MemoryRegistryOptions,
  pushArtifact,
} from '../../testing/index.ts';
import { collect, HttpClient } from '../http/index.ts';
import { RegistryClient, type RegistryClientOptions } from './index.ts';

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});
async function start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start(options);
  open.push(registry);
  return registry;
}
function connect(options: RegistryClientOptions & { clock?: FixedClock } = {}): RegistryClient {
  const client = new RegistryClient({ http: new HttpClient({ clock: options.clock ?? new FixedClock({ skipSleep: true }), random: () => 0.5 }), ...options });
  open.push(client);
  return client;
}
const at = (registry: MemoryRegistry, rest = 'team/app:v1') => parseReference(`${registry.host}/${rest}`);
const codeOf = (lookup: Lookup<unknown>): string => (lookup.state === 'unavailable' ? lookup.cause.code : lookup.state);
const image = buildImage({ 'hello.txt': 'hello' });
const layer = image.blobs[1] as { digest: Descriptor['digest']; bytes: Uint8Array };

test('what was pushed is read again: OCI and Docker, images and indexes', async () => {
  const registry = await start();
  const client = connect();
  for (const form of ['oci', 'docker'] as const) {
    const children = [buildImage({ a: 'a' }, { form }), buildImage({ a: 'b' }, { form, platform: { os: 'linux', architecture: 'arm64' } })];
    const index = buildIndex(children, { form });
    await pushArtifact(client, at(registry), index, form);
    const found = await client.manifest(at(registry), form);
    assert.ok(found.state === 'complete' && found.value.manifest.kind === 'index');
    assert.deepEqual(found.value.descriptor, index.descriptor);
    for (const { digest } of found.value.manifest.manifests) {
      const child = await client.manifest(at(registry), digest);
      assert.ok(child.state === 'complete' && child.value.manifest.kind === 'manifest');
      const blob = await client.blob(at(registry), child.value.manifest.layers[0] as Descriptor, { maxBytes: 10_000 });
      assert.ok(blob.state === 'complete');
      const stream = await client.blobStream(at(registry), child.value.manifest.config, { maxBytes: 10_000 });
      assert.ok(stream.state === 'complete');
      assert.equal((await collect(stream.value)).length, child.value.manifest.config.size);
    }
  }
  assert.deepEqual(await client.tags(at(registry)), { state: 'complete', value: ['docker', 'oci'] });
});

test('a tag costs one HEAD, a digest nothing', async () => {
  const registry = await start();
  const client = connect();
  await pushArtifact(client, at(registry), image, 'v1');
  registry.forget();
  assert.deepEqual(await client.resolve(at(registry, `team/app:v1@${formatDigest(image.descriptor.digest)}`)), {
    state: 'complete',
    value: { digest: image.descriptor.digest },
  });
  assert.equal(registry.journal.length, 0);
  const { mediaType, digest, size } = image.descriptor;
  assert.deepEqual(await client.resolve(at(registry)), { state: 'complete', value: { mediaType, digest, size } });
  assert.deepEqual(await client.describe({ ...at(registry), digest }), { state: 'complete', value: { mediaType, digest, size } });
  assert.deepEqual(
    registry.journal.map(({ method }) => method),
    ['HEAD', 'HEAD'],
  );
});

test('where HEAD gives no digest that can be used, the manifest is fetched and hashed', async () => {
  const registry = await start();
  const client = connect();
  await pushArtifact(client, at(registry), image, 'v1');
  const faults: Omit<Fault, 'path'>[] = [
    { headers: { 'docker-content-digest': undefined } },
    { headers: { 'docker-content-digest': '' } },
    { headers: { 'docker-content-digest': 'sha256:abc' } },
    { headers: { 'docker-content-digest': `md5:${'a'.repeat(32)}` } },
    { status: 405 },
    { status: 501 },
  ];
  for (const fault of faults) {
    registry.clearFaults();
    registry.fault({ method: 'HEAD', path: '/manifests/', ...fault });
    const found = await client.resolve(at(registry));
    assert.ok(found.state === 'complete', JSON.stringify(fault));
    assert.deepEqual(found.value.digest, image.descriptor.digest);
  }
  registry.clearFaults();
  registry.fault({ method: 'HEAD', path: '/manifests/', headers: { 'docker-content-digest': `sha256:${'a'.repeat(64)}` } });
  assert.equal(codeOf(await client.describe({ ...at(registry), digest: image.descriptor.digest })), 'ERR_DIGEST_MISMATCH');
});

test('each answer of a registry has its own outcome, for every look-up', async () => {
  const registry = await start();
  const client = connect();
  await pushArtifact(client, at(registry), image, 'v1');
  const { digest } = image.descriptor;
  const asks: [string, () => Promise<Lookup<unknown>>][] = [
    ['resolve', () => client.resolve(at(registry))],
    ['describe', () => client.describe({ ...at(registry), digest })],
    ['manifest by tag', () => client.manifest(at(registry), 'v1')],
    ['manifest by digest', () => client.manifest(at(registry), digest)],
    ['blob', () => client.blob(at(registry), layer.digest, { maxBytes: 1000 })],
    ['blobStream', () => client.blobStream(at(registry), layer.digest, { maxBytes: 1000 })],
    ['attachment', () => client.attachment(at(registry), digest, 'sig')],
    ['tags', () => client.tags(at(registry))],
    ['fallback tag', async () => (await client.referrers(at(registry), digest, { places: 'all' })).fallbackTag],
  ];
  const outcomes: [Partial<Fault>, string][] = [
    [{ status: 404 }, 'absent'],
    [{ status: 401 }, 'ERR_REGISTRY_UNAUTHENTICATED'],
    [{ status: 403 }, 'ERR_REGISTRY_DENIED'],
    [{ status: 429 }, 'ERR_REGISTRY_THROTTLED'],
    [{ status: 429, headers: { 'retry-after': '99999' } }, 'ERR_REGISTRY_THROTTLED'],
    [{ status: 503, headers: { 'retry-after': '99999' } }, 'ERR_REGISTRY_THROTTLED'],
    [{ status: 400 }, 'ERR_REGISTRY_FAILED'],
    [{ status: 500 }, 'ERR_REGISTRY_FAILED'],
    [{ status: 502 }, 'ERR_REGISTRY_FAILED'],
    [{ status: 503 }, 'ERR_REGISTRY_FAILED'],
    [{ status: 204 }, 'ERR_CONTENT_REFUSED'],
    [{ status: 304 }, 'ERR_CONTENT_REFUSED'],
    [{ drop: 'before' }, 'ERR_REGISTRY_UNREACHABLE'],
    [{ headers: { 'content-encoding': 'gzip' } }, 'ERR_CONTENT_REFUSED'],
  ];
  for (const [fault, outcome] of outcomes) {
    for (const [name, ask] of asks) {
      registry.clearFaults();
      registry.fault({ path: '/v2/', ...fault });
      const found = await ask();
      assert.equal(codeOf(found), outcome, `${name}, ${JSON.stringify(fault)}`);
      if (found.state === 'unavailable') assert.ok(found.cause.message.includes(registry.host), found.cause.message);
    }
  }
});

test('what is not there is absent, and only that', async () => {
  const registry = await start();
  const client = connect();
  const nothing = digestOf(utf8('nothing'));
  assert.equal(codeOf(await client.resolve(at(registry))), 'absent');
  assert.equal(codeOf(await client.manifest(at(registry), nothing)), 'absent');
  await pushArtifact(client, at(registry), image, 'v1');
  assert.equal(codeOf(await client.resolve(at(registry, 'team/app:v2'))), 'absent');
  assert.equal(codeOf(await client.blob(at(registry), nothing, { maxBytes: 10 })), 'absent');
  assert.equal(codeOf(await client.attachment(at(registry), image.descriptor.digest, 'sig')), 'absent');
  registry.forget();
  assert.equal(codeOf(await client.attachment(at(registry), digestOf(utf8('x'), 'sha512'), 'sig')), 'absent');
  assert.equal(registry.journal.length, 0, 'no registry can hold a tag of that length');
});

test('what a tag may not be never becomes part of a path', async () => {
  const registry = await start();
  const client = connect();
  for (const tag of ['../../../v2/', 'a/b', 'a?b', 'a#b', '', '%2e%2e', 'a'.repeat(129)]) {
    assert.equal(codeOf(await client.manifest(at(registry), tag)), 'ERR_REFERENCE_INVALID', tag);
  }
  assert.equal(registry.journal.length, 0);
});

test('sha384 and sha512 digests are held against their own hash', async () => {
  const registry = await start();
  const client = connect();
  for (const algorithm of ['sha384', 'sha512'] as const) {
    const digest = digestOf(image.manifest, algorithm);
    registry.repository('team/app').manifests.set(formatDigest(digest), { bytes: image.manifest, mediaType: MEDIA_TYPES.ociManifest });
    assert.equal((await client.manifest(at(registry), digest)).state, 'complete');
    registry.repository('team/app').blobs.set(formatDigest(digest), image.manifest);
    assert.equal((await client.blob(at(registry), digest, { maxBytes: 1000 })).state, 'complete');
    const flipped = image.manifest.slice();
    flipped[10] = (flipped[10] as number) ^ 1;
    registry.repository('team/app').blobs.set(formatDigest(digest), flipped);
    assert.equal(codeOf(await client.blob(at(registry), digest, { maxBytes: 1000 })), 'ERR_DIGEST_MISMATCH');
  }
});

test('one over each bound: manifest, blob, tags and their pages', async () => {
  const registry = await start();
  const client = connect();
  const store = registry.repository('team/app');
  const text = Buffer.from(image.manifest).toString();
  const largest = utf8(text.padEnd(LIMITS.manifestBytes));
  assert.equal(codeOf(await client.manifest(at(registry), store.putManifest(largest, MEDIA_TYPES.ociManifest))), 'complete');
  const over = store.putManifest(utf8(text.padEnd(LIMITS.manifestBytes + 1)), MEDIA_TYPES.ociManifest, 'big');
  assert.equal(codeOf(await client.manifest(at(registry), over)), 'ERR_TOO_LARGE');
  assert.equal(codeOf(await client.manifest(at(registry), 'big')), 'ERR_TOO_LARGE');

  store.blobs.set(formatDigest(layer.digest), layer.bytes);
  const size = layer.bytes.length;
  assert.equal(codeOf(await client.blob(at(registry), layer.digest, { maxBytes: size })), 'complete');
  assert.equal(codeOf(await client.blob(at(registry), layer.digest, { maxBytes: size - 1 })), 'ERR_TOO_LARGE');
  registry.forget();
  assert.equal(codeOf(await client.blob(at(registry), { mediaType: 'a/b', digest: layer.digest, size }, { maxBytes: size - 1 })), 'ERR_TOO_LARGE');
  assert.equal(registry.journal.length, 0, 'the descriptor alone says that it is too large');

  const paged = await start({ pageSize: 1 });
  const pages = paged.repository('team/app');
  for (let i = 0; i < LIMITS.pagesFollowed; i++) pages.putManifest(image.manifest, MEDIA_TYPES.ociManifest, `v${i}`);
  const all = await client.tags(at(paged));
  assert.ok(all.state === 'complete' && all.value.length === LIMITS.pagesFollowed);
  pages.putManifest(image.manifest, MEDIA_TYPES.ociManifest, 'one-more');
  assert.equal(codeOf(await client.tags(at(paged))), 'ERR_TOO_LARGE');
});

test('a list of tags that is none is refused', async () => {
  const registry = await start();
  const client = connect();
  registry.repository('team/app').putManifest(image.manifest, MEDIA_TYPES.ociManifest, 'v1');
  for (const [body, outcome] of [
    ['{"tags":null}', 'complete'],
    ['{"tags":[]}', 'complete'],
    ['{"tags":["../x"]}', 'ERR_MANIFEST_INVALID'],
    ['{"tags":[7]}', 'ERR_MANIFEST_INVALID'],
    ['{"tags":{}}', 'ERR_MANIFEST_INVALID'],
    ['{}', 'ERR_MANIFEST_INVALID'],
    ['<html>', 'ERR_JSON_INVALID'],
  ] as const) {
    registry.fault({ path: '/tags/', body });
    assert.equal(codeOf(await client.tags(at(registry))), outcome, body);
  }
});

test('a blob that is longer or shorter than its descriptor says is the wrong blob', async () => {
  const registry = await start();
  const client = connect();
  registry.repository('team/app').blobs.set(formatDigest(layer.digest), layer.bytes);
  for (const size of [layer.bytes.length - 1, layer.bytes.length + 1]) {
    assert.equal(codeOf(await client.blob(at(registry), { mediaType: 'a/b', digest: layer.digest, size }, { maxBytes: 10_000 })), 'ERR_DIGEST_MISMATCH');
  }
  const stream = await client.blobStream(at(registry), { mediaType: 'a/b', digest: layer.digest, size: 1 }, { maxBytes: 10_000 });
  assert.ok(stream.state === 'complete');
  await assert.rejects(collect(stream.value), { code: 'ERR_DIGEST_MISMATCH' });
});

test('a truncated answer, a slow one and one that never comes', async () => {
  const registry = await start();
  registry.repository('team/app').putManifest(image.manifest, MEDIA_TYPES.ociManifest, 'v1');
  registry.fault({ method: 'GET', path: '/manifests/', truncateAfter: 10 });
  assert.equal(codeOf(await connect().manifest(at(registry), 'v1')), 'ERR_REGISTRY_UNREACHABLE');

  registry.clearFaults();
  const clock = new FixedClock();
  const client = connect({ clock });
  const pause = gate();
  registry.fault({ method: 'GET', path: '/manifests/', trickle: { bytes: 1, wait: () => pause.pass() } });
  const trickled = client.manifest(at(registry), 'v1', { deadline: clock.now() + 3000 });
  await pause.reached;
  clock.advance(3000);
  assert.equal(codeOf(await trickled), 'ERR_DEADLINE');

  registry.clearFaults();
  const hold = gate();
  registry.fault({ path: '/v2/', before: hold });
  const stuck = client.resolve(at(registry));
  await hold.reached;
  clock.advance(60_000);
  assert.equal(codeOf(await stuck), 'ERR_DEADLINE', 'a call without a deadline gets the default one');
});

test('a registry that is throttled says so at once when the wait does not fit', async () => {
  const registry = await start();
  const clock = new FixedClock({ skipSleep: true });
  const client = connect({ clock });
  registry.fault({ path: '/v2/', status: 429, headers: { 'retry-after': '3600' } });
  const before = clock.now();
  const found = await client.resolve(at(registry), { deadline: before + 60_000 });
  assert.ok(found.state === 'unavailable' && found.cause.code === 'ERR_REGISTRY_THROTTLED');
  assert.match(found.cause.message, /3600 seconds/);
  assert.equal(clock.now(), before);
  assert.equal(registry.journal.length, 1);
});

test('plain HTTP on loopback, https when the registry there wants it, and elsewhere only when allowed', async () => {
  const registry = await start();
  registry.repository('team/app').putManifest(image.manifest, MEDIA_TYPES.ociManifest, 'v1');
  assert.equal(codeOf(await connect().resolve(at(registry))), 'complete');
  assert.equal(codeOf(await connect({ scheme: 'https' }).resolve(at(registry))), 'ERR_REGISTRY_UNREACHABLE');

  const resolver = async () => [{ address: '127.0.0.1', family: 4 as const }];
  const remote = parseReference(`registry.example:${registry.port}/team/app:v1`);
  const http = () => new HttpClient({ resolver, clock: new FixedClock({ skipSleep: true }) });
  registry.forget();
  assert.equal(codeOf(await connect({ http: http() }).resolve(remote)), 'ERR_REGISTRY_UNREACHABLE');
  assert.equal(registry.journal.length, 0, 'nothing goes out in the clear');
  const allowed = connect({ http: http(), allowHttp: true });
  assert.equal(codeOf(await allowed.resolve(remote)), 'complete');
  assert.equal(codeOf(await allowed.resolve(remote)), 'complete');

  const authority = createTlsAuthority();
  const secure = await start({ tls: authority.issue('127.0.0.1') });
  secure.repository('team/app').putManifest(image.manifest, MEDIA_TYPES.ociManifest, 'v1');
  const trusting = new HttpClient({ tls: { ca: [authority.ca] }, clock: new FixedClock({ skipSleep: true }) });
  assert.equal(codeOf(await connect({ http: trusting }).resolve(at(secure))), 'complete');
  assert.equal(codeOf(await connect().resolve(at(secure))), 'ERR_REGISTRY_UNREACHABLE', 'its certificate counts on loopback too');
});

test('the allow-list is asked before any I/O, about mirrors too', async () => {
  const registry = await start();
  const asked: string[] = [];
  const client = connect({
    mirrors: { [registry.host]: ['mirror.example'] },
    allowRegistry: (host) => {
      asked.push(host);
      return host === registry.host;
    },
  });
  assert.equal(codeOf(await client.resolve(at(registry))), 'ERR_REGISTRY_NOT_ALLOWED');
  assert.deepEqual(asked, [registry.host, 'mirror.example']);
  assert.equal(registry.journal.length, 0);
  await assert.rejects(client.pushManifest({ registry: 'evil.example', repository: 'x' }, image.manifest), { code: 'ERR_REGISTRY_NOT_ALLOWED' });
});

test('Docker Hub is asked at its own endpoint', async () => {
  const hosts: string[] = [];
  const http = new HttpClient({
    clock: new FixedClock({ skipSleep: true }),
    resolver: async (host) => (hosts.push(host), Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))),
  });
  assert.equal(codeOf(await connect({ http }).resolve(parseReference('alpine'))), 'ERR_REGISTRY_UNREACHABLE');
  assert.deepEqual(hosts, ['registry-1.docker.io']);
});
