/**
 * Moves an image with everything attached to it, from any registry or folder to any other, so that evidence is never
 * left behind. The tag at the destination moves last: whoever sees it finds all that belongs to it.
 */
import type { CallOptions, FetchedManifest, Registry } from '../clients/registry/index.ts';
import {
  type AttachmentKind,
  attachmentTag,
  type Descriptor,
  type Digest,
  formatDigest,
  formatRepository,
  type Lookup,
  MEDIA_TYPES,
  type Reference,
  type RepositoryName,
} from '../core/artifact/index.ts';
import { LIMITS } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { inParallel, limited } from './in-parallel.ts';
import { mergeLayers } from './layers.ts';
import { callOf } from './sign.ts';

export interface CopyOptions extends CallOptions {
  /** Where from. */
  readonly source: { readonly registry: Registry; readonly reference: Reference };
  /** The tag is that of the destination; without one the image is pushed by digest alone. */
  readonly destination: { readonly registry: Registry; readonly reference: Reference };
  /** Images alone, without what is attached. */
  readonly imageOnly?: boolean;
  /** How many blobs travel side by side, at most 7; 6 when not said. */
  readonly workers?: number;
}

export interface Copied {
  readonly digest: Digest;
  readonly manifests: number;
  readonly blobs: number;
  /** Referrers, and signatures, attestations and SBOMs under tags of the first generation. */
  readonly attached: number;
}

const WORKERS = 6;
/** A blob that travels holds a connection that is read and one that is written, and a registry is given 16 of them. */
const MOST_BLOBS = 7;
/** How many things attached are on their way at once: those that wait to be listed under a fallback tag settle together. */
const ATTACHING = 64;
const INDEXES: readonly string[] = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex];
const TAGGED: readonly AttachmentKind[] = ['sig', 'att', 'sbom'];

/** Throws what kept a place from answering: an image is copied with all its evidence or the tag does not move. */
export async function copyImage(options: CopyOptions): Promise<Copied> {
  const copier = new Copier(options);
  const { registry, reference } = options.source;
  const resolved = need(await registry.resolve(reference, callOf(options)), () => `${formatRepository(reference)} has no such image`);
  await copier.image(resolved.digest);
  await copier.finish(resolved.digest);
  return { digest: resolved.digest, ...copier.counts };
}

class Copier {
  readonly counts = { manifests: 0, blobs: 0, attached: 0 };
  readonly #options: CopyOptions;
  readonly #call: CallOptions;
  readonly #from: RepositoryName;
  readonly #to: RepositoryName;
  /** Digests of manifests that are there already, or on their way. */
  readonly #moved = new Set<string>();
  /** Blobs by digest: a manifest is taken only when all of its blobs have arrived, whoever sent them. */
  readonly #blobsMoved = new Map<string, Promise<void>>();
  readonly #top = new Map<string, FetchedManifest>();

  readonly #transfer: ReturnType<typeof limited>;

  constructor(options: CopyOptions) {
    this.#transfer = limited(Math.min(Math.max(1, options.workers ?? WORKERS), MOST_BLOBS));
    this.#options = options;
    this.#call = callOf(options);
    this.#from = options.source.reference;
    this.#to = options.destination.reference;
  }

