/**
 * A registry that remembers. What a registry answers is kept in the store as it comes; when it does not answer, what is
 * held answers for it, with the time when it was asked. A digest of which nothing is held stays "could not be found out":
 * what the store lacks is never taken for "is not there".
 */
import type { EvidenceStore } from '../clients/evidence/index.ts';
import type { CallOptions, FetchedManifest, ReferrersLookup, Registry, Resolved } from '../clients/registry/index.ts';
import {
  absent,
  type AttachmentKind,
  complete,
  type Descriptor,
  descriptorToJson,
  type Digest,
  digestFrom,
  formatDigest,
  formatRepository,
  type Lookup,
  parseDescriptor,
  parseManifest,
  type Reference,
  type RepositoryName,
  unavailable,
} from '../core/artifact/index.ts';
import type { JsonObject, JsonValue } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';

export interface HeldOptions {
  readonly store: EvidenceStore;
  /** The registry that is asked; without one nothing is (`--offline`). */
  readonly registry?: Registry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Held answers that are younger, in milliseconds, are taken without asking; 0 when not said. Without a registry every one is. */
  readonly maxAge?: number;
}

/** How asking one place ended, as it is kept. */
interface Answer {
  readonly state: 'complete' | 'absent';
  readonly askedAt: number;
  readonly descriptors?: readonly Descriptor[];
  /** Came in with an archive: believed when nobody answers, and not instead of asking. */
  readonly imported?: boolean;
}

type PlaceKey = 'api' | 'fallbackTag' | AttachmentKind;
/** What a mirror said is kept beside what the registry itself said, and never in its place. */
const OF_MIRROR = '@mirror';

/** Tells when an answer was given, beside the answer. */
export type Dated<T> = Lookup<T> & { readonly askedAt?: number };

