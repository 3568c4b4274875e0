/**
 * Manifests and indexes: image-spec manifest.md and image-index.md, and their Docker v2 schema 2 twins. One document
 * has one meaning here: where the header, the body and the shape disagree, it is refused (CVE-2021-41190).
 */
import { type JsonObject, LIMITS, parseJsonObject } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import {
  type Annotations,
  type Descriptor,
  optionalMediaType,
  parseAnnotations,
  parseDescriptor,
  parseDescriptors,
  type Platform,
  refuseManifest,
} from './descriptor.ts';
import { quoted } from './quoted.ts';

export const MEDIA_TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  /** The two bytes `{}`, image-spec manifest.md "Guidance for an Empty Descriptor". */
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

export interface Manifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** As written; see effectiveArtifactType for the one that counts. */
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Annotations;
}

export interface Index {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Annotations;
}

type Kind = 'manifest' | 'index';

const KINDS: Readonly<Record<string, Kind>> = {
  [MEDIA_TYPES.ociManifest]: 'manifest',
  [MEDIA_TYPES.dockerManifest]: 'manifest',
  [MEDIA_TYPES.ociIndex]: 'index',
  [MEDIA_TYPES.dockerIndex]: 'index',
};

/** What clients say in `Accept` when they ask for a manifest. */
export const MANIFEST_MEDIA_TYPES: readonly string[] = Object.keys(KINDS);

/** Members that only a document of another kind has; schema 1 and the withdrawn artifact manifest among them. */
const FOREIGN: Readonly<Record<Kind, readonly string[]>> = {
  manifest: ['manifests', 'fsLayers', 'history', 'signatures', 'blobs'],
  index: ['config', 'layers', 'fsLayers', 'history', 'signatures', 'blobs'],
};

/**
 * Parses a manifest or index. Throws ERR_MANIFEST_INVALID or ERR_TOO_LARGE.
 * @param contentType the Content-Type header, where there was one; its parameters are ignored.
 * @param what names the document in messages.
 */
export function parseManifest(bytes: Uint8Array, contentType?: string, what = 'the manifest'): Manifest | Index {
  const object = parseDocument(bytes, what);
  const mediaType = agreedMediaType(object, contentType, what);
  const kind = KINDS[mediaType] as Kind;
  // image-spec manifest.md: schemaVersion "MUST be 2"; 1 is a format that is not signed the same way.
  if (object.schemaVersion !== 2) return refuseManifest(what, 'its schemaVersion is not 2');
  const foreign = FOREIGN[kind].find((member) => object[member] !== undefined);
  if (foreign !== undefined) return refuseManifest(what, `it is called ${quoted(mediaType)} but has "${foreign}"`);
  const artifactType = optionalMediaType(object, 'artifactType', what);
  const shared = {
    mediaType,
    annotations: parseAnnotations(object.annotations, what) ?? {},
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(object.subject === undefined || object.subject === null ? {} : { subject: parseDescriptor(object.subject, `${what}, subject`) }),
  };
  if (kind === 'index') return { kind, ...shared, manifests: parseDescriptors(object.manifests, `${what}, manifests`) };
  return { kind, ...shared, config: parseDescriptor(object.config, `${what}, config`), layers: parseDescriptors(object.layers, `${what}, layers`) };
}

function parseDocument(bytes: Uint8Array, what: string): JsonObject {
  try {
    return parseJsonObject(bytes, { what, maxBytes: LIMITS.manifestBytes });
  } catch (cause) {
    if (!(cause instanceof SealwardError) || cause.code === 'ERR_TOO_LARGE') throw cause;
    throw new SealwardError('ERR_MANIFEST_INVALID', cause.message, { cause });
  }
}

function agreedMediaType(object: JsonObject, contentType: string | undefined, what: string): string {
  const written = optionalMediaType(object, 'mediaType', what);
  const header = contentType === undefined ? undefined : (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  // distribution-spec "Pulling manifests": the Content-Type "MUST match" the mediaType of the body.
  if (header !== undefined && written !== undefined && header !== written) {
    return refuseManifest(what, `the registry calls it ${quoted(header)}, and it calls itself ${quoted(written)}`);
  }
  const mediaType = written ?? header ?? mediaTypeByShape(object);
  if (mediaType === undefined || !Object.hasOwn(KINDS, mediaType)) {
    return refuseManifest(what, mediaType === undefined ? 'it is neither a manifest nor an index' : `${quoted(mediaType)} is not read`);
  }
  // Only OCI documents may leave their type out (image-spec manifest.md: "SHOULD be used"); Docker's must say it.
  if (written === undefined && mediaType.startsWith('application/vnd.docker.'))
    return refuseManifest(what, 'it has no mediaType, which Docker manifests must have');
  return mediaType;
}

function mediaTypeByShape(object: JsonObject): string | undefined {
  if (object.manifests !== undefined) return MEDIA_TYPES.ociIndex;
  return object.config !== undefined && object.layers !== undefined ? MEDIA_TYPES.ociManifest : undefined;
}

/** distribution-spec "Listing Referrers": the artifactType, or for a manifest without one its config's media type. */
export function effectiveArtifactType(manifest: Manifest | Index): string | undefined {
  return manifest.artifactType ?? (manifest.kind === 'manifest' ? manifest.config.mediaType : undefined);
}

const PLATFORM_PART = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** `linux/amd64` or `linux/arm/v7`. Throws ERR_USAGE. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant, ...more] = text.length > 200 ? [] : text.split('/');
  const parts = variant === undefined ? [os, architecture] : [os, architecture, variant];
  if (more.length > 0 || !parts.every((part) => PLATFORM_PART.test(part))) {
    throw new SealwardError('ERR_USAGE', `${quoted(text)} is not a platform`, { hint: 'Write OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as in linux/amd64.' });
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, ...(platform.variant === undefined ? [] : [platform.variant])].join('/');
}

/** What a platform means when it names no variant, image-spec image-index.md "Platform Variants". */
const USUAL_VARIANT: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7', amd64: 'v1' };

/** The first entry that is for the platform: the very variant asked for, else the usual one, else one without. */
export function selectPlatform(index: Index, platform: Platform): Descriptor | undefined {
  const fitting = index.manifests.filter((entry) => entry.platform?.os === platform.os && entry.platform.architecture === platform.architecture);
  const usual = USUAL_VARIANT[platform.architecture];
  const wanted = platform.variant ?? usual;
  return (
    fitting.find((entry) => entry.platform?.variant === wanted) ??
    fitting.find((entry) => entry.platform?.variant === undefined && (platform.variant === undefined || platform.variant === usual)) ??
    (platform.variant === undefined ? fitting[0] : undefined)
  );
}