  /** A manifest and all below it, then what refers to each of them. */
  async image(digest: Digest, depth = 0): Promise<void> {
    if (!this.#claim(digest)) return;
    // Two levels of indexes, and as many of things attached to things attached.
    if (depth > LIMITS.indexDepth * 2) throw new SealwardError('ERR_TOO_LARGE', `${formatDigest(digest)} is nested too deep to be copied`);
    const fetched = await this.#fetch(digest);
    if (fetched.manifest.kind === 'index') for (const child of fetched.manifest.manifests) await this.image(child.digest, depth + 1);
    else await this.#blobs([fetched.manifest.config, ...fetched.manifest.layers]);
    await this.#options.destination.registry.pushManifest(this.#to, fetched.bytes, this.#call);
    this.counts.manifests += 1;
    if (depth === 0) this.#top.set(formatDigest(digest), fetched);
    if (!this.#options.imageOnly) await this.#attachments(digest, depth);
  }

  /** The tag, last. */
  async finish(digest: Digest): Promise<void> {
    const { registry, reference } = this.#options.destination;
    const top = this.#top.get(formatDigest(digest));
    if (top && reference.tag !== undefined) await registry.pushManifest(this.#to, top.bytes, { ...this.#call, tag: reference.tag });
  }

  async #attachments(digest: Digest, depth: number): Promise<void> {
    const { registry } = this.#options.source;
    const { api, fallbackTag } = await registry.referrers(this.#from, digest, { ...this.#call, places: 'all' });
    // Side by side, so that a destination without the referrers API is asked to settle for all of them together.
    const listed = [...optional(api), ...optional(fallbackTag)];
    const [indexes, others] = [true, false].map((index) => listed.filter(({ mediaType }) => INDEXES.includes(mediaType) === index)) as [
      Descriptor[],
      Descriptor[],
    ];
    await inParallel(others, ATTACHING, ({ digest: referrer }) => this.#referrer(referrer, depth + 1));
    // One after the other: what two of them list must be there when either arrives.
    for (const { digest: referrer } of indexes) await this.#referrer(referrer, depth + 1);
    await inParallel(TAGGED, TAGGED.length, async (kind) => {
      const attached = await registry.attachment(this.#from, digest, kind, this.#call);
      if (attached.state === 'unavailable') throw attached.cause;
      const tag = attachmentTag(digest, kind);
      if (attached.state === 'complete' && tag !== undefined) await this.#tagged(attached.value, tag);
    });
  }

  /** A referrer is listed anew where it arrives, whether that place has the API or not. */
  async #referrer(digest: Digest, depth: number): Promise<void> {
    if (!this.#claim(digest)) return;
    if (depth > LIMITS.indexDepth * 2) throw new SealwardError('ERR_TOO_LARGE', `${formatDigest(digest)} is nested too deep to be copied`);
    const found = await this.#options.source.registry.manifest(this.#from, digest, this.#call);
    // What an index lists and nobody has any more cannot be left behind.
    if (found.state === 'absent') return;
    const { bytes, manifest } = need(found, () => '');
    if (manifest.kind === 'manifest') await this.#blobs([manifest.config, ...manifest.layers]);
    else for (const child of manifest.manifests) await this.image(child.digest, depth + 1);
    const { registry } = this.#options.destination;
    if (manifest.subject) await registry.attach(this.#to, { manifest: bytes, blobs: [] }, this.#call);
    else await registry.pushManifest(this.#to, bytes, this.#call);
    this.counts.attached += 1;
    await this.#attachments(digest, depth);
  }

  /** Layers under a tag of the first generation join those that the destination has. */
  async #tagged({ manifest, bytes }: FetchedManifest, tag: string): Promise<void> {
    if (manifest.kind !== 'manifest') throw new SealwardError('ERR_MANIFEST_INVALID', `the tag ${tag} is an index where signatures should be`);
    await this.#blobs([manifest.config, ...manifest.layers]);
    const { registry } = this.#options.destination;
    await registry.editTag(this.#to, tag, mergeLayers(registry, this.#to, bytes, `the tag ${tag}`, this.#call), this.#call);
    this.counts.attached += manifest.layers.length;
  }

  async #blobs(descriptors: readonly Descriptor[]): Promise<void> {
    const { source, destination } = this.#options;
    const transfer = async (blob: Descriptor): Promise<void> => {
      const open = async function* (registry: Registry, name: RepositoryName, call: CallOptions): AsyncGenerator<Uint8Array> {
        yield* need(
          await registry.blobStream(name, blob, { ...call, maxBytes: blob.size }),
          () => `${formatRepository(name)} does not have ${formatDigest(blob.digest)}`,
        );
      };
      const sameHost = source.reference.registry === destination.reference.registry;
      const mount = sameHost ? { mountFrom: source.reference.repository } : {};
      await destination.registry.pushBlob(this.#to, blob.digest, blob.size, () => open(source.registry, this.#from, this.#call), { ...this.#call, ...mount });
      this.counts.blobs += 1;
    };
    const arriving = descriptors.map((blob) => {
      const key = formatDigest(blob.digest);
      const moved = this.#blobsMoved.get(key) ?? this.#transfer(() => transfer(blob));
      this.#blobsMoved.set(key, moved);
      return moved;
    });
    // All of them end before an error is thrown: nothing keeps writing behind the back of the caller.
    for (const outcome of await Promise.allSettled(arriving)) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #fetch(digest: Digest): Promise<FetchedManifest> {
    return need(
      await this.#options.source.registry.manifest(this.#from, digest, this.#call),
      () => `${formatRepository(this.#from)} does not have ${formatDigest(digest)}`,
    );
  }

  #claim(digest: Digest): boolean {
    const key = formatDigest(digest);
    if (this.#moved.has(key)) return false;
    this.#moved.add(key);
    return true;
  }
}

function need<T>(lookup: Lookup<T>, missing: () => string): T {
  if (lookup.state === 'complete') return lookup.value;
  throw lookup.state === 'unavailable' ? lookup.cause : new SealwardError('ERR_NOT_FOUND', missing());
}

/** What a place lists; a place that did not answer may hold the evidence that must not be left behind. */
function optional(lookup: Lookup<readonly Descriptor[]>): readonly Descriptor[] {
  if (lookup.state === 'unavailable') throw lookup.cause;
  return lookup.state === 'complete' ? lookup.value : [];
}
