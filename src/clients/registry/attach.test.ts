import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Descriptor, formatDigest, type Index, MEDIA_TYPES, parseManifest, parseReference, referrersTag } from '../../core/artifact/index.ts';
import { type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import {
  type BuiltArtifact,
  buildImage,
  buildReferrer,
  FixedClock,
  gate,
  MemoryRegistry,
  type MemoryRegistryOptions,
  pushArtifact,
} from '../../testing/index.ts';
import { HttpClient } from '../http/index.ts';
import { mergeIndex } from './fallback-index.ts';
import { type Attached, RegistryClient } from './index.ts';

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});
const image = buildImage({ 'hello.txt': 'hello' });
const subject = image.descriptor;
const TAG = referrersTag(subject.digest);

async function start(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start(options);
  open.push(registry);
  registry.repository('team/app').putManifest(image.manifest, subject.mediaType, 'v1');
  return registry;
}
function connect(clock = new FixedClock({ skipSleep: true }), random = () => 0.5): RegistryClient {
  const client = new RegistryClient({ http: new HttpClient({ clock, random }) });
  open.push(client);
  return client;
}
const at = (registry: MemoryRegistry) => parseReference(`${registry.host}/team/app`);
const signature = (text: string): BuiltArtifact =>
  buildReferrer({ artifactType: 'application/x.signature', subject, payload: utf8(text), annotations: { name: text } });
const attach = (client: RegistryClient, registry: MemoryRegistry, built: BuiltArtifact): Promise<Attached> =>
  client.attach(at(registry), { manifest: built.manifest, blobs: built.blobs });
function listed(registry: MemoryRegistry): string[] {
  const store = registry.repository('team/app');
  const bytes = store.manifests.get(store.tags.get(TAG) ?? '')?.bytes;
  return bytes ? (parseManifest(bytes) as Index).manifests.map(({ digest }) => formatDigest(digest)) : [];
}
const digestsOf = (built: readonly BuiltArtifact[]): string[] => built.map(({ descriptor }) => formatDigest(descriptor.digest));

/** Something that another writer does right after the index was written and answered. */
function overwriteAfterPut(registry: MemoryRegistry, entries: readonly BuiltArtifact[], times: number): void {
  let left = times;
  const store = registry.repository('team/app');
  for (const { manifest, descriptor } of entries) store.putManifest(manifest, descriptor.mediaType);
  const overwrite = (): void => {
    if (left-- <= 0) return;
    store.putManifest(
      mergeIndex(
        undefined,
        entries.map(({ descriptor }) => descriptor),
        'x',
      ),
      MEDIA_TYPES.ociIndex,
      TAG,
    );
  };
  registry.fault({
    method: 'PUT',
    path: `/manifests/${TAG}`,
    body: (real) => {
      overwrite();
      return real;
    },
  });
}

test('with the referrers API, pushing is all', async () => {
  const registry = await start();
  const one = signature('one');
  assert.deepEqual(await attach(connect(), registry, one), { descriptor: one.descriptor, via: 'api' });
  assert.equal(registry.repository('team/app').tags.has(TAG), false);
  assert.equal(registry.count('GET'), 0);
  await attach(connect(), registry, one);
  assert.equal(registry.repository('team/app').referrers(formatDigest(subject.digest)).length, 1, 'nothing is attached twice');
});

test('without it, the fallback index is written as the specification has it', async () => {
  const registry = await start({ referrersApi: false });
  const one = signature('one');
  assert.deepEqual(await attach(connect(), registry, one), { descriptor: one.descriptor, via: 'fallback-tag' });
  const store = registry.repository('team/app');
  const document = parseJsonObject(store.manifests.get(store.tags.get(TAG) as string)?.bytes as Uint8Array, { what: 'it' });
  assert.deepEqual(document, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [
      {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: formatDigest(one.descriptor.digest),
        size: one.descriptor.size,
        annotations: { name: 'one' },
        artifactType: 'application/x.signature',
      },
    ],
  });
  await attach(connect(), registry, one);
  assert.equal(listed(registry).length, 1, 'nothing is attached twice');
  const found = await connect().referrers(at(registry), subject.digest);
  assert.equal(found.fallbackTag.state, 'complete');
});

