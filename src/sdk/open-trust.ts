/** A trust repository by one name, wherever it lies, and the same as an artifact of a registry. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readArchive } from '../clients/evidence/index.ts';
import type { HttpClient } from '../clients/http/index.ts';
import {
  artifactSource,
  configMapSource,
  folderMemory,
  folderSource,
  forgetful,
  TrustClient,
  type TrustMemory,
  type TrustSource,
  urlSource,
} from '../clients/trust/index.ts';
import type { Registry } from '../clients/registry/index.ts';
import { type Descriptor, digestOf, formatDigest, formatReference, MEDIA_TYPES, parseDigest, parseReference, type Reference } from '../core/artifact/index.ts';
import { type JsonObject, LIMITS, utf8 } from '../core/encoding/index.ts';
import { invariant, SealwardError } from '../core/errors.ts';
import { metadataName, metadataBound, type RepositoryFiles } from '../core/trust/index.ts';

/** A repository in a registry is written with this before its reference, so that it is not taken for a folder. */
export const ARTIFACT_PREFIX = 'registry:';
/** A repository in a ConfigMap is written with this before what names the ConfigMap. */
export const CONFIGMAP_PREFIX = 'configmap:';
const ARTIFACT_TYPE = 'application/vnd.sealward.trust.v1+json';
const FILE_TYPE = 'application/vnd.sealward.trust.file.v1';
const TITLE = 'org.opencontainers.image.title';

