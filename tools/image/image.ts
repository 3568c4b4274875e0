/** The documents of an image (image-spec config.md, manifest.md, image-index.md), written into a layout folder by our own client. */
import { LayoutRegistry } from '../../src/clients/registry/index.ts';
import { type Descriptor, descriptorToJson, digestOf, formatDigest, MEDIA_TYPES, type RepositoryName } from '../../src/core/artifact/index.ts';
import { type JsonObject, utf8 } from '../../src/core/encoding/index.ts';
import { type Layer, USER } from './layers.ts';
import type { Architecture } from './lock.ts';

export interface ImageFacts {
  readonly version: string;
  /** Since 1970: SOURCE_DATE_EPOCH. */
  readonly seconds: number;
}

/** What a container of it starts with; deploy/image/Dockerfile says the same. */
export function configOf(architecture: Architecture, layers: readonly Layer[], { version, seconds }: ImageFacts): JsonObject {
  const created = new Date(seconds * 1000).toISOString().replace('.000', '');
  return {
    created,
    architecture,
    os: 'linux',
    config: {
      User: `${USER}:${USER}`,
      Env: ['PATH=/usr/bin', 'HOME=/var/lib/sealward', 'LANG=C.UTF-8'],
      Entrypoint: ['/usr/bin/sealward'],
      Cmd: ['--help'],
      WorkingDir: '/',
      Labels: { 'org.opencontainers.image.title': 'sealward', 'org.opencontainers.image.version': version, 'org.opencontainers.image.licenses': 'Apache-2.0' },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => formatDigest(digestOf(tar))) },
    history: layers.map(({ title }) => ({ created, created_by: 'npm run image', comment: title })),
  };
}

/** Puts one image into the layout, for an index to name. */
export async function writeImage(folder: string, architecture: Architecture, layers: readonly Layer[], facts: ImageFacts): Promise<Descriptor> {
  const registry = new LayoutRegistry();
  const name = nameOf(folder);
  const push = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const digest = digestOf(bytes);
    await registry.pushBlob(name, digest, bytes.length, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = await push(MEDIA_TYPES.ociConfig, json(configOf(architecture, layers, facts)));
  const pushed: JsonObject[] = [];
  for (const { gzipped } of layers) pushed.push(descriptorToJson(await push(MEDIA_TYPES.ociLayer, gzipped)));
  const manifest = json({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: descriptorToJson(config), layers: pushed });
  return { ...(await push(MEDIA_TYPES.ociManifest, manifest)), platform: { os: 'linux', architecture } };
}

/** Makes the layout's one tag name an index of these images. */
export async function writeIndex(folder: string, images: readonly Descriptor[], tag: string): Promise<Descriptor> {
  const index = json({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: images.map(descriptorToJson) });
  return (await new LayoutRegistry().pushManifest(nameOf(folder), index, { tag })).descriptor;
}

/** As references like `oci:PATH` name it. */
function nameOf(folder: string): RepositoryName {
  return { registry: 'oci', repository: folder };
}

const json = (document: JsonObject): Uint8Array => utf8(JSON.stringify(document));
