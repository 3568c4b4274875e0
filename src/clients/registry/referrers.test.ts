import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Descriptor, formatDigest, type Lookup, MEDIA_TYPES, parseReference, referrersTag } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { buildImage, buildReferrer, FixedClock, gate, MemoryRegistry, type MemoryRegistryOptions } from '../../testing/index.ts';
import { HttpClient, type HttpEvent } from '../http/index.ts';
import { RegistryClient } from './index.ts';

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});
const image = buildImage({ 'hello.txt': 'hello' });
const subject = image.descriptor;
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

async function start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start(options);
  open.push(registry);
  registry.repository('team/app').putManifest(image.manifest, subject.mediaType, 'v1');
  return registry;
}
function connect(clock = new FixedClock({ skipSleep: true }), observe?: (event: HttpEvent) => void): RegistryClient {
  const client = new RegistryClient({ http: new HttpClient({ clock, random: () => 0.5, ...(observe ? { observe } : {}) }) });
  open.push(client);
  return client;
}
const at = (registry: MemoryRegistry) => parseReference(`${registry.host}/team/app`);
const codeOf = (lookup: Lookup<unknown>): string => (lookup.state === 'unavailable' ? lookup.cause.code : lookup.state);
const valueOf = (lookup: Lookup<readonly Descriptor[]>): readonly Descriptor[] => (lookup.state === 'complete' ? lookup.value : assert.fail(codeOf(lookup)));

function attachTo(registry: MemoryRegistry, count: number, artifactType = BUNDLE): Descriptor[] {
  return Array.from({ length: count }, (_, i) => {
    const built = buildReferrer({ artifactType, subject, payload: utf8(`payload ${artifactType} ${i}`) });
    registry.repository('team/app').putManifest(built.manifest, built.descriptor.mediaType);
    return { ...built.descriptor, artifactType };
  });
}
function index(entries: readonly unknown[]): Uint8Array {
  return utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries }));
}
const entry = (descriptor: Descriptor, artifactType?: string) => ({
  ...descriptor,
  digest: formatDigest(descriptor.digest),
  artifactType: artifactType ?? descriptor.artifactType,
});

test('the API lists what is attached, and the fallback tag is not asked', async () => {
  const registry = await start();
  const client = connect();
  assert.deepEqual(await client.referrers(at(registry), subject.digest), { api: { state: 'complete', value: [] }, fallbackTag: { state: 'not-asked' } });
  const attached = attachTo(registry, 2);
  registry.forget();
  assert.deepEqual(await client.referrers(at(registry), subject.digest), { api: { state: 'complete', value: attached }, fallbackTag: { state: 'not-asked' } });
  assert.equal(registry.journal.length, 1);
});

test('go-containerregistry referrers reader: a referrer on page 2, and on the last of many, is found', async () => {
  for (const pageSize of [1, 2, 3, 7]) {
    const registry = await start({ pageSize });
    const attached = attachTo(registry, 7);
    const found = await connect().referrers(at(registry), subject.digest, { artifactType: BUNDLE });
    assert.deepEqual(valueOf(found.api), attached);
  }
});

test('the artifactType is asked for; what a registry did not filter comes back as it is', async () => {
  for (const filters of [true, false]) {
    const registry = await start({ filters });
    attachTo(registry, 2);
    attachTo(registry, 1, 'application/other');
    const found = await connect().referrers(at(registry), subject.digest, { artifactType: BUNDLE });
    assert.equal(registry.count(`?artifactType=${encodeURIComponent(BUNDLE)}`), 1);
    // The label of a listing is not believed, so nothing is dropped by it here: the manifest counts.
    assert.equal(valueOf(found.api).length, filters ? 2 : 3);
  }
});

