/** What a MemoryRegistry holds. */
import { type Digest, digestOf, effectiveArtifactType, formatDigest, parseManifest } from '../core/artifact/index.ts';
import type { JsonObject } from '../core/encoding/index.ts';

export interface StoredManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export class StoredRepository {
  /** By `sha256:<hex>`. */
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, StoredManifest>();
  readonly tags = new Map<string, string>();
  readonly uploads = new Map<string, Uint8Array[]>();

  /** Stores whatever is given, checked or not: a test may want a registry that lies. */
  putManifest(bytes: Uint8Array, mediaType: string, tag?: string): Digest {
    const digest = digestOf(bytes);
    this.manifests.set(formatDigest(digest), { bytes, mediaType });
    if (tag !== undefined) this.tags.set(tag, formatDigest(digest));
    return digest;
  }

  /** The digest that a tag or digest stands for, as far as it is there. */
  find(reference: string): string | undefined {
    const digest = this.tags.get(reference) ?? reference;
    return this.manifests.has(digest) ? digest : undefined;
  }

  /** Descriptors of the manifests whose subject is the digest. */
  referrers(subject: string): JsonObject[] {
    return [...this.manifests].flatMap(([digest, { bytes, mediaType }]) => {
      const manifest = tryParse(bytes);
      if (!manifest?.subject || formatDigest(manifest.subject.digest) !== subject) return [];
      const artifactType = effectiveArtifactType(manifest);
      return [
        {
          mediaType,
          digest,
          size: bytes.length,
          ...(artifactType === undefined ? {} : { artifactType }),
          ...(Object.keys(manifest.annotations).length === 0 ? {} : { annotations: { ...manifest.annotations } }),
        },
      ];
    });
  }
}

function tryParse(bytes: Uint8Array): ReturnType<typeof parseManifest> | undefined {
  try {
    return parseManifest(bytes);
  } catch {
    return undefined;
  }
}
