/**
 * An OCI image layout folder (image-spec image-layout.md) as a registry: one repository, tags are the ref.name
 * annotations of index.json, and referrers are found by reading what index.json lists.
 */
import {
  absent,
  type AttachmentKind,
  attachmentTag,
  complete,
  type Descriptor,
  type Digest,
  digestOf,
  formatDigest,
  type Lookup,
  mapLookup,
  notAsked,
  quoted,
  type Reference,
  referrersTag,
  type RepositoryName,
} from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../http/index.ts';
import { asLookup } from './answers.ts';
import { digestCheck } from './digest-check.ts';
import { listingOf } from './fallback-index.ts';
import { artifactsAmong, savedAttachment, wasSavedByCosign } from './layout-artifacts.ts';
import { type LayoutEntry, LayoutFolder, REF_NAME } from './layout-folder.ts';
import { readManifest } from './manifests.ts';
import type {
  Attached,
  Attachment,
  BlobOptions,
  BlobSource,
  CallOptions,
  FetchedManifest,
  PushedManifest,
  PushManifestOptions,
  ReferrersLookup,
  Registry,
  Resolved,
  TagEdit,
} from './registry.ts';

const EDIT_ATTEMPTS = 12;
/** How reading a blob as a manifest ends, when it is none. */
const NOT_A_MANIFEST: readonly string[] = ['ERR_MANIFEST_INVALID', 'ERR_JSON_INVALID', 'ERR_ENCODING_INVALID'];

/** Reads and writes the folders that references like `oci:PATH` name. */
export class LayoutRegistry implements Registry {
  readonly #clock: Clock;

  constructor(options: { readonly clock?: Clock } = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  async resolve(reference: Reference): Promise<Lookup<Resolved>> {
    return reference.digest ? complete({ digest: reference.digest }) : this.describe(reference);
  }

  describe(reference: Reference): Promise<Lookup<Descriptor>> {
    return asLookup(async () => {
      const { digest } = reference;
      if (digest) return mapLookup(await this.manifest(reference, digest), ({ descriptor }) => descriptor);
      const entries = await this.#folder(reference).entries();
      const named = reference.tag === undefined ? await this.#artifacts(reference, entries) : entries.filter(({ refName }) => refName === reference.tag);
      if (named.length > 1) {
        throw new SealwardError('ERR_MANIFEST_INVALID', `${this.#place(reference)}: ${named.length} entries of index.json may be meant`, {
          hint: 'Name one of them: oci:PATH:TAG or oci:PATH@DIGEST.',
        });
      }
      return named[0] ? complete(named[0].descriptor) : absent;
    });
  }

  #artifacts(name: RepositoryName, entries: readonly LayoutEntry[]): Promise<readonly LayoutEntry[]> {
    return artifactsAmong(entries, async (digest) => {
      const read = await this.manifest(name, digest);
      return read.state === 'complete' ? read.value : undefined;
    });
  }

  manifest(name: RepositoryName, target: Digest | string): Promise<Lookup<FetchedManifest>> {
    return asLookup(async () => {
      const tagged: Lookup<Resolved> = typeof target === 'string' ? await this.describe({ ...name, tag: target }) : complete({ digest: target });
      if (tagged.state !== 'complete') return tagged;
      const { digest } = tagged.value;
      const bytes = await this.#folder(name).readBlob(digest, LIMITS.manifestBytes);
      if (!bytes) return absent;
      this.#check(name, digest, bytes);
      // What index.json calls it stands where the header of a registry would.
      return complete(readManifest(bytes, digest, tagged.value.mediaType, `${this.#place(name)}: ${formatDigest(digest)}`));
    });
  }

  blob(name: RepositoryName, target: Digest | Descriptor, { maxBytes }: BlobOptions): Promise<Lookup<Uint8Array>> {
    return asLookup(async () => {
      const { digest, size } = 'digest' in target ? target : { digest: target, size: undefined };
      const bytes = await this.#folder(name).readBlob(digest, maxBytes);
      if (!bytes) return absent;
      this.#check(name, digest, bytes, size);
      return complete(bytes);
    });
  }

