import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { digestOf, formatDigest, MEDIA_TYPES, parseReference } from '../../core/artifact/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { buildImage, buildReferrer, type Fault, FixedClock, MemoryRegistry, type MemoryRegistryOptions, pushArtifact } from '../../testing/index.ts';
import { HttpClient } from '../http/index.ts';
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
const resolver = async () => [{ address: '127.0.0.1', family: 4 as const }];
function connect(options: RegistryClientOptions = {}): RegistryClient {
  const client = new RegistryClient({ http: new HttpClient({ clock: new FixedClock({ skipSleep: true }), random: () => 0.5, resolver }), ...options });
  open.push(client);
  return client;
}
const at = (registry: MemoryRegistry, rest = 'team/app') => parseReference(`${registry.host}/${rest}`);
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
const digest = digestOf(bytes);
const held = (registry: MemoryRegistry, repository = 'team/app'): Uint8Array | undefined => registry.repository(repository).blobs.get(formatDigest(digest));
const methods = (registry: MemoryRegistry): string => registry.journal.map(({ method }) => method).join(' ');
const pieces = (size: number) =>
  async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };

test('a blob goes up once: monolithic, from bytes and from a stream', async () => {
  for (const source of [bytes, pieces(7)]) {
    const registry = await start();
    const client = connect();
    assert.equal(await client.pushBlob(at(registry), digest, bytes.length, source), 'pushed');
    assert.deepEqual(held(registry), bytes);
    assert.equal(methods(registry), 'HEAD POST PUT');
    registry.forget();
    assert.equal(await client.pushBlob(at(registry), digest, bytes.length, source), 'existed');
    assert.equal(methods(registry), 'HEAD');
  }
});

test('an empty blob goes up too', async () => {
  const registry = await start();
  const empty = new Uint8Array();
  assert.equal(await connect().pushBlob(at(registry), digestOf(empty), 0, empty), 'pushed');
  assert.equal(await connect({ upload: { monolithicBytes: -1, chunkBytes: 10 } }).pushBlob(at(registry, 'team/chunked'), digestOf(empty), 0, empty), 'pushed');
});

test('above a size it goes up in chunks', async () => {
  for (const [chunkBytes, patches] of [
    [1000, 1],
    [999, 2],
    [100, 10],
    [300, 4],
  ] as const) {
    for (const source of [bytes, pieces(7), pieces(1000)]) {
      const registry = await start();
      const client = connect({ upload: { monolithicBytes: 999, chunkBytes } });
      assert.equal(await client.pushBlob(at(registry), digest, bytes.length, source), 'pushed');
      assert.deepEqual(held(registry), bytes);
      assert.equal(registry.count('PATCH'), patches);
    }
  }
});

test('the least size of a chunk is the registry’s to say', async () => {
  const registry = await start({ chunkMinLength: 400 });
  await connect({ upload: { monolithicBytes: 1, chunkBytes: 10 } }).pushBlob(at(registry), digest, bytes.length, bytes);
  assert.equal(registry.count('PATCH'), 3);
  const greedy = await start({ chunkMinLength: 1e12 });
  await assert.rejects(connect({ upload: { monolithicBytes: 1 } }).pushBlob(at(greedy), digest, bytes.length, bytes), { code: 'ERR_CONTENT_REFUSED' });
});

test('where one body is too large, chunks are tried', async () => {
  const registry = await start({ largestBody: 400 });
  assert.equal(await connect({ upload: { chunkBytes: 400 } }).pushBlob(at(registry), digest, bytes.length, bytes), 'pushed');
  assert.deepEqual(held(registry), bytes);
  await assert.rejects(connect({ upload: { chunkBytes: 500 } }).pushBlob(at(registry, 'team/other'), digest, bytes.length, bytes), { code: 'ERR_TOO_LARGE' });
});

test('a blob is mounted from where it is, and pushed where it is not', async () => {
  const registry = await start();
  const client = connect();
  await client.pushBlob(at(registry), digest, bytes.length, bytes);
  registry.forget();
  assert.equal(await client.pushBlob(at(registry, 'team/copy'), digest, bytes.length, bytes, { mountFrom: 'team/app' }), 'mounted');
  assert.equal(methods(registry), 'HEAD POST');
  assert.equal(await client.pushBlob(at(registry, 'team/third'), digest, bytes.length, bytes, { mountFrom: 'team/none' }), 'pushed');
  registry.fault({ method: 'POST', path: 'mount=', status: 403 });
  assert.equal(await client.pushBlob(at(registry, 'team/fourth'), digest, bytes.length, bytes, { mountFrom: 'team/app' }), 'pushed');
});