test('without the API the fallback tag is asked, and remembered for the host', async () => {
  const registry = await start({ referrersApi: false });
  const client = connect();
  assert.deepEqual(await client.referrers(at(registry), subject.digest), { api: { state: 'absent' }, fallbackTag: { state: 'absent' } });
  const [one] = attachTo(registry, 1) as [Descriptor];
  registry.repository('team/app').putManifest(index([entry(one)]), MEDIA_TYPES.ociIndex, referrersTag(subject.digest));
  registry.forget();
  const found = await client.referrers(at(registry), subject.digest);
  assert.equal(codeOf(found.api), 'absent');
  assert.deepEqual(valueOf(found.fallbackTag), [one]);
  assert.deepEqual(
    registry.journal.map(({ url }) => url),
    [`/v2/team/app/manifests/${referrersTag(subject.digest)}`],
  );
});

test('a registry that was upgraded is asked for its API again after a while', async () => {
  const registry = await start({ referrersApi: false });
  const clock = new FixedClock({ skipSleep: true });
  const client = connect(clock);
  await client.referrers(at(registry), subject.digest);
  registry.fault({ path: '/referrers/', status: 200, headers: { 'content-type': MEDIA_TYPES.ociIndex }, body: index([]) });
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'absent');
  clock.advance(16 * 60_000);
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'complete');
});

test('a 404 that speaks of the repository leads to the tag, and is not remembered', async () => {
  for (const code of ['NAME_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_INVALID']) {
    const registry = await start();
    const client = connect();
    registry.fault({ path: '/referrers/', status: 404, body: `{"errors":[{"code":"${code}"}]}`, times: 1 });
    assert.deepEqual(await client.referrers(at(registry), subject.digest), { api: { state: 'absent' }, fallbackTag: { state: 'absent' } });
    assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'complete', code);
  }
});

test('other ways to say that there is no API', async () => {
  for (const [status, body, outcome] of [
    [405, '', 'absent'],
    [400, '{"errors":[{"code":"UNSUPPORTED"}]}', 'absent'],
    [400, '', 'ERR_REGISTRY_FAILED'],
    [501, '', 'ERR_REGISTRY_FAILED'],
  ] as const) {
    const registry = await start();
    registry.fault({ path: '/referrers/', status, body });
    const found = await connect().referrers(at(registry), subject.digest);
    assert.equal(codeOf(found.api), outcome, `${status} ${body}`);
    assert.equal(codeOf(found.fallbackTag), outcome === 'absent' ? 'absent' : 'not-asked');
  }
});

test('class (d): an error of the API is unavailable and never leads to the other place alone', async () => {
  for (const [fault, code] of [
    [{ status: 500 }, 'ERR_REGISTRY_FAILED'],
    [{ status: 502 }, 'ERR_REGISTRY_FAILED'],
    [{ status: 401 }, 'ERR_REGISTRY_UNAUTHENTICATED'],
    [{ status: 403 }, 'ERR_REGISTRY_DENIED'],
    [{ status: 429 }, 'ERR_REGISTRY_THROTTLED'],
    [{ drop: 'before' as const }, 'ERR_REGISTRY_UNREACHABLE'],
    [{ truncateAfter: 10 }, 'ERR_REGISTRY_UNREACHABLE'],
    [{ body: '{"schemaVersion":2' }, 'ERR_MANIFEST_INVALID'],
    [{ body: '<html></html>' }, 'ERR_MANIFEST_INVALID'],
    [{ headers: { 'content-type': 'text/html' } }, 'ERR_MANIFEST_INVALID'],
    [{ headers: { 'content-type': MEDIA_TYPES.ociManifest } }, 'ERR_MANIFEST_INVALID'],
    [{ headers: { 'content-encoding': 'gzip' } }, 'ERR_CONTENT_REFUSED'],
    [{ status: 204 }, 'ERR_CONTENT_REFUSED'],
  ] as const) {
    const registry = await start();
    attachTo(registry, 1);
    registry.fault({ path: '/referrers/', ...fault });
    const found = await connect().referrers(at(registry), subject.digest);
    assert.equal(codeOf(found.api), code, JSON.stringify(fault));
    assert.equal(codeOf(found.fallbackTag), 'not-asked');
  }
});

