import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Descriptor, formatDigest, type Lookup, MEDIA_TYPES, parseReference, type Reference, referrersTag } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { type BuiltArtifact, buildImage, buildIndex, buildReferrer, pushArtifact } from '../../testing/index.ts';
import { collect } from '../http/index.ts';
import { LayoutRegistry, openRegistry } from './index.ts';

let folder: string;
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-layout-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const fresh = (tag = ''): Reference => parseReference(`oci:${join(folder, `layout ${count++}`)}${tag}`);
const codeOf = (lookup: Lookup<unknown>): string => (lookup.state === 'unavailable' ? lookup.cause.code : lookup.state);
const image = buildImage({ 'hello.txt': 'hello' });
const signature = (text: string): BuiltArtifact => buildReferrer({ artifactType: 'application/x.signature', subject: image.descriptor, payload: utf8(text) });
const layouts = new LayoutRegistry();

test('an image goes into a folder and comes out of it', async () => {
  const at = fresh();
  const index = buildIndex([image, buildImage({ a: 'b' }, { platform: { os: 'linux', architecture: 'arm64' } })]);
  await pushArtifact(layouts, at, index, 'v1');
  assert.deepEqual(JSON.parse(await readFile(join(at.repository, 'oci-layout'), 'utf8')), { imageLayoutVersion: '1.0.0' });
  const found = await layouts.manifest(at, 'v1');
  assert.ok(found.state === 'complete' && found.value.manifest.kind === 'index');
  assert.deepEqual(found.value.descriptor, index.descriptor);
  for (const entry of found.value.manifest.manifests) {
    const child = await layouts.manifest(at, entry.digest);
    assert.ok(child.state === 'complete' && child.value.manifest.kind === 'manifest');
    const layer = child.value.manifest.layers[0] as Descriptor;
    assert.equal(codeOf(await layouts.blob(at, layer, { maxBytes: 10_000 })), 'complete');
    const stream = await layouts.blobStream(at, layer, { maxBytes: 10_000 });
    assert.ok(stream.state === 'complete');
    assert.equal((await collect(stream.value)).length, layer.size);
  }
  assert.deepEqual(await layouts.tags(at), { state: 'complete', value: ['v1'] });
  assert.ok(!(await readdir(at.repository)).some((name) => name.includes('tmp') || name.includes('lock')), 'nothing is left beside');
});

test('a reference without a tag means the only entry, or none that can be guessed', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image);
  const found = await layouts.describe(at);
  assert.ok(found.state === 'complete');
  assert.deepEqual(found.value.digest, image.descriptor.digest);
  await pushArtifact(layouts, at, buildImage({ other: 'x' }), 'v2');
  assert.equal(codeOf(await layouts.describe(at)), 'ERR_MANIFEST_INVALID');
  assert.equal(codeOf(await layouts.describe({ ...at, tag: 'v2' })), 'complete');
  assert.equal(codeOf(await layouts.describe({ ...at, tag: 'v3' })), 'absent');
  assert.equal(codeOf(await layouts.resolve({ ...at, digest: image.descriptor.digest })), 'complete');
});

test('a tag moves, and naming an entry does not list it twice', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image);
  await pushArtifact(layouts, at, image, 'v1');
  await pushArtifact(layouts, at, image, 'v1');
  await pushArtifact(layouts, at, image, 'v2');
  const listed = JSON.parse(await readFile(join(at.repository, 'index.json'), 'utf8')) as { manifests: unknown[] };
  assert.equal(listed.manifests.length, 2);
  const other = buildImage({ other: 'x' });
  await pushArtifact(layouts, at, other, 'v1');
  const moved = await layouts.resolve({ ...at, tag: 'v1' });
  assert.deepEqual(moved.state === 'complete' && moved.value.digest, other.descriptor.digest);
  await layouts.deleteManifest(at, 'v1');
  await layouts.deleteManifest(at, 'v1');
  assert.equal(codeOf(await layouts.resolve({ ...at, tag: 'v1' })), 'absent');
  await layouts.deleteManifest(at, image.descriptor.digest);
  assert.deepEqual(await layouts.tags(at), { state: 'complete', value: [] });
});