test('bytes that are not what the digest says are never sent to their end', async () => {
  const registry = await start();
  const client = connect();
  const wrong = bytes.slice();
  wrong[500] = 0xff;
  await assert.rejects(client.pushBlob(at(registry), digest, bytes.length, wrong), { code: 'ERR_DIGEST_MISMATCH' });
  assert.equal(registry.journal.length, 0, 'what can be known before is');
  await assert.rejects(
    client.pushBlob(at(registry), digest, bytes.length, async function* () {
      yield wrong;
    }),
    { code: 'ERR_DIGEST_MISMATCH' },
  );
  await assert.rejects(
    client.pushBlob(at(registry), digest, bytes.length, async function* () {
      yield bytes.subarray(1);
    }),
    { code: 'ERR_DIGEST_MISMATCH' },
  );
  await assert.rejects(
    client.pushBlob(at(registry), digest, bytes.length, async function* () {
      yield bytes;
      yield bytes;
    }),
    { code: 'ERR_DIGEST_MISMATCH' },
  );
  assert.equal(held(registry), undefined);
});

test('Location: relative, absolute, and to where it may not lead', async () => {
  for (const location of [
    undefined,
    'file:///x',
    'http://169.254.169.254/up',
    'http://[::1]/up',
    'http://0.0.0.0/up',
    'http://[64:ff9b::a9fe:a9fe]/up',
    'http://10.0.0.1/up',
    'http://localhost:1/up',
    'http://rebound.example/up',
    'http://u:p@127.0.0.1/up',
  ]) {
    const registry = await start();
    registry.fault({ method: 'POST', path: '/uploads/', status: 202, headers: { location } });
    await assert.rejects(connect().pushBlob(at(registry), digest, bytes.length, bytes), { code: 'ERR_CONTENT_REFUSED' }, String(location));
    assert.equal(registry.journal.length, 2, String(location));
  }
});

test('Location on another host gets the blob and no credentials', async () => {
  const storage = await start();
  const registry = await start({ auth: { kind: 'basic', users: { u: 'p' } } });
  const client = connect({
    credentials: { find: async () => ({ kind: 'password', username: 'u', password: 'p' }) },
    privateHosts: { [registry.host]: ['storage.example'] },
  });
  registry.fault({ method: 'POST', path: '/uploads/', status: 202, headers: { location: `http://storage.example:${storage.port}/bucket/1?sig=a%2Bb%3D` } });
  // The first POST is answered before it is authenticated, by the fault; what counts is what storage sees.
  storage.fault({ path: '/bucket/', status: 201 });
  await client.pushBlob(at(registry), digest, bytes.length, bytes);
  assert.deepEqual(
    storage.journal.map(({ method, url, authorization }) => [method, url, authorization]),
    [['PUT', `/bucket/1?sig=a%2Bb%3D&digest=${encodeURIComponent(formatDigest(digest))}`, undefined]],
  );
});

test('what can go wrong while pushing has its own code', async () => {
  const cases: [Fault, string][] = [
    [{ method: 'HEAD', path: '/blobs/', status: 500 }, 'ERR_REGISTRY_FAILED'],
    [{ method: 'HEAD', path: '/blobs/', status: 403 }, 'ERR_REGISTRY_DENIED'],
    [{ method: 'POST', path: '/uploads/', status: 404 }, 'ERR_NOT_FOUND'],
    [{ method: 'POST', path: '/uploads/', status: 401 }, 'ERR_REGISTRY_UNAUTHENTICATED'],
    [{ method: 'POST', path: '/uploads/', status: 200 }, 'ERR_CONTENT_REFUSED'],
    [{ method: 'PUT', path: '/uploads/', status: 500 }, 'ERR_REGISTRY_FAILED'],
    [{ method: 'PUT', path: '/uploads/', status: 429, headers: { 'retry-after': '99999' } }, 'ERR_REGISTRY_THROTTLED'],
    [{ method: 'PUT', path: '/uploads/', drop: 'before' }, 'ERR_REGISTRY_UNREACHABLE'],
    [{ method: 'PUT', path: '/uploads/', status: 307, headers: { location: 'http://127.0.0.1/x' } }, 'ERR_CONTENT_REFUSED'],
    [{ method: 'PUT', path: '/uploads/', headers: { 'docker-content-digest': `sha256:${'a'.repeat(64)}` } }, 'ERR_DIGEST_MISMATCH'],
  ];
  for (const [fault, code] of cases) {
    const registry = await start();
    registry.fault(fault);
    await assert.rejects(connect().pushBlob(at(registry), digest, bytes.length, bytes), { code }, JSON.stringify(fault));
  }
  const chunked: [Fault, string][] = [
    [{ method: 'PATCH', path: '/uploads/', status: 416 }, 'ERR_REGISTRY_FAILED'],
    [{ method: 'PATCH', path: '/uploads/', headers: { range: '0-5' } }, 'ERR_REGISTRY_FAILED'],
    [{ method: 'PATCH', path: '/uploads/', headers: { location: undefined } }, 'ERR_CONTENT_REFUSED'],
  ];
  for (const [fault, code] of chunked) {
    const registry = await start();
    registry.fault(fault);
    await assert.rejects(
      connect({ upload: { monolithicBytes: 1, chunkBytes: 400 } }).pushBlob(at(registry), digest, bytes.length, bytes),
      { code },
      JSON.stringify(fault),
    );
  }
});

