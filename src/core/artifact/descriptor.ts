/** Descriptors and platforms, image-spec descriptor.md and image-index.md. */
import { type JsonObject, type JsonValue, LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type Digest, digestFrom, formatDigest } from './digest.ts';
import { quoted } from './quoted.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export type Annotations = Readonly<Record<string, string>>;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Annotations;
  readonly platform?: Platform;
}

/** RFC 6838 section 4.2: type, slash, subtype; no parameters. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

export function isMediaType(text: string): boolean {
  return text.length <= 255 && MEDIA_TYPE.test(text);
}

export function refuseManifest(what: string, why: string): never {
  throw new SealwardError('ERR_MANIFEST_INVALID', `${what} is refused: ${why}`);
}

export function asObject(value: JsonValue | undefined, what: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuseManifest(what, 'it is not an object');
  return value;
}

export function optionalString(object: JsonObject, key: string, what: string): string | undefined {
  const value = object[key];
  // Go's encoders write an empty string where a field was never set.
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') return refuseManifest(what, `"${key}" is not a string`);
  return value;
}

export function optionalMediaType(object: JsonObject, key: string, what: string): string | undefined {
  const value = optionalString(object, key, what);
  if (value !== undefined && !isMediaType(value)) return refuseManifest(what, `"${key}" is ${quoted(value)}, which is not a media type`);
  return value;
}

/** image-spec annotations.md: a map of strings to strings. Null stands for "none" in what Go wrote. */
export function parseAnnotations(value: JsonValue | undefined, what: string): Annotations | undefined {
  if (value === undefined || value === null) return undefined;
  const object = asObject(value, `${what}, annotations`);
  for (const key of Object.keys(object)) {
    if (typeof object[key] !== 'string') return refuseManifest(what, `the annotation ${quoted(key)} is not a string`);
  }
  return object as Record<string, string>;
}

export function parseDescriptor(value: JsonValue | undefined, what: string): Descriptor {
  const object = asObject(value, what);
  const mediaType = optionalMediaType(object, 'mediaType', what);
  if (mediaType === undefined) return refuseManifest(what, 'it has no media type');
  const digestText = optionalString(object, 'digest', what) ?? '';
  const digest = digestFrom(digestText);
  if (!digest) return refuseManifest(what, `${quoted(digestText)} is not a digest`);
  const size = object.size;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return refuseManifest(what, 'its size is not a number of bytes');
  const artifactType = optionalMediaType(object, 'artifactType', what);
  const annotations = parseAnnotations(object.annotations, what);
  const platform = object.platform === undefined || object.platform === null ? undefined : parsePlatformObject(object.platform, what);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  };
}

export function parseDescriptors(value: JsonValue | undefined, what: string): readonly Descriptor[] {
  if (!Array.isArray(value)) return refuseManifest(what, 'it is not a list');
  if (value.length > LIMITS.descriptorsListed) {
    throw new SealwardError('ERR_TOO_LARGE', `${what} has ${value.length} entries; at most ${LIMITS.descriptorsListed} are read`);
  }
  return value.map((entry, at) => parseDescriptor(entry, `${what}, entry ${at}`));
}

function parsePlatformObject(value: JsonValue, what: string): Platform {
  const object = asObject(value, `${what}, platform`);
  const os = optionalString(object, 'os', what) ?? '';
  const architecture = optionalString(object, 'architecture', what) ?? '';
  const variant = optionalString(object, 'variant', what);
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** The JSON form, members in the order of the specification. */
export function descriptorToJson(descriptor: Descriptor): JsonObject {
  const { platform } = descriptor;
  return {
    mediaType: descriptor.mediaType,
    digest: formatDigest(descriptor.digest),
    size: descriptor.size,
    ...(descriptor.annotations === undefined ? {} : { annotations: { ...descriptor.annotations } }),
    ...(platform === undefined
      ? {}
      : { platform: { architecture: platform.architecture, os: platform.os, ...(platform.variant === undefined ? {} : { variant: platform.variant }) } }),
    ...(descriptor.artifactType === undefined ? {} : { artifactType: descriptor.artifactType }),
  };
}