test('what is attached is found, in the listing and under the fallback tag', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image, 'v1');
  assert.deepEqual(await layouts.referrers(at, image.descriptor.digest), { api: { state: 'complete', value: [] }, fallbackTag: { state: 'absent' } });
  const one = signature('one');
  assert.deepEqual(await layouts.attach(at, { manifest: one.manifest, blobs: one.blobs }), { descriptor: one.descriptor, via: 'api' });
  await layouts.attach(at, { manifest: one.manifest, blobs: one.blobs });
  const found = await layouts.referrers(at, image.descriptor.digest);
  assert.ok(found.api.state === 'complete');
  assert.deepEqual(found.api.value, [{ ...one.descriptor, artifactType: 'application/x.signature' }]);
  await pushArtifact(layouts, at, buildIndex([one]), referrersTag(image.descriptor.digest));
  const both = await layouts.referrers(at, image.descriptor.digest);
  assert.ok(both.fallbackTag.state === 'complete' && both.fallbackTag.value.length === 1);
  await assert.rejects(layouts.attach(at, { manifest: image.manifest, blobs: [] }), { code: 'ERR_MANIFEST_INVALID' });
  assert.equal(codeOf(await layouts.attachment(at, image.descriptor.digest, 'sig')), 'absent');
});

test('many writers at once lose nothing', async () => {
  const at = fresh();
  const all = Array.from({ length: 20 }, (_, i) => signature(`signature ${i}`));
  await Promise.all(all.map(({ manifest, blobs }) => new LayoutRegistry().attach(at, { manifest, blobs })));
  const found = await layouts.referrers(at, image.descriptor.digest);
  assert.ok(found.api.state === 'complete');
  assert.deepEqual(found.api.value.map(({ digest }) => formatDigest(digest)).sort(), all.map(({ descriptor }) => formatDigest(descriptor.digest)).sort());
});

test('what others wrote into index.json stays', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image, 'v1');
  const path = join(at.repository, 'index.json');
  const index = JSON.parse(await readFile(path, 'utf8')) as { manifests: Record<string, unknown>[] };
  index.manifests[0] = { ...index.manifests[0], 'x-unknown': { a: [1] } };
  await writeFile(path, JSON.stringify({ ...index, 'x-top': 1 }));
  await layouts.attach(at, { manifest: signature('one').manifest, blobs: signature('one').blobs });
  const after_ = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown> & { manifests: Record<string, unknown>[] };
  assert.equal(after_['x-top'], 1);
  assert.deepEqual(after_.manifests[0]?.['x-unknown'], { a: [1] });
});

test('a folder that lies is found out', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image, 'v1');
  const blob = image.blobs[1] as { digest: Descriptor['digest']; bytes: Uint8Array };
  const pathOf = ({ algorithm, hex }: Descriptor['digest']): string => join(at.repository, 'blobs', algorithm, hex);
  const flipped = blob.bytes.slice();
  flipped[0] = (flipped[0] as number) ^ 1;
  await writeFile(pathOf(blob.digest), flipped);
  assert.equal(codeOf(await layouts.blob(at, blob.digest, { maxBytes: 10_000 })), 'ERR_DIGEST_MISMATCH');
  const stream = await layouts.blobStream(at, blob.digest, { maxBytes: 10_000 });
  assert.ok(stream.state === 'complete');
  await assert.rejects(collect(stream.value), { code: 'ERR_DIGEST_MISMATCH' });
  await writeFile(pathOf(image.descriptor.digest), `${Buffer.from(image.manifest).toString()} `);
  assert.equal(codeOf(await layouts.manifest(at, 'v1')), 'ERR_DIGEST_MISMATCH');
  assert.equal(codeOf(await layouts.referrers(at, image.descriptor.digest).then(({ api }) => api)), 'ERR_DIGEST_MISMATCH');
  // Another writing of the same name heals it, as a digest can only have one content.
  await pushArtifact(layouts, at, image, 'v1');
  assert.equal(codeOf(await layouts.manifest(at, 'v1')), 'complete');
  assert.equal(codeOf(await layouts.blob(at, blob.digest, { maxBytes: 10_000 })), 'complete');
});

