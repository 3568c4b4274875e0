/**
 * Reads a whole image and holds every byte of it against the digests above it: what a node does when it pulls, done
 * before anybody trusts the registry's storage. Signatures cover the digest alone, so this is asked for, never implied.
 */
import type { CallOptions, Registry } from '../clients/registry/index.ts';
import { type Descriptor, type Digest, formatDigest, type Lookup, type RepositoryName } from '../core/artifact/index.ts';
import { LIMITS } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { inParallel } from './in-parallel.ts';

export interface CheckedContent {
  readonly manifests: number;
  readonly blobs: number;
  /** Of manifests and blobs together. */
  readonly bytes: number;
}

/** Throws ERR_DIGEST_MISMATCH for the first thing whose bytes were changed, ERR_NOT_FOUND for what is missing. */
export async function checkContent(
  registry: Registry,
  name: RepositoryName,
  digest: Digest,
  options: CallOptions & { readonly workers?: number } = {},
): Promise<CheckedContent> {
  const { workers = 4, ...call } = options;
  const seen = new Set<string>();
  const blobs: Descriptor[] = [];
  let manifests = 0;
  let bytes = 0;

  const walk = async (target: Digest, depth: number): Promise<void> => {
    const key = formatDigest(target);
    if (seen.has(key)) return;
    seen.add(key);
    // An index of indexes of indexes is no image, but it can keep a reader busy (GO-2026-6597).
    if (depth > LIMITS.indexDepth || seen.size > LIMITS.descriptorsListed)
      throw new SealwardError('ERR_TOO_LARGE', `${key} stands in an index that is nested too deep or lists too much`);
    const { manifest, descriptor } = present(await registry.manifest(name, target, call), key);
    manifests += 1;
    bytes += descriptor.size;
    if (manifest.kind === 'index') for (const child of manifest.manifests) await walk(child.digest, depth + 1);
    else blobs.push(...[manifest.config, ...manifest.layers].filter((blob) => !seen.has(formatDigest(blob.digest)) && seen.add(formatDigest(blob.digest))));
  };
  await walk(digest, 0);

  await inParallel(blobs, workers, async (blob) => {
    // The stream ends with an error when size or digest is another.
    for await (const chunk of present(await registry.blobStream(name, blob, { ...call, maxBytes: blob.size }), formatDigest(blob.digest)))
      bytes += chunk.length;
  });
  return { manifests, blobs: blobs.length, bytes };
}

function present<T>(lookup: Lookup<T>, what: string): T {
  if (lookup.state === 'complete') return lookup.value;
  throw lookup.state === 'unavailable' ? lookup.cause : new SealwardError('ERR_NOT_FOUND', `the registry lists ${what} and does not have it`);
}