  blobStream(name: RepositoryName, target: Digest | Descriptor, { maxBytes }: BlobOptions): Promise<Lookup<AsyncIterable<Uint8Array>>> {
    return asLookup(async () => {
      const { digest, size } = 'digest' in target ? target : { digest: target, size: undefined };
      const stream = await this.#folder(name).openBlob(digest, maxBytes);
      return stream ? complete(checked(stream, digestCheck(this.#place(name), digest, size))) : absent;
    });
  }

  /** The folder's own listing stands for the API; an index under the fallback tag counts like everywhere else. */
  async referrers(name: RepositoryName, digest: Digest): Promise<ReferrersLookup> {
    const api = await asLookup(async () => complete(await this.#scan(name, digest)));
    const tagged = await this.manifest(name, referrersTag(digest));
    if (tagged.state !== 'complete') return { api, fallbackTag: tagged };
    const { manifest } = tagged.value;
    return { api, fallbackTag: manifest.kind === 'index' ? complete(manifest.manifests) : notAsked };
  }

  async #scan(name: RepositoryName, subject: Digest): Promise<Descriptor[]> {
    const found: Descriptor[] = [];
    const entries = await this.#folder(name).entries();
    const listed = entries.map(({ descriptor }) => descriptor.digest);
    const unlisted = wasSavedByCosign(entries, subject) ? await this.#folder(name).smallBlobs(LIMITS.manifestBytes) : [];
    for (const digest of new Map([...listed, ...unlisted].map((one) => [formatDigest(one), one])).values()) {
      const read = await this.manifest(name, digest);
      // What index.json lists but nobody put there, or something that is no manifest, refers to nothing.
      if (read.state === 'unavailable' && !NOT_A_MANIFEST.includes(read.cause.code)) throw read.cause;
      if (read.state !== 'complete') continue;
      const { manifest, descriptor: actual } = read.value;
      if (manifest.subject && formatDigest(manifest.subject.digest) === formatDigest(subject)) found.push(listingOf(manifest, actual));
    }
    return found;
  }

  isMirrored(): boolean {
    return false;
  }

  async attachment(name: RepositoryName, digest: Digest, kind: AttachmentKind): Promise<Lookup<FetchedManifest>> {
    const tag = attachmentTag(digest, kind);
    if (tag === undefined) return absent;
    const tagged = await this.manifest(name, tag);
    if (tagged.state !== 'absent') return tagged;
    const saved = savedAttachment(await this.#folder(name).entries(), digest, kind);
    return saved ? this.manifest(name, saved) : absent;
  }

  tags(name: RepositoryName): Promise<Lookup<readonly string[]>> {
    return asLookup(async () => complete((await this.#folder(name).entries()).flatMap(({ refName }) => (refName === undefined ? [] : [refName])).sort()));
  }

  async pushBlob(name: RepositoryName, digest: Digest, size: number, source: BlobSource): Promise<'existed' | 'pushed'> {
    const folder = this.#folder(name);
    if (await this.#holds(name, digest, size)) return 'existed';
    const pieces = source instanceof Uint8Array ? one(source) : source();
    await folder.writeBlob(digest, checked(pieces, digestCheck(this.#place(name), digest, size)));
    return 'pushed';
  }

  async pushManifest(name: RepositoryName, bytes: Uint8Array, options: PushManifestOptions = {}): Promise<PushedManifest> {
    const digest = digestOf(bytes);
    const { descriptor, manifest } = readManifest(bytes, digest, undefined, `${this.#place(name)}: the manifest`);
    const folder = this.#folder(name);
    await folder.writeBlob(digest, one(bytes));
    await folder.change(this.#clock, options, (entries) => withEntry(entries, manifest.subject ? listingOf(manifest, descriptor) : descriptor, options.tag));
    return { descriptor, subjectListed: manifest.subject !== undefined };
  }

  async attach(name: RepositoryName, attachment: Attachment, options: CallOptions = {}): Promise<Attached> {
    for (const { digest, bytes } of attachment.blobs) await this.pushBlob(name, digest, bytes.length, bytes);
    const { descriptor, subjectListed } = await this.pushManifest(name, attachment.manifest, options);
    if (!subjectListed) throw new SealwardError('ERR_MANIFEST_INVALID', `${this.#place(name)}: what is to be attached names no subject`);
    return { descriptor, via: 'api' };
  }

  /** index.json is changed under a lock, so what was read can be held against what is there when it is written. */
  async editTag(name: RepositoryName, tag: string, edit: TagEdit, options: CallOptions = {}): Promise<void> {
    const folder = this.#folder(name);
    for (let attempt = 0; attempt < EDIT_ATTEMPTS; attempt++) {
      const read = await this.manifest(name, tag);
      if (read.state === 'unavailable') throw read.cause;
      const found = read.state === 'complete' ? read.value : undefined;
      if (found && edit.done(found)) return;
      const bytes = await edit.merge(found);
      const { descriptor } = readManifest(bytes, digestOf(bytes), undefined, `${this.#place(name)}: the tag ${tag}`);
      await folder.writeBlob(descriptor.digest, one(bytes));
      const outcome = { written: false };
      await folder.change(this.#clock, options, (entries) => {
        const there = entries.find(({ refName }) => refName === tag)?.descriptor.digest;
        outcome.written = (there && formatDigest(there)) === (found && formatDigest(found.descriptor.digest));
        return outcome.written ? withEntry(entries, descriptor, tag) : entries;
      });
      if (outcome.written) return;
    }
    throw new SealwardError('ERR_ATTACH_CONTENDED', `${this.#place(name)}: ${edit.what}`);
  }

  /** Takes the entries out of index.json; the blobs stay, since others may share them. */
  async deleteManifest(name: RepositoryName, target: Digest | string, options: CallOptions = {}): Promise<void> {
    const keeps = ({ refName, descriptor }: LayoutEntry): boolean =>
      typeof target === 'string' ? refName !== target : formatDigest(descriptor.digest) !== formatDigest(target);
    await this.#folder(name).change(this.#clock, options, (entries) => entries.filter(keeps));
  }

  /** A file of the right name is not enough: what a crash or a bad disk left there is written again. */
  async #holds(name: RepositoryName, digest: Digest, size: number): Promise<boolean> {
    if ((await this.#folder(name).blobSize(digest)) !== size) return false;
    const found = await this.blobStream(name, { mediaType: 'application/octet-stream', digest, size }, { maxBytes: size });
    if (found.state !== 'complete') return false;
    try {
      for await (const _ of found.value);
      return true;
    } catch (error) {
      if (error instanceof SealwardError && error.code === 'ERR_DIGEST_MISMATCH') return false;
      throw error;
    }
  }

  #folder(name: RepositoryName): LayoutFolder {
    return new LayoutFolder(name.repository);
  }

  #place(name: RepositoryName): string {
    return `the folder ${quoted(name.repository, 400)}`;
  }

  #check(name: RepositoryName, digest: Digest, bytes: Uint8Array, size?: number): void {
    const check = digestCheck(this.#place(name), digest, size);
    check.update(bytes);
    check.finish();
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

async function* checked(source: AsyncIterable<Uint8Array>, check: ReturnType<typeof digestCheck>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    check.update(chunk);
    yield chunk;
  }
  check.finish();
}

/** A tag moves; without one a manifest is listed once. */
function withEntry(entries: readonly LayoutEntry[], descriptor: Descriptor, tag: string | undefined): readonly LayoutEntry[] {
  const same = (entry: LayoutEntry): boolean => formatDigest(entry.descriptor.digest) === formatDigest(descriptor.digest);
  if (tag === undefined) return entries.some(same) ? entries : [...entries, { descriptor }];
  const annotations = { ...descriptor.annotations, [REF_NAME]: tag };
  // The entry without a name gives way to the one with it; other names of the same manifest stay.
  return [
    ...entries.filter((entry) => entry.refName !== tag && !(entry.refName === undefined && same(entry))),
    { refName: tag, descriptor: { ...descriptor, annotations } },
  ];
}
