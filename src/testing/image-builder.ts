/** Small real images, built from files: deterministic, so that their digests can stand in a test. */
import { gzipSync } from 'node:zlib';
import type { Registry } from '../clients/registry/index.ts';
import {
  type Descriptor,
  type Digest,
  descriptorToJson,
  digestOf,
  formatDigest,
  MEDIA_TYPES,
  type Platform,
  type RepositoryName,
} from '../core/artifact/index.ts';
import { type JsonObject, utf8 } from '../core/encoding/index.ts';
import { writeTar } from './tar.ts';

export interface BuiltBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Something that can be pushed: a manifest or index, and the blobs that it names. */
export interface BuiltArtifact {
  readonly descriptor: Descriptor;
  readonly manifest: Uint8Array;
  readonly blobs: readonly BuiltBlob[];
  /** For an index: the images that it lists. */
  readonly children: readonly BuiltArtifact[];
}

export interface ImageOptions {
  /** `oci` (default) or `docker` for Docker's v2 schema 2. */
  readonly form?: 'oci' | 'docker';
  readonly platform?: Platform;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const LINUX: Platform = { os: 'linux', architecture: 'amd64' };

function built(bytes: Uint8Array): BuiltBlob {
  return { digest: digestOf(bytes), bytes };
}

function describe(mediaType: string, blob: BuiltBlob): JsonObject {
  return { mediaType, size: blob.bytes.length, digest: formatDigest(blob.digest) };
}

function artifact(mediaType: string, document: JsonObject, blobs: readonly BuiltBlob[], children: readonly BuiltArtifact[] = []): BuiltArtifact {
  const manifest = utf8(JSON.stringify(document));
  return { descriptor: { mediaType, digest: digestOf(manifest), size: manifest.length }, manifest, blobs, children };
}

/**
 * An image with one gzip'd layer that holds the files, by path.
 *
 *     const image = buildImage({ 'hello.txt': 'hello' });
 *     await pushArtifact(registry, name, image, 'v1');
 */
export function buildImage(files: Readonly<Record<string, string | Uint8Array>>, options: ImageOptions = {}): BuiltArtifact {
  const docker = options.form === 'docker';
  const platform = options.platform ?? LINUX;
  const tar = writeTar(files);
  const layer = built(new Uint8Array(gzipSync(tar, { level: 9 })));
  const config = built(
    utf8(
      JSON.stringify({
        created: '1970-01-01T00:00:00Z',
        ...platform,
        config: options.labels === undefined ? {} : { Labels: options.labels },
        rootfs: { type: 'layers', diff_ids: [formatDigest(digestOf(tar))] },
        history: [{ created: '1970-01-01T00:00:00Z', created_by: 'sealward testing' }],
      }),
    ),
  );
  const mediaType = docker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
  const document: JsonObject = {
    schemaVersion: 2,
    mediaType,
    config: describe(docker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig, config),
    layers: [describe(docker ? MEDIA_TYPES.dockerLayer : MEDIA_TYPES.ociLayer, layer)],
    ...(options.annotations === undefined ? {} : { annotations: { ...options.annotations } }),
  };
  const image = artifact(mediaType, document, [config, layer]);
  return { ...image, descriptor: { ...image.descriptor, platform } };
}

/** An index over images of several platforms. */
export function buildIndex(children: readonly BuiltArtifact[], options: { readonly form?: 'oci' | 'docker' } = {}): BuiltArtifact {
  const mediaType = options.form === 'docker' ? MEDIA_TYPES.dockerIndex : MEDIA_TYPES.ociIndex;
  return artifact(mediaType, { schemaVersion: 2, mediaType, manifests: children.map(({ descriptor }) => descriptorToJson(descriptor)) }, [], children);
}

export interface ReferrerOptions {
  readonly artifactType: string;
  readonly subject: Descriptor;
  readonly payload: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest that refers to a subject: one layer of the artifactType, the empty config, as cosign 3 writes them. */
export function buildReferrer({ artifactType, subject, payload, annotations }: ReferrerOptions): BuiltArtifact {
  const config = built(utf8('{}'));
  const layer = built(payload);
  const { mediaType, digest, size } = subject;
  const document: JsonObject = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType,
    config: describe(MEDIA_TYPES.empty, config),
    layers: [describe(artifactType, layer)],
    subject: descriptorToJson({ mediaType, digest, size }),
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
  return artifact(MEDIA_TYPES.ociManifest, document, [config, layer]);
}

/** Pushes blobs, children and the manifest, in the order that every registry takes. */
export async function pushArtifact(registry: Registry, name: RepositoryName, built: BuiltArtifact, tag?: string): Promise<Descriptor> {
  await Promise.all(built.blobs.map(({ digest, bytes }) => registry.pushBlob(name, digest, bytes.length, bytes)));
  for (const child of built.children) await pushArtifact(registry, name, child);
  const { descriptor } = await registry.pushManifest(name, built.manifest, tag === undefined ? {} : { tag });
  return descriptor;
}