export function heldRegistry({ store, registry, now, maxAge = 0 }: HeldOptions): Registry {
  const missing = (what: string): Lookup<never> =>
    unavailable(
      new SealwardError(
        'ERR_EVIDENCE_MISSING',
        `${what} is not in the evidence that is held`,
        registry ? {} : { hint: 'Gather it where the registry can be reached: `sealward evidence gather IMAGE`.' },
      ),
    );
  const answersOf = (name: RepositoryName, digest: Digest): JsonObject => store.record('answers', answersKey(name, digest)) ?? {};
  /** What was asked in the future was asked by a clock that is wrong, and is not young for ever. */
  const isYoung = (askedAt: number): boolean => askedAt <= now() && now() - askedAt <= maxAge;
  /** The answer, when it may be given without asking. */
  const young = (answer: Answer | undefined): Answer | undefined =>
    answer && (!registry || (isYoung(answer.askedAt) && !answer.imported)) ? answer : undefined;

  /** Names of which a mirror's answer was given: who wants to know it from the registry itself is told so. */
  const mirrored = new Set<string>();
  const throughMirror = (name: RepositoryName, originOnly: boolean): boolean => !originOnly && registry?.isMirrored(name) === true;

  /** The answer of the registry itself, or, where that is enough, the later one of it and its mirrors. */
  function heldAnswer(name: RepositoryName, digest: Digest, place: PlaceKey, originOnly: boolean): Answer | undefined {
    const kept = answersOf(name, digest);
    const own = readAnswer(kept[place]);
    const other = originOnly ? undefined : readAnswer(kept[`${place}${OF_MIRROR}`]);
    return own && (!other || own.askedAt >= other.askedAt) ? own : other;
  }

  function given(name: RepositoryName, digest: Digest, place: PlaceKey, answer: Answer): Dated<readonly Descriptor[]> {
    if (readAnswer(answersOf(name, digest)[place])?.askedAt !== answer.askedAt) mirrored.add(formatRepository(name));
    return dated(answer);
  }

  /** Keeps an answer, or falls back to what is held when there is none. */
  function keepAnswer(
    name: RepositoryName,
    digest: Digest,
    place: PlaceKey,
    asked: Lookup<readonly Descriptor[]>,
    originOnly: boolean,
  ): Dated<readonly Descriptor[]> {
    if (asked.state === 'complete' || asked.state === 'absent') {
      const askedAt = now();
      const answer = { state: asked.state, askedAt, ...(asked.state === 'complete' ? { descriptors: asked.value.map((one) => descriptorToJson(one)) } : {}) };
      const slot = throughMirror(name, originOnly) ? `${place}${OF_MIRROR}` : place;
      store.write('answers', answersKey(name, digest), { ...answersOf(name, digest), askedAt, [slot]: answer });
      return { ...asked, askedAt };
    }
    // What was left out on purpose stays left out; it is asked for when it matters.
    const held = asked.state === 'unavailable' ? heldAnswer(name, digest, place, originOnly) : undefined;
    return held ? given(name, digest, place, held) : asked;
  }

  async function referrers(name: RepositoryName, digest: Digest, options: Parameters<Registry['referrers']>[2] = {}): Promise<ReferrersLookup> {
    const both = options.places === 'all';
    const originOnly = both || options.originOnly === true;
    const [api, tag] = (['api', 'fallbackTag'] as const).map((place) => heldAnswer(name, digest, place, originOnly));
    if (!registry) {
      return {
        api: api ? given(name, digest, 'api', api) : missing(`what refers to ${formatDigest(digest)}`),
        fallbackTag: tag ? given(name, digest, 'fallbackTag', tag) : !both && api?.state === 'complete' ? { state: 'not-asked' } : missing('the fallback tag'),
      };
    }
    const enough = young(api);
    if (enough && (young(tag) || (!both && enough.state === 'complete')))
      return { api: given(name, digest, 'api', enough), fallbackTag: young(tag) ? given(name, digest, 'fallbackTag', tag as Answer) : { state: 'not-asked' } };
    const asked = await registry.referrers(name, digest, options);
    // A list that was filtered is not the whole list.
    if (options.artifactType !== undefined) return asked;
    return {
      api: keepAnswer(name, digest, 'api', asked.api, originOnly),
      fallbackTag: keepAnswer(name, digest, 'fallbackTag', asked.fallbackTag, originOnly),
    };
  }

  async function manifest(name: RepositoryName, target: Digest | string, options?: CallOptions): Promise<Lookup<FetchedManifest>> {
    const digest = typeof target === 'string' ? undefined : target;
    const held = digest && heldManifest(digest);
    if (held) return complete(held);
    if (registry) {
      const fetched = await registry.manifest(name, target, options);
      if (fetched.state === 'complete') {
        store.keep(formatDigest(fetched.value.descriptor.digest), fetched.value.bytes);
        if (typeof target === 'string') keepTag(name, target, complete({ digest: fetched.value.descriptor.digest }));
      } else if (fetched.state === 'absent' && typeof target === 'string') keepTag(name, target, absent);
      if (fetched.state !== 'unavailable' || typeof target !== 'string') return fetched;
      return (await heldByTag(name, target)) ?? fetched;
    }
    if (typeof target === 'string') return (await heldByTag(name, target)) ?? missing(`the tag ${target}`);
    return missing(`the manifest ${formatDigest(target)}`);
  }

  function heldManifest(digest: Digest): FetchedManifest | undefined {
    const bytes = store.bytes(formatDigest(digest));
    if (!bytes) return undefined;
    try {
      const parsed = parseManifest(bytes);
      return { descriptor: { mediaType: parsed.mediaType, digest, size: bytes.length }, bytes, manifest: parsed };
    } catch (error) {
      // Bytes of another kind may be asked for as a manifest by whoever lists them so.
      if (error instanceof SealwardError && error.family === 'InputError') return undefined;
      throw error;
    }
  }

  async function heldByTag(name: RepositoryName, tag: string): Promise<Lookup<FetchedManifest> | undefined> {
    const held = heldTag(name, tag);
    if (!held || held.state === 'absent') return held?.state === 'absent' ? absent : undefined;
    const found = held.digest && heldManifest(held.digest);
    return found && complete(found);
  }

  function heldTag(
    name: RepositoryName,
    tag: string,
  ): { readonly state: 'complete' | 'absent'; readonly digest?: Digest; readonly askedAt: number; readonly imported: boolean } | undefined {
    const body = store.record('tags', tagKey(name, tag));
    const askedAt = Number(body?.askedAt);
    if (!body || !Number.isFinite(askedAt)) return undefined;
    const imported = body.imported === true;
    if (body.state === 'absent') return { state: 'absent', askedAt, imported };
    const digest = typeof body.digest === 'string' ? digestFrom(body.digest) : undefined;
    return digest && { state: 'complete', digest, askedAt, imported };
  }

  function keepTag(name: RepositoryName, tag: string, resolved: Lookup<Resolved>): void {
    const askedAt = now();
    if (resolved.state === 'absent') store.write('tags', tagKey(name, tag), { state: 'absent', askedAt });
    if (resolved.state === 'complete') store.write('tags', tagKey(name, tag), { state: 'complete', digest: formatDigest(resolved.value.digest), askedAt });
  }

  async function resolve(reference: Reference, options?: CallOptions): Promise<Lookup<Resolved>> {
    if (reference.digest) return complete({ digest: reference.digest });
    const tag = reference.tag ?? 'latest';
    const held = heldTag(reference, tag);
    const fromHeld = (): Lookup<Resolved> => (held?.digest ? complete({ digest: held.digest }) : held ? absent : missing(`the tag ${tag}`));
    if (held && (!registry || (isYoung(held.askedAt) && options?.originOnly !== true && !held.imported))) return fromHeld();
    if (!registry) return fromHeld();
    const resolved = await registry.resolve(reference, options);
    keepTag(reference, tag, resolved);
    return resolved.state === 'unavailable' && held ? fromHeld() : resolved;
  }

  async function describe(reference: Reference, options?: CallOptions): Promise<Lookup<Descriptor>> {
    const asked = registry && (await registry.describe(reference, options));
    if (asked && asked.state !== 'unavailable') return asked;
    const resolved = await resolve(reference, options);
    if (resolved.state !== 'complete') return resolved;
    const found = heldManifest(resolved.value.digest);
    return found ? complete(found.descriptor) : (asked ?? missing(`the manifest ${formatDigest(resolved.value.digest)}`));
  }

  async function attachment(name: RepositoryName, digest: Digest, kind: AttachmentKind, options?: CallOptions): Promise<Dated<FetchedManifest>> {
    const originOnly = options?.originOnly === true;
    const held = heldAnswer(name, digest, kind, originOnly);
    const fromHeld = (answer: Answer): Dated<FetchedManifest> => {
      const [descriptor] = answer.descriptors ?? [];
      const found = descriptor && heldManifest(descriptor.digest);
      if (answer.state === 'absent') return { ...absent, askedAt: answer.askedAt };
      return found ? { ...complete(found), askedAt: answer.askedAt } : missing(`the manifest under the tag of ${formatDigest(digest)}`);
    };
    const enough = young(held);
    if (enough) return fromHeld(enough);
    if (!registry) return missing(`what is attached to ${formatDigest(digest)}`);
    const asked = await registry.attachment(name, digest, kind, options);
    if (asked.state === 'complete') store.keep(formatDigest(asked.value.descriptor.digest), asked.value.bytes);
    keepAnswer(name, digest, kind, asked.state === 'complete' ? complete([asked.value.descriptor]) : asked, originOnly);
    if (asked.state === 'unavailable' && held) return fromHeld(held);
    return asked.state === 'complete' || asked.state === 'absent' ? { ...asked, askedAt: now() } : asked;
  }

  async function blob(name: RepositoryName, target: Digest | Descriptor, options: Parameters<Registry['blob']>[2]): Promise<Lookup<Uint8Array>> {
    const digest = formatDigest('digest' in target ? target.digest : target);
    const held = store.bytes(digest);
    if (held && held.length <= options.maxBytes) return complete(held);
    if (!registry) return missing(`the blob ${digest}`);
    const fetched = await registry.blob(name, target, options);
    if (fetched.state === 'complete') store.keep(digest, fetched.value);
    return fetched;
  }

  const writing = (): Registry => {
    if (registry) return registry;
    throw new SealwardError('ERR_OFFLINE', 'nothing is written to a registry when none may be reached');
  };
  return {
    resolve,
    describe,
    manifest,
    blob,
    referrers,
    attachment,
    blobStream: async (name, target, options) => {
      const held = store.bytes(formatDigest('digest' in target ? target.digest : target));
      if (held && held.length <= options.maxBytes) return complete(pieces(held));
      return registry ? registry.blobStream(name, target, options) : missing('the blob');
    },
    isMirrored: (name) => registry?.isMirrored(name) ?? mirrored.has(formatRepository(name)),
    tags: async (name, options) => (registry ? registry.tags(name, options) : missing('the list of tags')),
    pushBlob: (...given) => writing().pushBlob(...given),
    pushManifest: (...given) => writing().pushManifest(...given),
    attach: (...given) => writing().attach(...given),
    editTag: (...given) => writing().editTag(...given),
    deleteManifest: (...given) => writing().deleteManifest(...given),
  };
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function answersKey(name: RepositoryName, digest: Digest): string {
  return `${formatRepository(name)}@${formatDigest(digest)}`;
}

function tagKey(name: RepositoryName, tag: string): string {
  return `${formatRepository(name)}:${tag}`;
}

function dated(answer: Answer): Dated<readonly Descriptor[]> {
  return answer.state === 'absent' ? { ...absent, askedAt: answer.askedAt } : { ...complete(answer.descriptors ?? []), askedAt: answer.askedAt };
}

/** A record has the seal of the store; its shape is read like any other. */
function readAnswer(value: JsonValue | undefined): Answer | undefined {
  if (value === null || value === undefined || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const { state, askedAt, descriptors, imported } = value;
  const beside = imported === true ? { imported } : {};
  if ((state !== 'complete' && state !== 'absent') || typeof askedAt !== 'number') return undefined;
  if (state === 'absent') return { state, askedAt, ...beside };
  if (!Array.isArray(descriptors)) return undefined;
  try {
    return { state, askedAt, ...beside, descriptors: descriptors.map((one) => parseDescriptor(one, 'a held descriptor')) };
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return undefined;
    throw error;
  }
}
