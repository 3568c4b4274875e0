/** What went wrong in other registry clients, by the id under which it became known. Each must stay impossible here. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Descriptor, digestOf, formatDigest, type Lookup, MEDIA_TYPES, parseReference, type Reference, referrersTag } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import {
  type BuiltArtifact,
  buildImage,
  buildIndex,
  buildReferrer,
  createTlsAuthority,
  FixedClock,
  gate,
  MemoryRegistry,
  type MemoryRegistryOptions,
} from '../../testing/index.ts';
import { collect, HttpClient, type HttpOptions } from '../http/index.ts';
import { type Credentials, dockerConfig, RegistryClient, type RegistryClientOptions } from './index.ts';

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});
const image = buildImage({ 'hello.txt': 'hello' });
const other = buildImage({ 'hello.txt': 'other' });
const index = buildIndex([image]);
const signature = buildReferrer({ artifactType: 'application/x.signature', subject: image.descriptor, payload: utf8('signature') });

async function start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start(options);
  open.push(registry);
  const store = registry.repository('team/app');
  for (const { manifest, descriptor, blobs } of [image, index, signature]) {
    for (const { digest, bytes } of blobs) store.blobs.set(formatDigest(digest), bytes);
    store.putManifest(manifest, descriptor.mediaType);
  }
  store.tags.set('v1', formatDigest(image.descriptor.digest));
  return registry;
}

/** registry.example is where the test's registry is; every other name leads where the test says. */
const names: Record<string, string> = {
  'registry.example': '127.0.0.1',
  'inside.example': '10.0.0.1',
  'metadata.example': '169.254.169.254',
  'loop.example': '127.0.0.1',
};
const resolver = async (host: string) => [{ address: names[host] ?? '192.0.2.1', family: 4 as const }];
function connect(options: RegistryClientOptions & { more?: HttpOptions } = {}): RegistryClient {
  const http = new HttpClient({ clock: new FixedClock({ skipSleep: true }), random: () => 0.5, resolver, ...options.more });
  const client = new RegistryClient({ http, allowHttp: true, timeoutMs: 30_000, ...options });
  open.push(client);
  return client;
}
const at = (registry: MemoryRegistry): Reference => parseReference(`registry.example:${registry.port}/team/app:v1`);
const codeOf = (lookup: Lookup<unknown>): string => (lookup.state === 'unavailable' ? lookup.cause.code : lookup.state);
const secret: Credentials = { kind: 'password', username: 'user', password: 'canary' };
const withSecret: RegistryClientOptions = { credentials: { find: async () => secret } };

/** Where no header of a registry may lead, whoever asks. */
const FORBIDDEN = (port: number): string[] => [
  'http://169.254.169.254/latest/meta-data/iam/',
  `http://[::1]:${port}/x`,
  `http://0.0.0.0:${port}/x`,
  'http://[64:ff9b::a9fe:a9fe]/x',
  `http://[::ffff:127.0.0.1]:${port}/x`,
  `http://127.0.0.1:${port}/x`,
  `http://localhost:${port}/x`,
  'http://10.0.0.1/x',
  'http://100.64.0.1/x',
  'http://[fd00:ec2::254]/x',
  'http://inside.example/x',
  'http://metadata.example/x',
  `http://loop.example:${port}/x`,
];

