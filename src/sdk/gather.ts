/**
 * Gathers evidence about one digest from a registry, place after place: first the referrers, where today's signatures
 * lie, and before anything is refused also the tags of the first generation. Whoever asks stops when it is enough.
 */
import type { FetchedManifest, ReferrersLookup, Registry } from '../clients/registry/index.ts';
import { absent, complete, type Descriptor, type Digest, formatDigest, type Lookup, type RepositoryName, referrersTag } from '../core/artifact/index.ts';
import { type DocumentSource, signatureLayers } from '../core/bundle/index.ts';
import { LIMITS } from '../core/encoding/index.ts';
import { documentKey, type EvidenceDocument, type Place, type PlaceName, readEvidence } from '../core/verify/index.ts';
import { fitOfLayer, fitOfReferrer, type Wanted } from './fit.ts';
import { inParallel } from './in-parallel.ts';

export interface GatherOptions {
  readonly registry: Registry;
  /** Where signatures lie; usually the repository of the artifact itself. */
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly wanted: Wanted;
  /** How many requests run side by side; 10 when not said. */
  readonly workers?: number;
  /** Absolute, on the registry client's clock. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** Documents that were read before, by `documentKey`: they are neither fetched nor read again. */
  readonly read?: Map<string, EvidenceDocument>;
  /** Reads each document in place of `readEvidence`, for whoever has another place to do so. */
  readonly reader?: (place: PlaceName, source: DocumentSource, bytes: Uint8Array) => EvidenceDocument | Promise<EvidenceDocument>;
}

/** What one step added, and how all places stand after it. */
export interface GatherStep {
  readonly places: readonly Place[];
  readonly documents: readonly EvidenceDocument[];
}

export async function* gather(options: GatherOptions): AsyncGenerator<GatherStep> {
  const reader = new Reader(options);
  const { registry, repository, digest, wanted } = options;
  const states = new Map<PlaceName, Place>();
  for (const name of reader.placeNames) states.set(name, reader.place(name, { state: 'not-asked' }));
  const step = ({ place, documents }: ReadPlace): GatherStep => {
    states.set(place.name, place);
    return { places: [...states.values()], documents };
  };

  const first = await registry.referrers(repository, digest, { ...reader.call, places: 'first' });
  for await (const read of reader.listing('referrers-api', first.api)) yield step(read);
  for await (const read of reader.listing('fallback-tag', first.fallbackTag)) yield step(read);

  // Nothing is refused before every place was asked, and a mirror's answer is not the last word: then the registry itself is asked.
  const [again, tagged] = await Promise.all([
    registry.isMirrored(repository) ? registry.referrers(repository, digest, { ...reader.call, places: 'all' }) : reader.unasked(first),
    reader.attachment(wanted.role === 'attestation' ? 'att-tag' : 'sig-tag'),
  ]);
  if (again.api) for await (const read of reader.listing('referrers-api', again.api)) yield step(read);
  if (again.fallbackTag) for await (const read of reader.listing('fallback-tag', again.fallbackTag)) yield step(read);
  yield step(tagged);
}

interface ReadPlace {
  readonly place: Place;
  readonly documents: readonly EvidenceDocument[];
}

