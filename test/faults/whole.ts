/** What a registry may never show, whoever died while writing to it: something that names what is not there. */
import assert from 'node:assert/strict';
import { formatDigest, parseManifest } from '../../src/core/artifact/index.ts';
import type { MemoryRegistry } from '../../src/testing/index.ts';

/** Everything that the registry lists is there: tags and entries of indexes have their manifests, manifests their blobs. */
export function assertWhole(registry: MemoryRegistry, repository: string): void {
  const { manifests, tags, blobs } = registry.repository(repository);
  for (const [tag, digest] of tags) assert.ok(manifests.has(digest), `the tag ${tag} leads nowhere`);
  for (const [digest, { bytes, mediaType }] of manifests) {
    const manifest = parseManifest(bytes, mediaType);
    const parts = manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers];
    const held: ReadonlyMap<string, unknown> = manifest.kind === 'index' ? manifests : blobs;
    for (const part of parts) assert.ok(held.has(formatDigest(part.digest)), `${digest} names ${formatDigest(part.digest)}, which is missing`);
  }
}
