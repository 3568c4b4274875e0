/** Putting signatures where verifiers look for them: as a referrer, or as a layer under the tags of the first generation. */
import type { Attachment, CallOptions, Registry } from '../clients/registry/index.ts';
import {
  type AttachmentKind,
  attachmentTag,
  type Descriptor,
  descriptorToJson,
  type Digest,
  digestOf,
  formatDigest,
  MEDIA_TYPES,
  type RepositoryName,
} from '../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE, DSSE_MEDIA_TYPE, SIMPLE_SIGNING_MEDIA_TYPE } from '../core/bundle/index.ts';
import { utf8 } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { layersManifest, mergeLayers } from './layers.ts';
import type { Sealed } from './seal.ts';

/** Where a signature came to lie. */
export interface Published {
  readonly via: 'api' | 'fallback-tag' | 'sig-tag' | 'att-tag';
  /** Of the referrer's manifest, or of the layer. */
  readonly digest: Digest;
}

export interface Home extends CallOptions {
  readonly registry: Registry;
  readonly repository: RepositoryName;
}

const EMPTY = utf8('{}');

/** @param now milliseconds since 1970, for an annotation that nothing trusts. */
export async function publish(home: Home, image: Descriptor, sealed: Sealed, now: number): Promise<Published> {
  return sealed.kind === 'bundle' ? publishReferrer(home, image, sealed, now) : publishLayer(home, image.digest, sealed);
}

async function publishReferrer({ registry, repository, ...call }: Home, image: Descriptor, sealed: Sealed, now: number): Promise<Published> {
  const attachment = referrerOf(image, sealed, now);
  const { descriptor, via } = await registry.attach(repository, attachment, call);
  // Read again what was written: a registry that took the manifest and does not give it back has not kept the signature.
  const back = await registry.manifest(repository, descriptor.digest, call);
  if (back.state === 'unavailable') throw back.cause;
  if (back.state !== 'complete') throw new SealwardError('ERR_REGISTRY_FAILED', `${repository.registry} accepted the signature and does not give it back`);
  return { via, digest: descriptor.digest };
}

function referrerOf(image: Descriptor, { bytes, predicateType }: Sealed, now: number): Attachment {
  const blob = (content: Uint8Array): Attachment['blobs'][number] => ({ digest: digestOf(content), bytes: content });
  const [config, layer] = [blob(EMPTY), blob(bytes)];
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: BUNDLE_MEDIA_TYPE,
    config: { mediaType: MEDIA_TYPES.empty, digest: formatDigest(config.digest), size: EMPTY.length },
    layers: [{ mediaType: BUNDLE_MEDIA_TYPE, digest: formatDigest(layer.digest), size: bytes.length }],
    subject: descriptorToJson({ mediaType: image.mediaType, digest: image.digest, size: image.size }),
    annotations: {
      'dev.sigstore.bundle.content': predicateType === undefined ? 'message-signature' : 'dsse-envelope',
      ...(predicateType === undefined ? {} : { 'dev.sigstore.bundle.predicateType': predicateType }),
      'org.opencontainers.image.created': `${new Date(now).toISOString().slice(0, 19)}Z`,
    },
  };
  return { manifest: utf8(JSON.stringify(manifest)), blobs: [config, { ...layer, fresh: true }] };
}

async function publishLayer({ registry, repository, ...call }: Home, image: Digest, sealed: Sealed): Promise<Published> {
  const kind: AttachmentKind = sealed.kind === 'dsse' ? 'att' : 'sig';
  const tag = attachmentTag(image, kind);
  if (tag === undefined)
    throw new SealwardError('ERR_REFERENCE_INVALID', `${formatDigest(image)} is too long a digest for the tags of the first generation`, {
      hint: 'Sign with --signature-format bundle.',
    });
  const digest = digestOf(sealed.bytes);
  await registry.pushBlob(repository, digest, sealed.bytes.length, sealed.bytes, call);
  const layer = {
    mediaType: kind === 'att' ? DSSE_MEDIA_TYPE : SIMPLE_SIGNING_MEDIA_TYPE,
    size: sealed.bytes.length,
    digest: formatDigest(digest),
    annotations: { ...sealed.annotations },
  };
  const { bytes: manifest, config } = layersManifest([layer]);
  await registry.pushBlob(repository, digestOf(config), config.length, config, call);
  await registry.editTag(repository, tag, mergeLayers(registry, repository, manifest, `the tag ${tag}`, call), call);
  return { via: kind === 'att' ? 'att-tag' : 'sig-tag', digest };
}