test('what others wrote into the index stays, understood or not', async () => {
  const registry = await start({ referrersApi: false });
  const store = registry.repository('team/app');
  const foreign: JsonObject = {
    mediaType: MEDIA_TYPES.ociManifest,
    digest: `sha256:${'a'.repeat(64)}`,
    size: 7,
    artifactType: MEDIA_TYPES.empty,
    'x-unknown': [1, { a: null }],
    data: 'e30=',
  };
  store.manifests.set(`sha256:${'a'.repeat(64)}`, { bytes: utf8('{}'), mediaType: 'a/b' });
  store.putManifest(
    utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, 'x-top': 'kept', annotations: { a: 'b' }, manifests: [foreign] })),
    MEDIA_TYPES.ociIndex,
    TAG,
  );
  await attach(connect(), registry, signature('one'));
  const document = parseJsonObject(store.manifests.get(store.tags.get(TAG) as string)?.bytes as Uint8Array, { what: 'it' });
  assert.equal(document['x-top'], 'kept');
  assert.deepEqual(document.annotations, { a: 'b' });
  assert.deepEqual((document.manifests as JsonObject[])[0], foreign);
  assert.equal((document.manifests as JsonObject[]).length, 2);
});

test('something else under the fallback tag is never overwritten', async () => {
  const registry = await start({ referrersApi: false });
  registry.repository('team/app').putManifest(image.manifest, subject.mediaType, TAG);
  await assert.rejects(attach(connect(), registry, signature('one')), { code: 'ERR_MANIFEST_INVALID' });
  assert.equal(registry.repository('team/app').tags.get(TAG), formatDigest(subject.digest));
  const broken = await start({ referrersApi: false });
  broken.repository('team/app').putManifest(utf8('{"schemaVersion":2,"manifests":['), MEDIA_TYPES.ociIndex, TAG);
  await assert.rejects(attach(connect(), broken, signature('one')), { code: 'ERR_MANIFEST_INVALID' });
});

test('an index that cannot be read is not replaced by an empty one', async () => {
  for (const status of [401, 403, 500]) {
    const registry = await start({ referrersApi: false });
    await attach(connect(), registry, signature('one'));
    registry.fault({ method: 'GET', path: `/manifests/${TAG}`, status });
    await assert.rejects(attach(connect(), registry, signature('two')));
    assert.equal(listed(registry).length, 1);
  }
});

test('one over the bound of the index is refused, and the index stays as it is', () => {
  const entries = Array.from(
    { length: LIMITS.descriptorsListed },
    (_, i): Descriptor => ({ ...subject, digest: { algorithm: 'sha256', hex: i.toString(16).padStart(64, '0') } }),
  );
  const full = mergeIndex(undefined, entries, 'it');
  assert.equal((parseManifest(full) as Index).manifests.length, LIMITS.descriptorsListed);
  assert.throws(() => mergeIndex(full, [subject], 'it'), { code: 'ERR_TOO_LARGE' });
});

test('another writer that overwrites the entry before we look again is survived', async () => {
  for (const times of [1, 2, 5]) {
    const registry = await start({ referrersApi: false });
    const other = signature('other');
    overwriteAfterPut(registry, [other], times);
    const mine = signature('mine');
    await attach(connect(), registry, mine);
    assert.deepEqual(listed(registry).sort(), digestsOf([mine, other]).sort());
  }
});

test('another writer that overwrites the entry after the first look is survived too', async () => {
  const registry = await start({ referrersApi: false });
  const clock = new FixedClock();
  const mine = signature('mine');
  const other = signature('other');
  const done = attach(connect(clock), registry, mine);
  while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(listed(registry), digestsOf([mine]), 'written, read back, and waiting');
  registry.repository('team/app').putManifest(other.manifest, other.descriptor.mediaType);
  registry.repository('team/app').putManifest(mergeIndex(undefined, [other.descriptor], 'x'), MEDIA_TYPES.ociIndex, TAG);
  await clock.runAsleep([done]);
  assert.deepEqual(listed(registry).sort(), digestsOf([mine, other]).sort());
});

test('a writer that never wins says so, with the digest that is pushed but not listed', async () => {
  const registry = await start({ referrersApi: false });
  overwriteAfterPut(registry, [signature('other')], Number.POSITIVE_INFINITY);
  const mine = signature('mine');
  await assert.rejects(attach(connect(), registry, mine), (error: Error & { code: string; retryable: boolean }) => {
    assert.equal(error.code, 'ERR_ATTACH_CONTENDED');
    assert.ok(error.message.includes(formatDigest(mine.descriptor.digest)));
    assert.equal(error.retryable, true);
    return true;
  });
  assert.ok(registry.repository('team/app').manifests.has(formatDigest(mine.descriptor.digest)));
  registry.clearFaults();
  await attach(connect(), registry, mine);
  assert.ok(listed(registry).includes(formatDigest(mine.descriptor.digest)), 'the same command again heals it');
});

