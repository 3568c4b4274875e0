/**
 * Attaching a manifest to its subject. Where the registry has the referrers API, pushing it is all. Elsewhere the index
 * under the fallback tag must be changed, and a tag is a register that anybody overwrites as a whole: there is no
 * compare-and-set in the distribution specification. What is done about two writers at once:
 *
 *   read the index, merge, write, read back; then wait, and read back once more; if the entry is not there, repeat.
 *
 * The wait (Fischer's algorithm) is what makes it hold: whoever read the index before our entry was in it, and writes
 * within the wait, is seen by our second look, and our entry is written again; whoever reads later has our entry in
 * what it writes. So no entry of a writer that follows this rule is lost as long as every writer writes within
 * `settleMs` of its own read. A writer that is stalled longer than that between its read and its write, or one that
 * does not look again (other tools), can still drop an entry after we looked for the last time; nobody can exclude
 * that without conditional writes. An ETag is therefore sent back as If-Match, for registries that honour it. An entry
 * that was dropped is put back by attaching the same once more, and every attachment of this client to the same
 * subject puts back the ones before it.
 */
import { type Descriptor, type Digest, formatDigest, type Index, parseManifest, referrersTag } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { listingOf, listsAll, mergeIndex } from './fallback-index.ts';
import { fetchTagged, headManifest } from './manifests.ts';
import { pushBlob, type UploadLimits } from './push-blob.ts';
import { putManifest, tryPutManifest } from './push-manifest.ts';
import type { Attached, Attachment, FetchedManifest, TagEdit } from './registry.ts';
import { type Call, placeOf, type Site, type Wire } from './wire.ts';

export const ATTACH = { attempts: 12, settleMs: 300, longestSettleMs: 5_000 } as const;

interface Edit extends TagEdit {
  /** Called when the registry says that the merged manifest names what is not there; whether merging again may help. */
  readonly repair?: (found: FetchedManifest) => Promise<boolean>;
}

export interface AttachSettings {
  readonly upload: UploadLimits;
  readonly settleMs: number;
}

export class Attacher {
  readonly #wire: Wire;
  readonly #settings: AttachSettings;
  /** Writers of one index in this client wait for each other; only others can contend. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** What this client has listed in an index before. */
  readonly #listed = new Map<string, readonly Descriptor[]>();
  /** What waits for its turn to be listed: whoever is next lists all of it, so that many settle together. */
  readonly #waiting = new Map<string, Descriptor[]>();

  constructor(wire: Wire, settings: AttachSettings) {
    this.#wire = wire;
    this.#settings = settings;
  }