test('CVE-2026-48978, GHSA-vh4v-2xq2-g5cg, CVE-2026-24845, CVE-2026-65388: realm', async () => {
  for (const withCredentials of [true, false]) {
    const registry = await start();
    for (const realm of FORBIDDEN(registry.port)) {
      registry.clearFaults();
      registry.forget();
      registry.fault({ path: '/v2/', status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="s"` } });
      const found = await connect(withCredentials ? withSecret : {}).resolve(at(registry));
      // With credentials nothing is even looked up; without, the address is refused.
      assert.equal(codeOf(found), withCredentials ? 'ERR_REGISTRY_UNAUTHENTICATED' : 'ERR_CONTENT_REFUSED', realm);
      assert.equal(registry.journal.length, 1, realm);
      assert.equal(registry.journal[0]?.authorization, undefined);
    }
  }
});

test('CVE-2026-50151, GHSA-h7vf-4x9w-h99v, CVE-2026-33540: redirect', async () => {
  const registry = await start({ auth: { kind: 'basic', users: { user: 'canary' } } });
  for (const location of FORBIDDEN(registry.port)) {
    for (const path of ['/manifests/', '/blobs/', '/referrers/', '/tags/']) {
      registry.clearFaults();
      registry.forget();
      registry.fault({ path, status: 307, headers: { location } });
      const client = connect(withSecret);
      const found: Lookup<unknown> =
        path === '/manifests/'
          ? await client.manifest(at(registry), image.descriptor.digest)
          : path === '/blobs/'
            ? await client.blob(at(registry), image.blobs[0]?.digest as Descriptor['digest'], { maxBytes: 1000 })
            : path === '/tags/'
              ? await client.tags(at(registry))
              : (await client.referrers(at(registry), image.descriptor.digest)).api;
      assert.equal(codeOf(found), 'ERR_CONTENT_REFUSED', `${path} ${location}`);
      assert.ok(registry.journal.every(({ url }) => url.startsWith('/v2/')));
    }
  }
});

test('CVE-2021-41092, CVE-2020-15157: Link and Location', async () => {
  const registry = await start();
  for (const target of [
    ...FORBIDDEN(registry.port),
    'https://evil.example/x',
    `http://registry.example:${registry.port + 1 > 65535 ? 1 : registry.port + 1}/v2/x`,
  ]) {
    registry.clearFaults();
    registry.forget();
    registry.fault({ path: /referrers|tags/, headers: { link: `<${target}>; rel="next"` } });
    const client = connect(withSecret);
    assert.equal(codeOf((await client.referrers(at(registry), image.descriptor.digest)).api), 'ERR_CONTENT_REFUSED', target);
    assert.equal(codeOf(await client.tags(at(registry))), 'ERR_CONTENT_REFUSED', target);
    assert.equal(registry.journal.length, 2, target);
  }
  for (const location of FORBIDDEN(registry.port)) {
    registry.clearFaults();
    registry.forget();
    registry.fault({ method: 'POST', path: '/uploads/', status: 202, headers: { location } });
    const bytes = utf8('secret layer');
    await assert.rejects(connect(withSecret).pushBlob(at(registry), digestOf(bytes), bytes.length, bytes), { code: 'ERR_CONTENT_REFUSED' }, location);
    assert.equal(registry.journal.length, 2, location);
  }
});

test('go-containerregistry #2243 and its kin: a token does not come back after a redirect', async () => {
  const registry = await start({ auth: { kind: 'basic', users: { user: 'canary' } } });
  const storage = await MemoryRegistry.start();
  open.push(storage);
  registry.fault({ method: 'GET', path: '/blobs/', status: 307, times: 1, headers: { location: `http://storage.example:${storage.port}/x` } });
  storage.fault({ path: '/x', status: 307, headers: { location: `http://registry.example:${registry.port}/v2/team/app/back` } });
  registry.fault({ path: '/back', status: 200, body: image.blobs[0]?.bytes as Uint8Array });
  const port = registry.port;
  names['storage.example'] = '127.0.0.1';
  const client = connect({ ...withSecret, privateHosts: { [`registry.example:${port}`]: ['storage.example'] } });
  await client.resolve(at(registry)); // learns that basic is wanted
  registry.forget();
  assert.equal(codeOf(await client.blob(at(registry), image.blobs[0]?.digest as Descriptor['digest'], { maxBytes: 1000 })), 'complete');
  assert.match(registry.journal[0]?.authorization ?? '', /^Basic /);
  assert.equal(storage.journal[0]?.authorization, undefined);
  assert.equal(registry.journal[1]?.authorization, undefined);
});

test('a challenge of another host, to which we were redirected, is not answered', async () => {
  const registry = await start();
  const storage = await MemoryRegistry.start();
  open.push(storage);
  names['storage.example'] = '127.0.0.1';
  registry.fault({ method: 'HEAD', path: '/manifests/', status: 307, headers: { location: `http://storage.example:${storage.port}/x` } });
  storage.fault({ path: '/x', status: 401, headers: { 'www-authenticate': 'Basic realm="give it to me"' } });
  const client = connect({ ...withSecret, privateHosts: { [`registry.example:${registry.port}`]: ['storage.example'] } });
  assert.equal(codeOf(await client.resolve(at(registry))), 'ERR_REGISTRY_UNAUTHENTICATED');
  assert.ok([...registry.journal, ...storage.journal].every(({ authorization }) => authorization === undefined));
});

test('CVE-2025-27403: an identity token is exchanged with nobody but the host it is for', async () => {
  const thief = await MemoryRegistry.start();
  open.push(thief);
  const registry = await start({ auth: { kind: 'token', refreshTokens: ['canary'], realm: `http://loop.example:${thief.port}/token` } });
  const client = connect({
    credentials: { find: async () => ({ kind: 'identity-token', token: 'canary' }) },
    privateHosts: { [`registry.example:${registry.port}`]: ['loop.example'] },
  });
  assert.equal(codeOf(await client.resolve(at(registry))), 'ERR_REGISTRY_UNAUTHENTICATED');
  assert.equal(thief.journal.length, 0);
});

test('@sigstore/oci 0.7.2: credentials for a.example.com do not go to example.com', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealward-regression-'));
  const registry = await start({ auth: { kind: 'basic', users: { user: 'canary' } } });
  const path = join(folder, 'config.json');
  const host = `registry.example:${registry.port}`;
  const auth = Buffer.from('user:canary').toString('base64');
  try {
    for (const [key, outcome] of [
      [`a.${host}`, 'ERR_REGISTRY_UNAUTHENTICATED'],
      [`https://a.${host}/v1/`, 'ERR_REGISTRY_UNAUTHENTICATED'],
      ['registry.example', 'ERR_REGISTRY_UNAUTHENTICATED'],
      [`${host}0`, 'ERR_REGISTRY_UNAUTHENTICATED'],
      ['example', 'ERR_REGISTRY_UNAUTHENTICATED'],
      [host, 'complete'],
    ] as const) {
      registry.forget();
      await writeFile(path, JSON.stringify({ auths: { [key]: { auth } } }));
      assert.equal(codeOf(await connect({ credentials: dockerConfig(path) }).resolve(at(registry))), outcome, key);
      if (outcome !== 'complete') assert.ok(registry.journal.every(({ authorization }) => authorization === undefined));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('CVE-2023-33959, CVE-2026-85747, GHSA-qv35-3gw6-8q4j: other bytes with the right header', async () => {
  const wrong: [string, BuiltArtifact, Uint8Array][] = [
    ['manifest', image, other.manifest],
    ['index', index, buildIndex([other]).manifest],
    ['referrer', signature, buildReferrer({ artifactType: 'application/x.signature', subject: image.descriptor, payload: utf8('another') }).manifest],
  ];
  for (const [what, wanted, lie] of wrong) {
    const registry = await start();
    const digest = formatDigest(wanted.descriptor.digest);
    registry.fault({
      path: '/manifests/',
      body: lie,
      headers: { 'docker-content-digest': digest, 'content-type': wanted.descriptor.mediaType, etag: `"${digest}"` },
    });
    assert.equal(codeOf(await connect().manifest(at(registry), wanted.descriptor.digest)), 'ERR_DIGEST_MISMATCH', what);
    assert.equal(codeOf(await connect().manifest(at(registry), 'v1')), 'ERR_DIGEST_MISMATCH', `${what} by tag`);
  }
  const registry = await start();
  const { digest, bytes } = image.blobs[1] as { digest: Descriptor['digest']; bytes: Uint8Array };
  const flipped = bytes.slice();
  flipped[3] = (flipped[3] as number) ^ 1;
  registry.fault({ path: '/blobs/', body: flipped, headers: { 'docker-content-digest': formatDigest(digest) } });
  assert.equal(codeOf(await connect().blob(at(registry), digest, { maxBytes: 10_000 })), 'ERR_DIGEST_MISMATCH');
  const stream = await connect().blobStream(at(registry), digest, { maxBytes: 10_000 });
  assert.ok(stream.state === 'complete');
  await assert.rejects(collect(stream.value), { code: 'ERR_DIGEST_MISMATCH' });
});

test('CVE-2021-41190, GHSA-qq97-vm5h-rrhg, GHSA-5j5w-g665-5m35: one digest, two meanings', async () => {
  const registry = await start();
  const store = registry.repository('team/app');
  const both = utf8(JSON.stringify({ ...JSON.parse(Buffer.from(image.manifest).toString()), manifests: [] }));
  const digest = store.putManifest(both, MEDIA_TYPES.ociManifest);
  for (const type of [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerIndex]) {
    registry.fault({ path: '/manifests/', headers: { 'content-type': type } });
    assert.equal(codeOf(await connect().manifest(at(registry), digest)), 'ERR_MANIFEST_INVALID', type);
    if (type !== MEDIA_TYPES.ociManifest) assert.equal(codeOf(await connect().manifest(at(registry), image.descriptor.digest)), 'ERR_MANIFEST_INVALID', type);
  }
});

test('GHSA-7w47-v4xv-5crg: a manifest with a key that stands twice', async () => {
  const registry = await start();
  const text = Buffer.from(image.manifest).toString();
  const digest = registry
    .repository('team/app')
    .putManifest(utf8(text.replace('"config":', '"config":{"mediaType":"a/b"},"config":')), MEDIA_TYPES.ociManifest);
  assert.equal(codeOf(await connect().manifest(at(registry), digest)), 'ERR_MANIFEST_INVALID');
});

test('CVE-2019-10214: TLS is not switched off towards the token server', async () => {
  const authority = createTlsAuthority();
  const identity = authority.issue('registry.example', 'loop.example');
  const tokens = await MemoryRegistry.start({ tls: identity, auth: { kind: 'token', anonymousPull: true } });
  open.push(tokens);
  const registry = await MemoryRegistry.start({
    tls: identity,
    auth: { kind: 'token', anonymousPull: true, realm: `https://loop.example:${tokens.port}/token` },
  });
  open.push(registry);
  const privateHosts = { [`registry.example:${registry.port}`]: ['loop.example'] };
  const found = await connect({ privateHosts, more: { tls: { unsafeSkipVerify: true } } }).resolve(at(registry));
  assert.ok(found.state === 'unavailable' && found.cause.code === 'ERR_REGISTRY_UNREACHABLE');
  assert.match(found.cause.message, /certificate of "loop\.example/);
  assert.equal(tokens.journal.length, 0);
  // Nor is the realm left for plain HTTP.
  registry.fault({ path: '/v2/', status: 401, headers: { 'www-authenticate': `Bearer realm="http://registry.example:${registry.port}/token"` } });
  assert.equal(codeOf(await connect({ more: { tls: { ca: [authority.ca] } } }).resolve(at(registry))), 'ERR_CONTENT_REFUSED');
});

test('CVE-2020-1702: answers without an end', async () => {
  const registry = await start();
  const endless = (size: number) => ({ body: Buffer.alloc(size, 0x20) });
  registry.fault({ path: '/manifests/', ...endless(LIMITS.manifestBytes + 1) });
  registry.fault({ path: '/referrers/', ...endless(LIMITS.referrersPageBytes + 1) });
  registry.fault({ path: '/blobs/', status: 200, ...endless(LIMITS.bundleBytes + 1) });
  const client = connect();
  assert.equal(codeOf(await client.manifest(at(registry), image.descriptor.digest)), 'ERR_TOO_LARGE');
  assert.equal(codeOf((await client.referrers(at(registry), image.descriptor.digest)).api), 'ERR_TOO_LARGE');
  assert.equal(codeOf(await client.blob(at(registry), image.descriptor.digest, { maxBytes: LIMITS.bundleBytes })), 'ERR_TOO_LARGE');
  registry.clearFaults();
  registry.fault({ path: '/v2/', status: 401, headers: { 'www-authenticate': `Bearer realm="http://registry.example:${registry.port}/token"` } });
  registry.fault({ path: '/token', status: 200, ...endless(LIMITS.tokenBodyBytes + 1) });
  assert.equal(codeOf(await connect().resolve(at(registry))), 'ERR_TOO_LARGE');
  registry.fault({ path: '/v2/', status: 404, ...endless(LIMITS.errorBodyBytes * 100) });
  assert.equal(codeOf(await connect().manifest(at(registry), 'v1')), 'absent');
});

test('CVE-2024-3727: digests that are no digests never reach a path', async () => {
  const registry = await start();
  const listing = (digest: string) =>
    utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [{ mediaType: MEDIA_TYPES.ociManifest, digest, size: 1 }] }));
  for (const digest of [
    'sha256:../../../v2/other/blobs/x',
    'sha256:',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(64)}?x=`,
    'x',
    `md5:${'a'.repeat(32)}`,
  ]) {
    registry.fault({ path: '/referrers/', body: listing(digest) });
    assert.equal(codeOf((await connect().referrers(at(registry), image.descriptor.digest)).api), 'ERR_MANIFEST_INVALID', digest);
  }
});

test('CVE-2023-46737, CVE-2024-29902, CVE-2023-33957, CVE-2023-33958: signatures without number or size', async () => {
  const registry = await start();
  const flood = Array.from({ length: 100_000 }, (_, i) => ({ mediaType: 'a/b', digest: `sha256:${i.toString(16).padStart(64, '0')}`, size: 1 }));
  const pages = (count: number) => utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: flood.slice(0, count) }));
  registry.fault({ path: '/referrers/', body: pages(100_000) });
  assert.equal(codeOf((await connect().referrers(at(registry), image.descriptor.digest)).api), 'ERR_TOO_LARGE', 'too many, never none');
  registry.repository('team/app').putManifest(pages(5_000), MEDIA_TYPES.ociIndex, referrersTag(image.descriptor.digest));
  const found = await connect().referrers(at(registry), image.descriptor.digest, { places: 'all' });
  assert.equal(codeOf(found.fallbackTag), 'ERR_TOO_LARGE');
});

test('CVE-2024-29903: nothing is allocated by what a registry says of a size', async () => {
  const registry = await start();
  const { digest } = image.blobs[0] as { digest: Descriptor['digest'] };
  registry.fault({ path: '/blobs/', headers: { 'content-length': String(2 ** 40) } });
  const before = process.memoryUsage().rss;
  assert.equal(codeOf(await connect().blob(at(registry), digest, { maxBytes: LIMITS.attestationBytes })), 'ERR_TOO_LARGE');
  assert.equal(codeOf(await connect().blob(at(registry), { mediaType: 'a/b', digest, size: 2 ** 50 }, { maxBytes: LIMITS.attestationBytes })), 'ERR_TOO_LARGE');
  assert.ok(process.memoryUsage().rss - before < 64 << 20);
});

test('CVE-2023-42813, CVE-2023-42816: slow registries end with the deadline', async () => {
  const registry = await start();
  const clock = new FixedClock();
  for (const path of ['/manifests/', '/referrers/', '/blobs/']) {
    const pause = gate();
    registry.clearFaults();
    registry.fault({ path, trickle: { bytes: 1, wait: () => pause.pass() } });
    const client = connect({ more: { clock } });
    const call = { deadline: clock.now() + 5_000 };
    const asked: Promise<Lookup<unknown>> =
      path === '/manifests/'
        ? client.manifest(at(registry), image.descriptor.digest, call)
        : path === '/blobs/'
          ? client.blob(at(registry), image.blobs[0]?.digest as Descriptor['digest'], { ...call, maxBytes: 1000 })
          : client.referrers(at(registry), image.descriptor.digest, call).then(({ api }) => api);
    await pause.reached;
    clock.advance(5_000);
    assert.equal(codeOf(await asked), 'ERR_DEADLINE', path);
  }
});

test('undici CVE-2026-22036, CVE-2026-84890, class (b): compressed answers are refused, not inflated', async () => {
  const registry = await start();
  const bomb = gzipSync(gzipSync(Buffer.alloc(100 << 20)));
  for (const encoding of ['gzip', 'gzip, gzip', 'br', 'deflate', 'zstd', 'x-unknown']) {
    registry.fault({ path: '/v2/', body: bomb, headers: { 'content-encoding': encoding } });
    assert.equal(codeOf(await connect().manifest(at(registry), image.descriptor.digest)), 'ERR_CONTENT_REFUSED', encoding);
  }
  assert.ok(registry.journal.every(({ headers }) => headers['accept-encoding'] === 'identity'));
});

test('CVE-2022-47633, CVE-2023-47630: a tag that stands for something else each time is resolved once', async () => {
  const registry = await start();
  const store = registry.repository('team/app');
  store.putManifest(other.manifest, other.descriptor.mediaType);
  const client = connect();
  const resolved = await client.resolve(at(registry));
  assert.ok(resolved.state === 'complete');
  store.tags.set('v1', formatDigest(other.descriptor.digest));
  const pinnedManifest = await client.manifest(at(registry), resolved.value.digest);
  assert.ok(pinnedManifest.state === 'complete');
  assert.deepEqual(pinnedManifest.value.bytes, image.manifest, 'what is fetched by the digest is what the digest says, wherever the tag went');
});

test('go-containerregistry referrers reader: page 2', async () => {
  const registry = await start({ pageSize: 1 });
  const second = buildReferrer({ artifactType: 'application/x.signature', subject: image.descriptor, payload: utf8('second') });
  registry.repository('team/app').putManifest(second.manifest, second.descriptor.mediaType);
  const { api } = await connect().referrers(at(registry), image.descriptor.digest);
  assert.ok(api.state === 'complete');
  assert.deepEqual(
    api.value.map(({ digest }) => formatDigest(digest)),
    [signature, second].map(({ descriptor }) => formatDigest(descriptor.digest)),
  );
});

test('class (d): 500 on the referrers API is "could not find out"', async () => {
  const registry = await start();
  registry.fault({ path: '/referrers/', status: 500 });
  const found = await connect().referrers(at(registry), image.descriptor.digest);
  assert.equal(codeOf(found.api), 'ERR_REGISTRY_FAILED');
  assert.equal(found.fallbackTag.state, 'not-asked');
});

test('DNS rebinding: the name is looked up once for each connection, and that address is used', async () => {
  const registry = await start();
  const storage = await MemoryRegistry.start();
  open.push(storage);
  storage.fault({ path: '/x', status: 200, body: 'inside' });
  let looks = 0;
  const rebinding = async (host: string) => {
    if (host === 'registry.example') return [{ address: '127.0.0.1', family: 4 as const }];
    looks++;
    // A check that looks the name up by itself sees a public address; whoever connects by name then gets loopback.
    return looks === 1
      ? [
          { address: '8.8.8.8', family: 4 as const },
          { address: '127.0.0.1', family: 4 as const },
        ]
      : [{ address: '127.0.0.1', family: 4 as const }];
  };
  registry.fault({ path: '/blobs/', status: 307, headers: { location: `http://rebind.example:${storage.port}/x` } });
  const client = connect({ more: { resolver: rebinding } });
  for (let i = 0; i < 3; i++) {
    assert.equal(codeOf(await client.blob(at(registry), image.blobs[0]?.digest as Descriptor['digest'], { maxBytes: 100 })), 'ERR_CONTENT_REFUSED');
  }
  assert.equal(looks, 3);
  assert.equal(storage.journal.length, 0);
});