test('an error on page 2 makes the whole listing unavailable', async () => {
  for (const status of [404, 500]) {
    const registry = await start({ pageSize: 1 });
    attachTo(registry, 3);
    registry.fault({ path: /referrers\/.*last=/, status });
    const found = await connect().referrers(at(registry), subject.digest);
    assert.equal(codeOf(found.api), 'ERR_REGISTRY_FAILED');
    assert.equal(codeOf(found.fallbackTag), 'not-asked');
  }
});

test('all places are asked side by side when that is wanted', async () => {
  const registry = await start();
  const [one] = attachTo(registry, 1) as [Descriptor];
  registry.repository('team/app').putManifest(index([entry(one, MEDIA_TYPES.empty)]), MEDIA_TYPES.ociIndex, referrersTag(subject.digest));
  const hold = gate();
  registry.fault({ path: '/referrers/', before: hold });
  const asked = connect().referrers(at(registry), subject.digest, { places: 'all' });
  await hold.reached;
  while (registry.count('/manifests/') === 0) await new Promise((resolve) => setImmediate(resolve));
  hold.open();
  const found = await asked;
  assert.deepEqual(valueOf(found.api), [one]);
  assert.equal(valueOf(found.fallbackTag).length, 1);
});

test('cosign 3 labels entries of the fallback index with the empty type: they are all returned', async () => {
  const registry = await start({ referrersApi: false });
  const [one] = attachTo(registry, 1) as [Descriptor];
  registry.repository('team/app').putManifest(index([entry(one, MEDIA_TYPES.empty)]), MEDIA_TYPES.ociIndex, referrersTag(subject.digest));
  const found = await connect().referrers(at(registry), subject.digest, { artifactType: BUNDLE });
  assert.deepEqual(valueOf(found.fallbackTag), [{ ...one, artifactType: MEDIA_TYPES.empty }]);
});

test('a manifest under the fallback tag is not an index, and is refused', async () => {
  const registry = await start({ referrersApi: false });
  registry.repository('team/app').putManifest(image.manifest, subject.mediaType, referrersTag(subject.digest));
  assert.equal(codeOf((await connect().referrers(at(registry), subject.digest)).fallbackTag), 'ERR_MANIFEST_INVALID');
});

test('one over each bound: descriptors in all, on one page, pages, bytes of a page', async () => {
  const one = entry({ ...subject, artifactType: BUNDLE });
  const many = (count: number) => Array.from({ length: count }, () => one);
  const registry = await start();
  const client = connect();
  registry.fault({ path: '/referrers/', body: index(many(LIMITS.descriptorsListed)) });
  assert.equal(valueOf((await client.referrers(at(registry), subject.digest)).api).length, LIMITS.descriptorsListed);
  registry.fault({ path: '/referrers/', body: index(many(LIMITS.descriptorsListed + 1)) });
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'ERR_TOO_LARGE');
  registry.fault({
    path: '/referrers/',
    body: Buffer.from(
      Buffer.from(index([one]))
        .toString()
        .padEnd(LIMITS.referrersPageBytes),
    ),
  });
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'complete');
  registry.fault({
    path: '/referrers/',
    body: Buffer.from(
      Buffer.from(index([one]))
        .toString()
        .padEnd(LIMITS.referrersPageBytes + 1),
    ),
  });
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'ERR_TOO_LARGE');

  registry.clearFaults();
  const page = `</v2/team/app/referrers/${formatDigest(subject.digest)}?page=2>; rel="next"`;
  registry.fault({ path: /referrers/, body: index(many(LIMITS.descriptorsListed)), headers: { link: page }, times: 1 });
  registry.fault({ path: /page=2/, body: index(many(1)) });
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'ERR_TOO_LARGE', 'over two pages');
  registry.clearFaults();
  registry.forget();
  registry.fault({ path: /referrers/, body: index([]), headers: { link: page } });
  assert.equal(codeOf((await client.referrers(at(registry), subject.digest)).api), 'ERR_TOO_LARGE', 'pages without an end');
  assert.equal(registry.journal.length, LIMITS.pagesFollowed);
});

