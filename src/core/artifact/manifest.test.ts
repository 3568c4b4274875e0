import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonObject, LIMITS, utf8 } from '../encoding/index.ts';
import { type ErrorCode, SealwardError } from '../errors.ts';
import {
  descriptorToJson,
  effectiveArtifactType,
  formatPlatform,
  type Index,
  type Manifest,
  MEDIA_TYPES,
  parseDescriptor,
  parseManifest,
  parsePlatform,
  selectPlatform,
} from './index.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: MEDIA_TYPES.ociConfig, digest: DIGEST, size: 2 };
const layer = { mediaType: MEDIA_TYPES.ociLayer, digest: DIGEST, size: 3 };
const manifest: JsonObject = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer] };
const index: JsonObject = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [{ mediaType: MEDIA_TYPES.ociManifest, digest: DIGEST, size: 5 }] };

const times = (count: number, entry: JsonObject): JsonObject[] => Array.from({ length: count }, () => entry);
const bytesOf = (document: unknown): Uint8Array => utf8(JSON.stringify(document));
const without = (document: JsonObject, member: string): JsonObject => Object.fromEntries(Object.entries(document).filter(([key]) => key !== member));

function refused(document: unknown, code: ErrorCode = 'ERR_MANIFEST_INVALID', contentType?: string): void {
  assert.throws(
    () => parseManifest(document instanceof Uint8Array ? document : bytesOf(document), contentType),
    (error) => error instanceof SealwardError && error.code === code,
    document instanceof Uint8Array ? 'bytes' : JSON.stringify(document).slice(0, 200),
  );
}

test('OCI and Docker manifests and indexes are read', () => {
  for (const [kind, document, types] of [
    ['manifest', manifest, [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest]],
    ['index', index, [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex]],
  ] as const) {
    for (const mediaType of types) {
      const parsed = parseManifest(bytesOf({ ...document, mediaType }), `${mediaType}; charset=utf-8`);
      assert.equal(parsed.kind, kind);
      assert.equal(parsed.mediaType, mediaType);
    }
  }
});

test('an OCI document may leave its type out, a Docker one may not', () => {
  assert.equal(parseManifest(bytesOf(without(manifest, 'mediaType'))).mediaType, MEDIA_TYPES.ociManifest);
  assert.equal(parseManifest(bytesOf(without(index, 'mediaType'))).mediaType, MEDIA_TYPES.ociIndex);
  assert.equal(parseManifest(bytesOf(without(index, 'mediaType')), MEDIA_TYPES.ociIndex).kind, 'index');
  refused(without(manifest, 'mediaType'), 'ERR_MANIFEST_INVALID', MEDIA_TYPES.dockerManifest);
});

test('one digest with two meanings is refused (CVE-2021-41190)', () => {
  refused({ ...manifest, manifests: index.manifests });
  refused({ ...index, layers: [] });
  refused({ ...index, config });
  refused(manifest, 'ERR_MANIFEST_INVALID', MEDIA_TYPES.ociIndex);
  refused(manifest, 'ERR_MANIFEST_INVALID', MEDIA_TYPES.dockerManifest);
  refused(manifest, 'ERR_MANIFEST_INVALID', 'application/json');
  refused(manifest, 'ERR_MANIFEST_INVALID', '');
  refused(without(manifest, 'mediaType'), 'ERR_MANIFEST_INVALID', MEDIA_TYPES.ociIndex);
  refused({ ...manifest, mediaType: MEDIA_TYPES.ociIndex });
  refused({ ...manifest, mediaType: 'application/vnd.docker.distribution.manifest.v1+json' });
  refused({ ...manifest, fsLayers: [] });
  refused({ ...manifest, schemaVersion: 1 });
  refused(without(manifest, 'schemaVersion'));
  refused({ ...manifest, mediaType: '__proto__' });
  refused({ ...manifest, mediaType: 'constructor' });
});

test('every member of the wrong type, null or missing, one at a time, is refused or means nothing', () => {
  const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: DIGEST, size: 1 };
  const full: JsonObject = { ...manifest, artifactType: 'application/x', subject, annotations: { a: 'b' } };
  const optional = new Set(['mediaType', 'artifactType', 'subject', 'annotations']);
  for (const member of Object.keys(full)) {
    for (const wrong of [null, 7, 'text', true, [], {}, [[]], -1]) {
      try {
        parseManifest(bytesOf({ ...full, [member]: wrong }));
        const allowed = optional.has(member) && (wrong === null || (member === 'annotations' && JSON.stringify(wrong) === '{}'));
        const emptyList = member === 'layers' && JSON.stringify(wrong) === '[]';
        assert.ok(allowed || emptyList, `${member}: ${JSON.stringify(wrong)}`);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_MANIFEST_INVALID', String(error));
      }
    }
    if (!optional.has(member)) refused(without(full, member));
  }
});

test('descriptors are held to their grammar', () => {
  for (const wrong of [
    { ...layer, size: -1 },
    { ...layer, size: 1.5 },
    { ...layer, size: '3' },
    { ...layer, digest: 'sha256:abc' },
    { ...layer, digest: `sha256:${'a'.repeat(64)}/../x` },
    { ...layer, digest: 7 },
    { ...layer, mediaType: 'nothing' },
    { ...layer, mediaType: 'a/b; c=d' },
    { ...layer, annotations: { a: 1 } },
    { ...layer, annotations: ['a'] },
    { ...layer, platform: 'linux' },
    { ...layer, artifactType: [] },
    without(layer, 'digest'),
    without(layer, 'size'),
    without(layer, 'mediaType'),
    null,
    'x',
  ]) {
    refused({ ...manifest, layers: [wrong] });
  }
});

