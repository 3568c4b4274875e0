/** The manifests under the tags of cosign's first generation: each signature is a layer, and many writers share them. */
import type { CallOptions, Registry, TagEdit } from '../clients/registry/index.ts';
import { digestOf, formatDigest, MEDIA_TYPES, parseManifest, type RepositoryName } from '../core/artifact/index.ts';
import { type JsonObject, LIMITS, parseJsonObject, utf8 } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';

const NEVER = '0001-01-01T00:00:00Z';

/** The edit that makes sure that all layers of the manifest stand under a tag; those of others stay. Its blobs must be there. */
export function mergeLayers(registry: Registry, name: RepositoryName, manifest: Uint8Array, what: string, call: CallOptions): TagEdit {
  const wanted = readLayers(manifest, what);
  return {
    what: `what was to be added is pushed, but other writers kept it out of ${what}`,
    done: (found) => missing(wanted, found.bytes, what).length === 0,
    merge: async (found) => {
      // Where nothing stands yet the manifest is kept byte for byte.
      if (!found) return manifest;
      const layers = [...readLayers(found.bytes, what), ...missing(wanted, found.bytes, what)];
      if (layers.length > LIMITS.descriptorsListed) {
        throw new SealwardError('ERR_TOO_LARGE', `${what} would hold ${layers.length} signatures; no verifier reads more than ${LIMITS.descriptorsListed}`);
      }
      const { config, bytes } = layersManifest(layers, readDocument(found.bytes, what));
      await registry.pushBlob(name, digestOf(config), config.length, config, call);
      return bytes;
    },
  };
}

/** A manifest with these layers, and the config that names all of them, as cosign writes both. Other members of `document` stay. */
export function layersManifest(
  layers: readonly JsonObject[],
  document: JsonObject = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest },
): { bytes: Uint8Array; config: Uint8Array } {
  const config = configOf(layers);
  const described = { mediaType: MEDIA_TYPES.ociConfig, size: config.length, digest: formatDigest(digestOf(config)) };
  return { bytes: utf8(JSON.stringify({ ...document, config: described, layers })), config };
}

function configOf(layers: readonly JsonObject[]): Uint8Array {
  return utf8(
    JSON.stringify({
      architecture: '',
      created: NEVER,
      history: layers.map(() => ({ created: NEVER })),
      os: '',
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest as string) },
      config: {},
    }),
  );
}

function readDocument(bytes: Uint8Array, what: string): JsonObject {
  if (parseManifest(bytes, undefined, what).kind !== 'manifest')
    throw new SealwardError('ERR_MANIFEST_INVALID', `${what} is an index where signatures should be; it is not overwritten`);
  return parseJsonObject(bytes, { what, maxBytes: LIMITS.manifestBytes });
}

function readLayers(bytes: Uint8Array, what: string): readonly JsonObject[] {
  return layersOf(readDocument(bytes, what));
}

function layersOf(document: JsonObject): readonly JsonObject[] {
  return document.layers as JsonObject[];
}

function missing(wanted: readonly JsonObject[], found: Uint8Array, what: string): readonly JsonObject[] {
  const there = readLayers(found, what);
  return wanted.filter((layer) => !there.some((other) => sameLayer(layer, other)));
}

/** Two people may sign the same payload: a layer is the same only with the same annotations, where the signature stands. */
function sameLayer(a: JsonObject, b: JsonObject): boolean {
  const [left, right] = [annotationsOf(a), annotationsOf(b)];
  return a.digest === b.digest && left.length === right.length && left.every(([key, value]) => right.some(([other, held]) => key === other && value === held));
}

function annotationsOf({ annotations }: JsonObject): [string, unknown][] {
  return Object.entries((annotations ?? {}) as JsonObject);
}