export interface OpenTrustOptions {
  /** A folder, a file with `archive`, a URL, `registry:HOST/REPOSITORY:TAG`, or `configmap:` and a name for people. */
  readonly from: string;
  /** The root.json that is trusted. Of a folder, which somebody named by hand, its own first root, when neither given nor remembered. */
  readonly root?: Uint8Array;
  /** Under it each repository is remembered in a folder of its own; without it nothing is, and only this process never goes back. */
  readonly memory?: string;
  readonly http?: () => HttpClient;
  readonly registry?: () => Registry;
  /** The bytes of the archive of evidence that `from` names, with which the repository travels. */
  readonly archive?: () => Uint8Array;
  /** The members of the ConfigMap as they are now, whoever fetches them; asked once for each update. */
  readonly configMap?: () => Promise<ReadonlyMap<string, Uint8Array>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/** Asks nobody yet; `update` does. */
export async function openTrust(options: OpenTrustOptions): Promise<TrustClient> {
  const source = sourceOf(options);
  const memory =
    options.memory === undefined ? forgetful : folderMemory(join(options.memory, createHash('sha256').update(options.from).digest('hex').slice(0, 32)));
  const isFolder = !/^https?:\/\//i.test(options.from) && ![ARTIFACT_PREFIX, CONFIGMAP_PREFIX].some((prefix) => options.from.startsWith(prefix));
  const root = options.root ?? (isFolder ? await firstRoot(source, memory) : undefined);
  return TrustClient.open({ source, memory, now: options.now, ...(root ? { root } : {}) });
}

/** A folder that cannot be read just now does not take away what is remembered of it. */
async function firstRoot(source: TrustSource, memory: TrustMemory): Promise<Uint8Array | undefined> {
  try {
    return await source.read(metadataName('root', 1), metadataBound('root'));
  } catch (error) {
    if ((await memory.load()).seen) return undefined;
    throw error;
  }
}

function sourceOf({ from, http, registry, archive, configMap, signal }: OpenTrustOptions): TrustSource {
  if (/^https?:\/\//i.test(from)) {
    invariant(http, 'a repository at a URL needs an HTTP client');
    return urlSource(http(), new URL(from), signal ? { signal } : {});
  }
  if (from.startsWith(CONFIGMAP_PREFIX)) {
    invariant(configMap, 'a repository in a ConfigMap needs somebody who reads it');
    return wholeConfigMap(from, configMap);
  }
  if (archive) return archivedTrust(from, archive);
  if (!from.startsWith(ARTIFACT_PREFIX)) return folderSource(from);
  invariant(registry, 'a repository in a registry needs a client of registries');
  return trustArtifact(registry(), parseReference(from.slice(ARTIFACT_PREFIX.length)));
}

/** One update reads one state of the ConfigMap, and never half of another. */
function wholeConfigMap(name: string, read: () => Promise<ReadonlyMap<string, Uint8Array>>): TrustSource {
  let members: ReadonlyMap<string, Uint8Array> = new Map();
  return {
    ...configMapSource(name, async (key) => members.get(key)),
    refresh: async () => {
      members = await read();
    },
  };
}

/** Its files stand among the blobs of the archive, by what its index calls them. */
function archivedTrust(name: string, archive: () => Uint8Array): TrustSource {
  const blobs = new Map<string, Uint8Array>();
  return artifactSource(name, {
    async manifest() {
      const content = readArchive(archive());
      if (content.trust.size === 0) throw new SealwardError('ERR_TRUST_INVALID', `no trust repository travels with ${name}`);
      for (const { digest, bytes } of content.blobs) blobs.set(digest, bytes);
      return { layers: new Map([...content.trust].map(([file, digest]) => [file, { digest, size: blobs.get(digest)?.length ?? 0 }])) };
    },
    async blob({ digest }) {
      const bytes = blobs.get(digest);
      if (bytes && digest === formatDigest(digestOf(bytes))) return bytes;
      throw new SealwardError('ERR_TRUST_MISMATCH', `${name} lacks a file that it names`);
    },
  });
}

function trustArtifact(registry: Registry, reference: Reference): TrustSource {
  const layers = new Map<string, Descriptor>();
  return artifactSource(formatReference(reference), {
    async manifest() {
      const found = await registry.manifest(reference, reference.digest ?? reference.tag ?? 'latest');
      if (found.state === 'unavailable') throw found.cause;
      if (found.state !== 'complete') throw new SealwardError('ERR_NOT_FOUND', `there is no ${formatReference(reference)}`);
      const { manifest } = found.value;
      if (manifest.kind !== 'manifest' || manifest.artifactType !== ARTIFACT_TYPE)
        throw new SealwardError('ERR_TRUST_INVALID', `${formatReference(reference)} is no trust repository`);
      layers.clear();
      for (const layer of manifest.layers) {
        const name = layer.annotations?.[TITLE];
        if (name !== undefined) layers.set(name, layer);
      }
      return { layers: new Map([...layers].map(([name, { digest, size }]) => [name, { digest: formatDigest(digest), size }])) };
    },
    async blob({ digest }, maxBytes) {
      const found = await registry.blob(reference, parseDigest(digest), { maxBytes });
      if (found.state === 'complete') return found.value;
      if (found.state === 'unavailable') throw found.cause;
      throw new SealwardError('ERR_TRUST_MISMATCH', `${formatReference(reference)} lacks a file that it names`);
    },
  });
}

/** Pushes a whole repository as one artifact; the tag moves last, so that nobody reads half of it. */
export async function pushTrustArtifact(registry: Registry, reference: Reference, files: RepositoryFiles): Promise<string> {
  if (files.size > LIMITS.descriptorsListed)
    throw new SealwardError('ERR_TOO_LARGE', `an artifact lists ${LIMITS.descriptorsListed} files, and the repository has ${files.size}`);
  const empty = utf8('{}');
  await registry.pushBlob(reference, digestOf(empty), empty.length, empty);
  const layers: JsonObject[] = [];
  for (const [name, bytes] of files) {
    await registry.pushBlob(reference, digestOf(bytes), bytes.length, bytes);
    layers.push({ mediaType: FILE_TYPE, digest: formatDigest(digestOf(bytes)), size: bytes.length, annotations: { [TITLE]: name } });
  }
  const config = { mediaType: MEDIA_TYPES.empty, digest: formatDigest(digestOf(empty)), size: empty.length };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, artifactType: ARTIFACT_TYPE, config, layers };
  const pushed = await registry.pushManifest(reference, utf8(JSON.stringify(manifest)), reference.tag === undefined ? {} : { tag: reference.tag });
  return formatDigest(pushed.descriptor.digest);
}