test('hostile JSON is refused with the code of manifests', () => {
  refused(utf8('{"schemaVersion":2,'));
  refused(utf8('{"schemaVersion":2,"schemaVersion":2}'));
  refused(new Uint8Array([0x7b, 0xff, 0x7d]));
  refused(utf8(`${'['.repeat(100_000)}${']'.repeat(100_000)}`));
  refused(utf8('[]'));
  refused(utf8(''));
});

test('one over each bound', () => {
  const entry = { mediaType: MEDIA_TYPES.ociManifest, digest: DIGEST, size: 5 };
  assert.equal((parseManifest(bytesOf({ ...index, manifests: times(LIMITS.descriptorsListed, entry) })) as Index).manifests.length, 1000);
  refused({ ...index, manifests: times(LIMITS.descriptorsListed + 1, entry) }, 'ERR_TOO_LARGE');
  refused({ ...manifest, layers: times(LIMITS.descriptorsListed + 1, layer) }, 'ERR_TOO_LARGE');
  const text = JSON.stringify(manifest);
  assert.equal(parseManifest(utf8(text.padEnd(LIMITS.manifestBytes))).kind, 'manifest');
  refused(utf8(text.padEnd(LIMITS.manifestBytes + 1)), 'ERR_TOO_LARGE');
});

test('the type of an artifact is its own, or that of its config', () => {
  assert.equal(effectiveArtifactType(parseManifest(bytesOf({ ...manifest, artifactType: 'application/x' }))), 'application/x');
  assert.equal(effectiveArtifactType(parseManifest(bytesOf(manifest))), MEDIA_TYPES.ociConfig);
  assert.equal(effectiveArtifactType(parseManifest(bytesOf({ ...manifest, artifactType: '' }))), MEDIA_TYPES.ociConfig);
  assert.equal(effectiveArtifactType(parseManifest(bytesOf(index))), undefined);
});

test('a platform picks the entry that is meant', () => {
  const entry = (letter: string, platform: JsonObject | undefined): JsonObject => ({
    mediaType: MEDIA_TYPES.ociManifest,
    digest: `sha256:${letter.repeat(64)}`,
    size: 1,
    ...(platform ? { platform } : {}),
  });
  const parsed = parseManifest(
    bytesOf({
      ...index,
      manifests: [
        entry('0', undefined),
        entry('1', { os: 'unknown', architecture: 'unknown' }),
        entry('2', { os: 'linux', architecture: 'amd64' }),
        entry('3', { os: 'linux', architecture: 'arm', variant: 'v6' }),
        entry('4', { os: 'linux', architecture: 'arm', variant: 'v7' }),
        entry('5', { os: 'linux', architecture: 'arm64', variant: 'v8' }),
        entry('6', { os: 'windows', architecture: 'amd64' }),
        entry('7', { os: 'linux', architecture: 's390x', variant: 'z15' }),
      ],
    }),
  ) as Index;
  const pick = (text: string): string | undefined => selectPlatform(parsed, parsePlatform(text))?.digest.hex[0];
  assert.equal(pick('linux/amd64'), '2');
  assert.equal(pick('windows/amd64'), '6');
  assert.equal(pick('linux/arm'), '4', 'the usual variant');
  assert.equal(pick('linux/arm/v6'), '3');
  assert.equal(pick('linux/arm/v5'), undefined);
  assert.equal(pick('linux/arm64'), '5');
  assert.equal(pick('linux/arm64/v8'), '5');
  assert.equal(pick('linux/amd64/v1'), '2', 'no variant stands for the usual one');
  assert.equal(pick('linux/amd64/v3'), undefined);
  assert.equal(pick('linux/s390x'), '7');
  assert.equal(pick('linux/riscv64'), undefined);
});

test('platforms are written as everywhere', () => {
  assert.equal(formatPlatform(parsePlatform('linux/arm/v7')), 'linux/arm/v7');
  for (const bad of ['', 'linux', 'linux/', '/amd64', 'linux/amd64/v1/x', 'linux amd64', 'Linux/amd64', 'a/'.repeat(1e6)]) {
    assert.throws(() => parsePlatform(bad), { code: 'ERR_USAGE' });
  }
});

test('law: a descriptor parses to itself after it is written', () => {
  const text = fc.string({ minLength: 1, maxLength: 10 }).filter((key) => key !== '__proto__');
  const arbitrary = fc.record(
    {
      mediaType: fc.constantFrom('a/b', MEDIA_TYPES.ociLayer),
      digest: fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => ({ algorithm: 'sha256' as const, hex })),
      size: fc.nat(),
      artifactType: fc.constant('application/x+json'),
      annotations: fc.dictionary(text, text),
      platform: fc.record({ os: text, architecture: text, variant: text }, { requiredKeys: ['os', 'architecture'] }),
    },
    { requiredKeys: ['mediaType', 'digest', 'size'] },
  );
  fc.assert(
    fc.property(arbitrary, (descriptor) => {
      const again = parseDescriptor(descriptorToJson(descriptor), 'it');
      assert.deepEqual(JSON.stringify(descriptorToJson(again)), JSON.stringify(descriptorToJson(descriptor)));
    }),
  );
});

test('law: flipping any one byte gives a manifest or a coded error', () => {
  const bytes = bytesOf({ ...manifest, artifactType: 'application/x', annotations: { a: 'b' } });
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 32, 128]) {
      const mutant = bytes.slice();
      mutant[at] = (mutant[at] as number) ^ bit;
      try {
        const parsed: Manifest | Index = parseManifest(mutant);
        assert.ok(parsed.kind === 'manifest');
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_MANIFEST_INVALID', String(error));
      }
    }
  }
});