class Reader {
  readonly #options: GatherOptions;
  /** How many more signatures may be fetched, over all places together. */
  #budget = LIMITS.signaturesFetched;
  /** Manifests that were looked at, wherever they were listed. */
  readonly #read = new Set<string>();
  /** Places of which something that they list could not be had. */
  readonly #failed = new Map<PlaceName, Lookup<never>>();
  /** One payload is often signed by many: each blob is fetched once. */
  readonly #blobs = new Map<string, Promise<Lookup<Uint8Array>>>();

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  get placeNames(): readonly PlaceName[] {
    return ['referrers-api', 'fallback-tag', this.#options.wanted.role === 'signature' ? 'sig-tag' : 'att-tag'];
  }

  get call(): { deadline?: number; signal?: AbortSignal } {
    const { deadline, signal } = this.#options;
    return { ...(deadline === undefined ? {} : { deadline }), ...(signal ? { signal } : {}) };
  }

  place(name: PlaceName, lookup: Lookup<unknown>, left = 0): Place {
    const { digest } = this.#options;
    const tag = `${digest.algorithm}-${digest.hex.slice(0, 12)}…`;
    const where = {
      'referrers-api': 'the referrers API',
      'fallback-tag': `the tag ${tag}`,
      'sig-tag': `the tag ${tag}.sig`,
      'att-tag': `the tag ${tag}.att`,
      file: 'the file',
    }[name];
    return {
      name,
      where,
      state: lookup.state,
      ...(lookup.state === 'unavailable' ? { cause: lookup.cause } : {}),
      ...(left > 0 ? { left } : {}),
      ...datedOf(lookup),
    };
  }

  /** Reads what is listed, best fit first; each yield stands for one degree of fitness, so that the rest may stay unread. */
  async *listing(name: 'referrers-api' | 'fallback-tag', lookup: Lookup<readonly Descriptor[]>): AsyncGenerator<ReadPlace> {
    if (lookup.state !== 'complete' || lookup.value.length === 0) {
      yield { place: this.place(name, lookup), documents: [] };
      return;
    }
    let state: Lookup<unknown> = this.#failed.get(name) ?? lookup;
    const unread = lookup.value.filter((descriptor) => !this.#read.has(formatDigest(descriptor.digest)));
    if (unread.length === 0) yield { place: this.place(name, state), documents: [] };
    let left = unread.length;
    const groups = Map.groupBy(unread, (descriptor) => fitOfReferrer(descriptor, this.#options.wanted));
    for (const [, group] of [...groups].sort(([a], [b]) => a - b)) {
      const taken = group.slice(0, this.#budget);
      this.#budget -= taken.length;
      left -= taken.length;
      for (const { digest } of taken) this.#read.add(formatDigest(digest));
      const read = await inParallel(taken, this.#options.workers ?? 10, (descriptor) => this.referrer(name, descriptor));
      for (const one of read)
        if (one.place.state === 'unavailable' && one.place.cause) this.#failed.set(name, (state = { state: 'unavailable', cause: one.place.cause }));
      yield { place: this.place(name, state, left), documents: read.flatMap(({ documents }) => documents) };
    }
  }

  /** The fallback tag, where the API answered and it was therefore left out: an index from before the API may stand there. */
  async unasked(first: ReferrersLookup): Promise<Partial<ReferrersLookup>> {
    if (first.fallbackTag.state !== 'not-asked') return {};
    const { registry, repository, digest } = this.#options;
    const index = await registry.manifest(repository, referrersTag(digest), this.call);
    if (index.state !== 'complete') return { fallbackTag: index };
    const { manifest } = index.value;
    return { fallbackTag: manifest.kind === 'index' ? complete(manifest.manifests) : absent };
  }

  async attachment(name: 'sig-tag' | 'att-tag'): Promise<ReadPlace> {
    const { registry, repository, digest } = this.#options;
    return this.layers(name, await registry.attachment(repository, digest, name === 'sig-tag' ? 'sig' : 'att', this.call));
  }

  private async referrer(name: PlaceName, descriptor: Descriptor): Promise<ReadPlace> {
    const { registry, repository } = this.#options;
    return this.layers(name, await registry.manifest(repository, descriptor.digest, this.call), descriptor);
  }

  /** The signatures in one manifest. What is listed but gone holds none; what cannot be read is a finding about itself alone. */
  private async layers(name: PlaceName, manifest: Lookup<FetchedManifest>, listed?: Descriptor): Promise<ReadPlace> {
    if (manifest.state === 'unavailable' && isJunk(manifest.cause.code)) {
      const digest = listed ? formatDigest(listed.digest) : this.place(name, manifest).where;
      return { place: this.place(name, { state: 'complete', value: undefined }), documents: [unreadable(digest, name, manifest.cause.message)] };
    }
    if (manifest.state !== 'complete' || manifest.value.manifest.kind !== 'manifest') return { place: this.place(name, manifest), documents: [] };
    const { wanted, workers = 10 } = this.#options;
    const layers = signatureLayers(manifest.value.manifest).sort((a, b) => fitOfLayer(a.source, wanted) - fitOfLayer(b.source, wanted));
    // A listed manifest was counted when it was taken from its list; a tag's layers are what is counted there.
    const room = listed ? LIMITS.signaturesFetched : this.#budget;
    const taken = layers.slice(0, room);
    if (!listed) this.#budget -= taken.length;
    let state: Lookup<unknown> = manifest;
    const documents = await inParallel(taken, workers, async ({ descriptor, source }) => {
      const read = await this.document(name, descriptor, source);
      if ('state' in read) state = read;
      return 'state' in read ? [] : [read];
    });
    return { place: this.place(name, state, layers.length - taken.length), documents: documents.flat() };
  }

  private async document(
    name: PlaceName,
    descriptor: Descriptor,
    source: DocumentSource,
  ): Promise<EvidenceDocument | Extract<Lookup<never>, { state: 'unavailable' }>> {
    const digest = formatDigest(descriptor.digest);
    const { read, reader = readEvidence } = this.#options;
    const key = documentKey({ place: name, digest, source, entities: [] });
    const known = read?.get(key);
    if (known) return known;
    const bytes = await this.blob(descriptor, digest, source);
    if (bytes.state === 'complete') {
      const document = await reader(name, source, bytes.value);
      // What was too long for a signature may be an attestation.
      if (!document.unreadable) read?.set(key, document);
      return document;
    }
    if (bytes.state === 'absent') return unreadable(digest, name, 'the registry lists it but does not have it');
    if (bytes.state === 'unavailable' && !isJunk(bytes.cause.code)) return bytes;
    return unreadable(digest, name, bytes.state === 'unavailable' ? bytes.cause.message : 'it was not asked for');
  }

  /** One payload is often signed by many, so each blob is fetched once. */
  private blob(descriptor: Descriptor, digest: string, source: DocumentSource): Promise<Lookup<Uint8Array>> {
    const { registry, repository, wanted } = this.#options;
    const maxBytes = source.kind === 'simple-signing' || wanted.role === 'signature' ? LIMITS.bundleBytes : LIMITS.attestationBytes;
    let fetched = this.#blobs.get(digest);
    if (!fetched) {
      fetched = registry.blob(repository, descriptor, { ...this.call, maxBytes });
      this.#blobs.set(digest, fetched);
    }
    return fetched;
  }
}

/** A held answer says when it was given. */
function datedOf(lookup: Lookup<unknown>): { readonly askedAt?: number } {
  return 'askedAt' in lookup && typeof lookup.askedAt === 'number' ? { askedAt: lookup.askedAt } : {};
}

/** What anybody with push access can leave in a repository; it says nothing about the registry. */
function isJunk(code: string): boolean {
  return code === 'ERR_MANIFEST_INVALID' || code === 'ERR_JSON_INVALID' || code === 'ERR_TOO_LARGE' || code === 'ERR_ENCODING_INVALID';
}

function unreadable(digest: string, place: PlaceName, detail: string): EvidenceDocument {
  return { digest, place, entities: [], unreadable: { code: 'BUNDLE_MALFORMED', detail } };
}