test('Link: what is a next page, and what is not', async () => {
  const digest = formatDigest(subject.digest);
  const second = `/v2/team/app/referrers/${digest}?p=2`;
  const cases: [string | string[], number | string][] = [
    [`<${second}>; rel="next"`, 2],
    [`<${second}>; rel=next`, 2],
    [`<${second}>;rel="prev next"`, 2],
    [`<${second}>; title="a, b"; rel="next"`, 2],
    [`</v2/x>; rel="prev", <${second}>; rel="next"`, 2],
    [['</v2/x>; rel="prev"', `<${second}>; rel="NEXT"`], 2],
    [`<?p=2>; rel="next"`, 2],
    [`<${second}>; rel="nextish"`, 1],
    [`<${second}>; rel="prev"`, 1],
    [second, 1],
    ['', 1],
    ['<http://127.0.0.1:1/v2/x>; rel="next"', 'ERR_CONTENT_REFUSED'],
    ['<http://cdn.example/v2/x>; rel="next"', 'ERR_CONTENT_REFUSED'],
    ['<//cdn.example/v2/x>; rel="next"', 'ERR_CONTENT_REFUSED'],
    ['</token>; rel="next"', 'ERR_CONTENT_REFUSED'],
    ['</v2/../admin>; rel="next"', 'ERR_CONTENT_REFUSED'],
    ['<file:///etc/passwd>; rel="next"', 'ERR_CONTENT_REFUSED'],
    ['<http://u:p@127.0.0.1/v2/>; rel="next"', 'ERR_CONTENT_REFUSED'],
    [`<${'a'.repeat(9000)}>; rel="next"`, 'ERR_CONTENT_REFUSED'],
  ];
  for (const [link, outcome] of cases) {
    const registry = await start();
    const [one] = attachTo(registry, 1) as [Descriptor];
    registry.fault({ path: '/referrers/', headers: { link }, times: 1 });
    const found = await connect().referrers(at(registry), subject.digest);
    if (typeof outcome === 'string') assert.equal(codeOf(found.api), outcome, String(link));
    else
      assert.deepEqual(
        valueOf(found.api),
        Array.from({ length: outcome }, () => one),
        String(link),
      );
  }
});

test('requests of one verification, token warm: 3 by digest, 4 by tag, one more on the fallback path', async () => {
  for (const referrersApi of [true, false]) {
    const registry = await start({ referrersApi, auth: { kind: 'token', anonymousPull: true } });
    const events: HttpEvent[] = [];
    const client = connect(undefined, (event) => events.push(event));
    const built = buildReferrer({ artifactType: BUNDLE, subject, payload: utf8('bundle') });
    for (const { digest, bytes } of built.blobs) registry.repository('team/app').blobs.set(formatDigest(digest), bytes);
    registry.repository('team/app').putManifest(built.manifest, built.descriptor.mediaType);
    if (!referrersApi) registry.repository('team/app').putManifest(index([entry(built.descriptor)]), MEDIA_TYPES.ociIndex, referrersTag(subject.digest));
    const verify = async (text: string): Promise<number> => {
      const reference = parseReference(text);
      const before = events.length;
      const resolved = await client.resolve(reference);
      assert.ok(resolved.state === 'complete');
      const { api, fallbackTag } = await client.referrers(reference, resolved.value.digest, { artifactType: BUNDLE });
      const [first] = valueOf(api.state === 'complete' ? api : fallbackTag) as [Descriptor];
      const manifest = await client.manifest(reference, first.digest);
      assert.ok(manifest.state === 'complete' && manifest.value.manifest.kind === 'manifest');
      const bundle = await client.blob(reference, manifest.value.manifest.layers[0] as Descriptor, { maxBytes: LIMITS.bundleBytes });
      assert.equal(bundle.state, 'complete');
      return events.length - before;
    };
    const byTag = `${registry.host}/team/app:v1`;
    const byDigest = `${registry.host}/team/app@${formatDigest(subject.digest)}`;
    await client.resolve(parseReference(byTag)); // warms the token
    const cold = await verify(byDigest);
    assert.equal(cold, referrersApi ? 3 : 4);
    assert.equal(await verify(byDigest), 3, 'where the fallback is known it costs nothing');
    assert.equal(await verify(byTag), 4);
  }
});
