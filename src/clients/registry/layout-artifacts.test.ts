import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { attachmentTag, formatDigest, parseReference, type Reference, referrersTag } from '../../core/artifact/index.ts';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { type BuiltArtifact, buildImage, buildIndex, buildReferrer, pushArtifact } from '../../testing/index.ts';
import { LayoutRegistry } from './index.ts';

let folder: string;
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-layout-artifacts-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const layouts = new LayoutRegistry();
const fresh = (): Reference => parseReference(`oci:${join(folder, String(count++))}`);
const image = buildImage({ 'hello.txt': 'hello' });
const signature = (of: BuiltArtifact): BuiltArtifact =>
  buildReferrer({ artifactType: 'application/x.signature', subject: of.descriptor, payload: utf8('signed') });

async function meant(at: Reference): Promise<string> {
  const found = await layouts.describe(at);
  return found.state === 'complete' ? formatDigest(found.value.digest) : found.state === 'unavailable' ? found.cause.code : found.state;
}

async function editIndex(at: Reference, edit: (manifests: JsonObject[]) => JsonObject[]): Promise<void> {
  const path = join(at.repository, 'index.json');
  const index = JSON.parse(await readFile(path, 'utf8')) as { manifests: JsonObject[] };
  await writeFile(path, JSON.stringify({ ...index, manifests: edit(index.manifests) }));
}

test('what is attached to the only image does not make a reference without a tag ambiguous', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image);
  const { manifest, blobs } = signature(image);
  await layouts.attach(at, { manifest, blobs });
  await pushArtifact(layouts, at, buildIndex([signature(image)]), referrersTag(image.descriptor.digest));
  await pushArtifact(layouts, at, buildImage({ layer: 'payload' }), attachmentTag(image.descriptor.digest, 'sig'));
  assert.equal(await meant(at), formatDigest(image.descriptor.digest));
});

test('neither does a second tag of the same image, nor the parts of an index', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image, 'v1');
  await pushArtifact(layouts, at, image, 'latest');
  assert.equal(await meant(at), formatDigest(image.descriptor.digest));
  const other = fresh();
  const index = buildIndex([image, buildImage({ a: 'b' }, { platform: { os: 'linux', architecture: 'arm64' } })]);
  await pushArtifact(layouts, other, index, 'v1');
  assert.equal(await meant(other), formatDigest(index.descriptor.digest));
  // A part with a tag of its own may be meant as well.
  await pushArtifact(layouts, other, image, 'amd64');
  assert.equal(await meant(other), 'ERR_MANIFEST_INVALID');
});

test('a folder of cosign save: the image, its attachments, and bundles that index.json does not list', async () => {
  const at = fresh();
  const attached = signature(image);
  const legacy = buildImage({ layer: 'payload' });
  for (const built of [image, attached, legacy]) await pushArtifact(layouts, at, built);
  const kinds = new Map([
    [formatDigest(image.descriptor.digest), 'dev.cosignproject.cosign/image'],
    [formatDigest(legacy.descriptor.digest), 'dev.cosignproject.cosign/sigs'],
  ]);
  await editIndex(at, (manifests) =>
    manifests.flatMap((entry) => {
      const kind = kinds.get(entry['digest'] as string);
      return kind === undefined ? [] : [{ ...entry, annotations: { kind } }];
    }),
  );
  assert.equal(await meant(at), formatDigest(image.descriptor.digest));
  const { api } = await layouts.referrers(at, image.descriptor.digest);
  assert.deepEqual(api.state === 'complete' && api.value.map(({ digest }) => digest), [attached.descriptor.digest]);
  const sig = await layouts.attachment(at, image.descriptor.digest, 'sig');
  assert.deepEqual(sig.state === 'complete' && sig.value.descriptor.digest, legacy.descriptor.digest);
  assert.equal((await layouts.attachment(at, image.descriptor.digest, 'att')).state, 'absent');
  // They belong to that image alone, and elsewhere nothing is looked for among the blobs.
  assert.equal((await layouts.attachment(at, attached.descriptor.digest, 'sig')).state, 'absent');
  await editIndex(at, (manifests) => manifests.map((entry) => ({ ...entry, annotations: {} })));
  const plain = await layouts.referrers(at, image.descriptor.digest);
  assert.deepEqual(plain.api, { state: 'complete', value: [] });
});

test('one file more than are looked through is refused, and says so', async () => {
  const at = fresh();
  await pushArtifact(layouts, at, image);
  await editIndex(at, (manifests) => manifests.map((entry) => ({ ...entry, annotations: { kind: 'dev.cosignproject.cosign/image' } })));
  const blobs = join(at.repository, 'blobs', 'sha256');
  const present = 3;
  for (let i = present; i < LIMITS.descriptorsListed; i++) await writeFile(join(blobs, String(i).padStart(64, '0')), '');
  // Empty files under names that are not their digests are no manifests, and no good folder holds them.
  assert.equal((await layouts.referrers(at, image.descriptor.digest)).api.state, 'unavailable');
  await writeFile(join(blobs, 'f'.repeat(64)), '');
  const { api } = await layouts.referrers(at, image.descriptor.digest);
  assert.equal(api.state === 'unavailable' && api.cause.code, 'ERR_TOO_LARGE');
});