  async attach(site: Site, call: Call, attachment: Attachment): Promise<Attached> {
    const manifest = parseManifest(attachment.manifest);
    const { subject } = manifest;
    if (!subject) throw new SealwardError('ERR_MANIFEST_INVALID', `${placeOf(site)}: what is to be attached names no subject`);
    const blobs = attachment.blobs.map(({ digest, bytes, fresh = false }) =>
      pushBlob(this.#wire, site, call, { digest, size: bytes.length, source: bytes, fresh }, this.#settings.upload),
    );
    // All of them end before an error is thrown: nothing keeps writing behind the back of the caller.
    for (const outcome of await Promise.allSettled(blobs)) if (outcome.status === 'rejected') throw outcome.reason;
    const pushed = await putManifest(this.#wire, site, call, { bytes: attachment.manifest });
    if (pushed.subjectListed) return { descriptor: pushed.descriptor, via: 'api' };
    const [key, entry] = [indexKey(site, subject.digest), listingOf(manifest, pushed.descriptor)];
    this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), entry]);
    await this.#inTurn(key, () => this.#list(site, call, subject.digest, entry));
    return { descriptor: pushed.descriptor, via: 'fallback-tag' };
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(key) === mine) this.#queues.delete(key);
    }
  }

  async #list(site: Site, call: Call, subject: Digest, entry: Descriptor): Promise<void> {
    const key = indexKey(site, subject);
    const tag = referrersTag(subject);
    const together = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    // Somebody before has listed it in our place, and seen that it stayed; an attachment that is repeated looks again.
    if (!together.includes(entry) && this.#listed.get(key)?.includes(entry)) return;
    const wanted = [...new Set([...(this.#listed.get(key) ?? []), ...together, entry])];
    const gone = new Set<string>();
    await this.#write(site, call, tag, {
      what: `${formatDigest(entry.digest)} is pushed, but other writers kept it out of the index ${tag} of what is attached`,
      done: (found) => listsAll(indexOf(site, found, tag), wanted),
      merge: (found) => mergeIndex(found?.bytes, wanted, `${placeOf(site)}: the index ${tag}`, gone),
      repair: (found) => this.#findGone(site, call, indexOf(site, found, tag), gone),
    });
    this.#listed.set(key, wanted);
  }

  /** Some registries take no index that lists a manifest which was deleted meanwhile. Whether another such was found. */
  async #findGone(site: Site, call: Call, index: Index, gone: Set<string>): Promise<boolean> {
    const before = gone.size;
    for (const { digest } of index.manifests) {
      const there = await headManifest(this.#wire, site, call, digest, 'digest');
      if (there.state === 'absent') gone.add(formatDigest(digest));
    }
    return gone.size > before;
  }

  /** Changes what stands under a tag, keeping what others write there at the same time. */
  editTag(site: Site, call: Call, tag: string, edit: TagEdit): Promise<void> {
    return this.#inTurn(`${placeOf(site)}:${tag}`, () => this.#write(site, call, tag, edit));
  }

  /** Read, merge, write, read back; wait, and read back once more; if it is not done then, repeat. */
  async #write(site: Site, call: Call, tag: string, edit: Edit): Promise<void> {
    const { clock, random } = this.#wire.http;
    for (let attempt = 1; attempt <= ATTACH.attempts; attempt++) {
      const took = await this.#writeOnce(site, call, tag, edit);
      if (took !== undefined) {
        // Others may be as slow as we were, and then some.
        const settle = Math.min(Math.max(this.#settings.settleMs, took * 3), ATTACH.longestSettleMs);
        await clock.sleep(settle, call.signal);
        if (await this.#isDone(site, call, tag, edit)) return;
      }
      // Two writers that collided must not collide again.
      await clock.sleep(random() * this.#settings.settleMs * attempt, call.signal);
      if (call.signal?.aborted || clock.now() >= call.deadline) break;
    }
    throw new SealwardError('ERR_ATTACH_CONTENDED', `${placeOf(site)}: ${edit.what}`);
  }

  /** Milliseconds from the read to the end of the write; 0 when there was nothing to write; undefined when somebody else wrote in between. */
  async #writeOnce(site: Site, call: Call, tag: string, edit: Edit): Promise<number | undefined> {
    const { clock } = this.#wire.http;
    const started = clock.now();
    const found = await fetchTagged(this.#wire, site, call, tag);
    if (found && edit.done(found)) return 0;
    const put = await tryPutManifest(this.#wire, site, call, { bytes: await edit.merge(found), tag, ifMatch: found?.etag });
    if ('refused' in put) {
      if (put.refused === 'missing' && !(found && (await edit.repair?.(found)))) throw put.cause;
      return undefined;
    }
    const took = clock.now() - started;
    return (await this.#isDone(site, call, tag, edit)) ? took : undefined;
  }

  async #isDone(site: Site, call: Call, tag: string, edit: TagEdit): Promise<boolean> {
    const found = await fetchTagged(this.#wire, site, call, tag);
    return found !== undefined && edit.done(found);
  }
}

function indexOf(site: Site, found: FetchedManifest, tag: string): Index {
  if (found.manifest.kind === 'index') return found.manifest;
  throw new SealwardError(
    'ERR_MANIFEST_INVALID',
    `${placeOf(site)}: the tag ${tag} is a manifest where the index of referrers should be; it is not overwritten`,
  );
}

function indexKey(site: Site, subject: Digest): string {
  return `${placeOf(site)}@${formatDigest(subject)}`;
}