/** A stream of numbers in [0, 1) that is the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

for (const [conditionalWrites, seed] of [
  [false, 1],
  [false, 2],
  [false, 3],
  [true, 4],
] as const) {
  test(`100 attaches by two writers at once lose nothing (${conditionalWrites ? 'with' : 'without'} conditional writes, seed ${seed})`, async () => {
    const registry = await start({ referrersApi: false, conditionalWrites });
    const clock = new FixedClock();
    const random = seeded(seed);
    // Every request for the index takes up to 100 ms to arrive and as long to come back, so writes overtake each other.
    const slow = { ...gate(), pass: () => clock.sleep(random() * 100) };
    registry.fault({ path: `/manifests/${TAG}`, before: slow, after: slow });
    const all = Array.from({ length: 100 }, (_, i) => signature(`signature ${i}`));
    await clock.runAsleep(
      [0, 1].map(async (who) => {
        for (const built of all.filter((_, i) => i % 2 === who)) {
          // A new client for each, so that none remembers what it attached before: as when a command is run again and again.
          const client = connect(clock, random);
          await client.attach(at(registry), { manifest: built.manifest, blobs: built.blobs }, { deadline: Number.POSITIVE_INFINITY });
          client.close();
        }
      }),
    );
    assert.deepEqual(listed(registry).sort(), digestsOf(all).sort());
  });
}

test('an entry whose manifest was deleted meanwhile does not stop the next attachment', async () => {
  const registry = await start({ referrersApi: false });
  const [one, two, three] = ['one', 'two', 'three'].map(signature) as [BuiltArtifact, BuiltArtifact, BuiltArtifact];
  await attach(connect(), registry, one);
  await attach(connect(), registry, two);
  await connect().deleteManifest(at(registry), one.descriptor.digest);
  await attach(connect(), registry, three);
  assert.deepEqual(listed(registry), digestsOf([two, three]));
});

test('many attachments of one client at once wait for each other, and settle together', async () => {
  const registry = await start({ referrersApi: false });
  const client = connect();
  const all = Array.from({ length: 20 }, (_, i) => signature(`signature ${i}`));
  await Promise.all(all.map((built) => attach(client, registry, built)));
  assert.deepEqual(listed(registry).sort(), digestsOf(all).sort());
  assert.equal(registry.count(`PUT /v2/team/app/manifests/${TAG}`), 2, 'who waits is listed together with all who wait');
});

test('an ETag is sent back as If-Match, so that nothing can be overwritten where the registry knows how', async () => {
  const registry = await start({ referrersApi: false, conditionalWrites: true });
  await attach(connect(), registry, signature('one'));
  const hold = gate();
  registry.fault({ method: 'PUT', path: `/manifests/${TAG}`, before: hold, times: 1 });
  const late = attach(connect(), registry, signature('late'));
  await hold.reached;
  await attach(connect(), registry, signature('quick'));
  hold.open();
  await late;
  assert.equal(listed(registry).length, 3);
  assert.ok(registry.journal.some(({ status }) => status === 412));
});

test('what is attached must name its subject, and its blobs must be what they say', async () => {
  const registry = await start();
  const client = connect();
  await assert.rejects(client.attach(at(registry), { manifest: image.manifest, blobs: image.blobs }), { code: 'ERR_MANIFEST_INVALID' });
  const one = signature('one');
  const blobs = one.blobs.map(({ digest }) => ({ digest, bytes: utf8('other') }));
  await assert.rejects(client.attach(at(registry), { manifest: one.manifest, blobs }), { code: 'ERR_DIGEST_MISMATCH' });
  assert.equal(registry.count('PUT'), 0);
});

test('a write of the index that is lost, or done but reported lost, leads to one entry', async () => {
  for (const drop of ['before', 'after'] as const) {
    const registry = await start({ referrersApi: false });
    registry.fault({ method: 'PUT', path: `/manifests/${TAG}`, drop, times: 1 });
    const one = signature('one');
    await attach(connect(), registry, one);
    assert.deepEqual(listed(registry), digestsOf([one]));
  }
});

test('an abort while waiting leaves the entry written and says that it could not make sure', async () => {
  const registry = await start({ referrersApi: false });
  const clock = new FixedClock();
  const controller = new AbortController();
  const one = signature('one');
  const done = connect(clock).attach(at(registry), { manifest: one.manifest, blobs: one.blobs }, { signal: controller.signal });
  while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await assert.rejects(done, { code: 'ERR_INTERRUPTED' });
  assert.deepEqual(listed(registry), digestsOf([one]));
});

test('several images side by side do not wait for each other', async () => {
  const registry = await start({ referrersApi: false });
  const client = connect();
  const other = buildImage({ other: 'image' });
  await pushArtifact(client, at(registry), other, 'other');
  const second = buildReferrer({ artifactType: 'application/x', subject: other.descriptor, payload: utf8('x') });
  const hold = gate();
  registry.fault({ method: 'GET', path: `/manifests/${TAG}`, before: hold });
  const first = attach(client, registry, signature('one'));
  await hold.reached;
  await attach(client, registry, second);
  hold.open();
  await first;
});