test('one over each bound, and folders that are none', async () => {
  const at = fresh();
  assert.equal(codeOf(await layouts.describe(at)), 'ERR_FILE_UNREADABLE');
  await pushArtifact(layouts, at, image, 'v1');
  const blob = image.blobs[1] as { digest: Descriptor['digest']; bytes: Uint8Array };
  assert.equal(codeOf(await layouts.blob(at, blob.digest, { maxBytes: blob.bytes.length })), 'complete');
  assert.equal(codeOf(await layouts.blob(at, blob.digest, { maxBytes: blob.bytes.length - 1 })), 'ERR_TOO_LARGE');
  assert.equal(codeOf(await layouts.blobStream(at, blob.digest, { maxBytes: blob.bytes.length - 1 })), 'ERR_TOO_LARGE');
  const { algorithm, hex } = image.descriptor.digest;
  await truncate(join(at.repository, 'blobs', algorithm, hex), LIMITS.manifestBytes + 1);
  assert.equal(codeOf(await layouts.manifest(at, 'v1')), 'ERR_TOO_LARGE');
  const entry = { mediaType: MEDIA_TYPES.ociManifest, digest: `sha256:${'a'.repeat(64)}`, size: 1 };
  const broken: [string, string][] = [
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests: Array.from({ length: LIMITS.descriptorsListed + 1 }, () => entry) })],
    ['index.json', '{'],
    ['index.json', '{"manifests":{}}'],
    ['index.json', '{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}'],
    ['oci-layout', '{"imageLayoutVersion":"2.0.0"}'],
  ];
  for (const [name, content] of broken) {
    const bad = fresh();
    await pushArtifact(layouts, bad, image, 'v1');
    await writeFile(join(bad.repository, name), content);
    assert.match(codeOf(await layouts.describe({ ...bad, tag: 'v1' })), /^ERR_(TOO_LARGE|JSON_INVALID|MANIFEST_INVALID)$/, content.slice(0, 60));
    assert.match(codeOf(await layouts.tags(bad)), /^ERR_/);
    await assert.rejects(pushArtifact(layouts, bad, image, 'v2'), content.slice(0, 60));
    assert.equal(await readFile(join(bad.repository, name), 'utf8'), content, 'nothing is written over what is not understood');
  }
  const file = fresh();
  await writeFile(file.repository, 'a file');
  assert.equal(codeOf(await layouts.describe(file)), 'ERR_FILE_UNREADABLE');
  await assert.rejects(pushArtifact(layouts, file, image), { code: 'ERR_FILE_UNREADABLE' });
});

test('a media type in index.json that is not the one of the manifest is refused', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image, 'v1');
  const path = join(at.repository, 'index.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace(MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex));
  assert.equal(codeOf(await layouts.manifest(at, 'v1')), 'ERR_MANIFEST_INVALID');
});

test('the lock of a writer that died does not hold for ever', async () => {
  const at = fresh();
  await mkdir(at.repository);
  const lock = join(at.repository, '.sealward-lock');
  await writeFile(lock, '');
  await assert.rejects(layouts.pushManifest(at, image.manifest, { deadline: 0 }), { code: 'ERR_DEADLINE' });
  await rm(lock);
  await writeFile(lock, '');
  const { utimes } = await import('node:fs/promises');
  await utimes(lock, 0, 0);
  await layouts.pushManifest(at, image.manifest, { tag: 'v1' });
});

test('one registry serves both kinds of references', async () => {
  const registry = openRegistry();
  const at = fresh();
  await pushArtifact(registry, at, image, 'v1');
  assert.equal(codeOf(await registry.resolve({ ...at, tag: 'v1' })), 'complete');
  registry.close();
});
