/** The index under the fallback tag, changed without losing what others wrote into it. */
import {
  type Descriptor,
  descriptorToJson,
  effectiveArtifactType,
  formatDigest,
  MEDIA_TYPES,
  type Manifest,
  type Index,
  parseManifest,
  sameDigest,
} from '../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

/**
 * How a manifest is listed, distribution-spec "Referrers Tag Schema": with its artifactType, or its config's media
 * type where it has none, and with its annotations.
 */
export function listingOf(manifest: Manifest | Index, descriptor: Descriptor): Descriptor {
  const artifactType = effectiveArtifactType(manifest);
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(manifest.annotations).length === 0 ? {} : { annotations: manifest.annotations }),
  };
}

/** Whether every one of the descriptors is listed. */
export function listsAll(index: Index, wanted: readonly Descriptor[]): boolean {
  return wanted.every(({ digest }) => index.manifests.some((entry) => sameDigest(entry.digest, digest)));
}

/**
 * The index with the descriptors added. Every member and entry that others wrote stays as it is, whether it is
 * understood or not, unless what it lists is `gone` from the registry. `undefined` starts a new index. Throws ERR_MANIFEST_INVALID, ERR_TOO_LARGE.
 */
export function mergeIndex(bytes: Uint8Array | undefined, added: readonly Descriptor[], what: string, gone: ReadonlySet<string> = new Set()): Uint8Array {
  const document: JsonObject = bytes === undefined ? { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] } : readIndex(bytes, what);
  const entries = ((document.manifests ?? []) as JsonValue[]).filter((entry) => !gone.has((entry as JsonObject).digest as string));
  const present = new Set(entries.map((entry) => (entry as JsonObject).digest));
  const missing = added.filter(({ digest }) => !present.has(formatDigest(digest)));
  const merged = [...entries, ...missing.map(descriptorToJson)];
  const out = utf8(JSON.stringify({ ...document, manifests: merged }));
  if (merged.length > LIMITS.descriptorsListed || out.length > LIMITS.manifestBytes) {
    throw new SealwardError('ERR_TOO_LARGE', `${what} lists ${entries.length} referrers already; nothing could be read past ${LIMITS.descriptorsListed}`, {
      hint: 'Remove what is no longer needed from the index before anything is attached.',
    });
  }
  return out;
}

function readIndex(bytes: Uint8Array, what: string): JsonObject {
  if (parseManifest(bytes, undefined, what).kind !== 'index') {
    throw new SealwardError('ERR_MANIFEST_INVALID', `${what} is a manifest, not an index: it is not overwritten`);
  }
  return parseJsonObject(bytes, { what, maxBytes: LIMITS.manifestBytes });
}