test('a manifest is pushed by tag or digest, and says whether its subject is listed', async () => {
  for (const referrersApi of [true, false]) {
    const registry = await start({ referrersApi });
    const client = connect();
    const image = buildImage({ a: 'b' });
    await pushArtifact(client, at(registry), image, 'v1');
    const referrer = buildReferrer({ artifactType: 'application/x', subject: image.descriptor, payload: utf8('x') });
    for (const { digest: named, bytes: content } of referrer.blobs) await client.pushBlob(at(registry), named, content.length, content);
    const pushed = await client.pushManifest(at(registry), referrer.manifest);
    assert.deepEqual(pushed, { descriptor: referrer.descriptor, subjectListed: referrersApi });
    assert.equal(registry.count(`PUT /v2/team/app/manifests/${formatDigest(referrer.descriptor.digest)}`), 1);
    assert.equal((await client.pushManifest(at(registry), image.manifest, { tag: 'v2' })).subjectListed, false);
    assert.equal(registry.repository('team/app').tags.get('v2'), formatDigest(image.descriptor.digest));
  }
});

test('an OCI-Subject that names something else is not believed', async () => {
  const registry = await start();
  const client = connect();
  const image = buildImage({ a: 'b' });
  const referrer = buildReferrer({ artifactType: 'application/x', subject: image.descriptor, payload: utf8('x') });
  for (const { digest: named, bytes: content } of referrer.blobs) await client.pushBlob(at(registry), named, content.length, content);
  for (const value of [`sha256:${'a'.repeat(64)}`, 'yes', '']) {
    registry.fault({ method: 'PUT', path: '/manifests/', headers: { 'oci-subject': value } });
    assert.equal((await client.pushManifest(at(registry), referrer.manifest)).subjectListed, false);
  }
});

test('what would not be read again is not pushed', async () => {
  const registry = await start();
  const client = connect();
  for (const junk of ['{}', 'x', '{"schemaVersion":2,"manifests":[],"layers":[]}']) {
    await assert.rejects(client.pushManifest(at(registry), utf8(junk), { tag: 'v1' }), { code: 'ERR_MANIFEST_INVALID' });
  }
  await assert.rejects(client.pushManifest(at(registry), buildImage({ a: 'b' }).manifest, { tag: '../x' }), { code: 'ERR_REFERENCE_INVALID' });
  assert.equal(registry.journal.length, 0);
});

test('a manifest that was stored under another digest is noticed', async () => {
  const registry = await start();
  const client = connect();
  const image = buildImage({ a: 'b' });
  await pushArtifact(client, at(registry), image);
  registry.fault({ method: 'PUT', path: '/manifests/', headers: { 'docker-content-digest': `sha256:${'a'.repeat(64)}` } });
  await assert.rejects(client.pushManifest(at(registry), image.manifest, { tag: 'v1' }), { code: 'ERR_DIGEST_MISMATCH' });
});

test('a write that is lost, and one that is done but reported lost, are both repeated to the same end', async () => {
  for (const drop of ['before', 'after'] as const) {
    const registry = await start();
    const client = connect();
    const image = buildImage({ a: 'b' });
    await pushArtifact(client, at(registry), image);
    registry.fault({ method: 'PUT', path: '/manifests/', drop, times: 1 });
    await client.pushManifest(at(registry), image.manifest, { tag: 'v1' });
    assert.equal(registry.repository('team/app').tags.get('v1'), formatDigest(image.descriptor.digest));
    registry.fault({ method: 'DELETE', path: '/manifests/', drop, times: 1 });
    await client.deleteManifest(at(registry), 'v1');
    assert.equal(registry.repository('team/app').tags.has('v1'), false);
  }
});

test('deleting: by tag, by digest, twice, and where nobody may', async () => {
  const registry = await start();
  const client = connect();
  const image = buildImage({ a: 'b' });
  await pushArtifact(client, at(registry), image, 'v1');
  await client.deleteManifest(at(registry), 'v1');
  assert.equal((await client.manifest(at(registry), image.descriptor.digest)).state, 'complete');
  await client.deleteManifest(at(registry), image.descriptor.digest);
  await client.deleteManifest(at(registry), image.descriptor.digest);
  assert.equal((await client.manifest(at(registry), image.descriptor.digest)).state, 'absent');
  registry.fault({ method: 'DELETE', path: '/manifests/', status: 405 });
  await assert.rejects(client.deleteManifest(at(registry), 'v1'), { code: 'ERR_REGISTRY_DENIED' });
});

test('images are deterministic: their digests can stand in a test', () => {
  assert.equal(formatDigest(buildImage({ 'hello.txt': 'hi' }).descriptor.digest), formatDigest(buildImage({ 'hello.txt': 'hi' }).descriptor.digest));
  const docker = buildImage({ 'hello.txt': 'hi' }, { form: 'docker' });
  assert.equal(docker.descriptor.mediaType, MEDIA_TYPES.dockerManifest);
});
