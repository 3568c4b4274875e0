/**
 * The objects of a selection as they are now: a list, then watches that go on where the one before ended. Whatever goes
 * wrong (410, a cut, a server that is away, an answer that is nonsense) is told and tried again; it ends when it is closed.
 */
import { SealwardError } from '../../core/errors.ts';
import type { KubernetesClient, Selection } from './client.ts';
import type { ClusterObject } from './object.ts';
import type { Resource } from './resource.ts';
import type { WatchEvent } from './watch.ts';

export type Change<T> =
  | { readonly type: 'added'; readonly key: string; readonly value: T }
  | { readonly type: 'changed'; readonly key: string; readonly value: T; readonly before: T }
  | { readonly type: 'removed'; readonly key: string; readonly before: T };

export interface WatchListOptions<T> extends Selection {
  /** What is kept of an object. It may throw: the object is then told to `report` and not kept. */
  readonly keep: (object: ClusterObject) => T;
  /** Told in the order of the server; of a list after a gap only what is another than before. */
  readonly changed?: (change: Change<T>) => void;
  readonly report?: (problem: SealwardError) => void;
  /** How long one watch lasts. A connection that is dead without a word is noticed half a minute after that. */
  readonly watchSeconds?: number;
}

interface Held<T> {
  readonly value: T;
  readonly uid: string;
  readonly resourceVersion: string;
}

const BACKOFF = { firstMs: 800, longestMs: 30_000 } as const;
const WATCH_SECONDS = 120;
/** A watch that lived so long was none that failed, though nothing happened in it. */
const LASTED_MS = 5000;
const LIST_MS = 300_000;
const OUTAGES_BEFORE_LIST = 3;
/** A cluster that was restored from a backup may leave a watch open that tells nothing any more. */
const LIST_AGAIN_MS = 3_600_000;

/** NAMESPACE/NAME, or NAME of what belongs to no namespace. */
export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string => (namespace === '' ? name : `${namespace}/${name}`);

export class WatchList<T> {
  /** Resolves when the first list is in; never when it was closed before. */
  readonly synced: Promise<void>;
  readonly #client: KubernetesClient;
  readonly #resource: Resource;
  readonly #options: WatchListOptions<T>;
  readonly #held = new Map<string, Held<T>>();
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  readonly #firstList = Promise.withResolvers<void>();
  #isSynced = false;
  #heardAt = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(client: KubernetesClient, resource: Resource, options: WatchListOptions<T>) {
    this.#client = client;
    this.#resource = resource;
    this.#options = options;
    this.synced = this.#firstList.promise;
    this.#ended = this.#run();
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** When the server last said something, in milliseconds on the client's clock. How old what is held may be follows from it. */
  get heardAt(): number {
    return this.#heardAt;
  }

  get size(): number {
    return this.#held.size;
  }

  get(key: string): T | undefined {
    return this.#held.get(key)?.value;
  }

  *entries(): Generator<[key: string, value: T]> {
    for (const [key, { value }] of this.#held) yield [key, value];
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const closed = (): boolean => signal.aborted;
    const { clock } = this.#client;
    let from: string | undefined;
    let listedAt = Number.NEGATIVE_INFINITY;
    while (!closed()) {
      let watchedAt = Number.POSITIVE_INFINITY;
      try {
        if (clock.now() - listedAt >= LIST_AGAIN_MS) from = undefined;
        if (from === undefined) {
          from = await this.#list();
          listedAt = clock.now();
        }
        watchedAt = clock.now();
        for await (const event of this.#client.watch(this.#resource, this.#options, { resourceVersion: from, seconds: this.#seconds(), signal })) {
          from = this.#take(event);
        }
      } catch (error) {
        if (closed()) return;
        const problem = asProblem(error);
        // Expected once the server forgot what we have; anything else that is no mere outage is begun anew as well, and so is an
        // outage that lasts: a server that was restored from a backup says "too large" to our version for ever.
        const outage = problem.code === 'ERR_CLUSTER_UNAVAILABLE' || problem.code === 'ERR_DEADLINE';
        if (!outage || this.#failures >= OUTAGES_BEFORE_LIST) from = undefined;
        if (problem.code !== 'ERR_OBJECTS_EXPIRED') this.#options.report?.(problem);
      }
      // Also after a watch that ended as it should: a server that ends each at once must not be asked in a tight loop.
      if (clock.now() - watchedAt >= LASTED_MS) this.#failures = 0;
      await clock.sleep(this.#backoffMs(), signal);
    }
  }

  async #list(): Promise<string> {
    const { keep: _, changed: __, report: ___, watchSeconds: ____, ...selection } = this.#options;
    const seen = new Map<string, Held<T>>();
    const { resourceVersion } = await this.#client.list(this.#resource, selection, {
      signal: this.#abort.signal,
      deadline: this.#client.clock.now() + LIST_MS,
      keep: (object) => {
        const held = this.#keep(object);
        if (held) seen.set(keyOf(object), held);
      },
    });
    for (const [key, held] of this.#held) if (seen.get(key)?.uid !== held.uid) this.#remove(key);
    for (const [key, held] of seen) this.#put(key, held);
    this.#heard();
    this.#isSynced = true;
    this.#firstList.resolve();
    return resourceVersion;
  }

  /** @returns the version from which a watch goes on. */
  #take(event: WatchEvent): string {
    this.#heard();
    if (event.type === 'BOOKMARK') return event.resourceVersion;
    const { object } = event;
    const key = keyOf(object);
    const held = event.type === 'DELETED' ? undefined : this.#keep(object);
    if (this.#held.get(key)?.uid !== object.uid || !held) this.#remove(key);
    if (held) this.#put(key, held);
    return object.resourceVersion;
  }

  #keep(object: ClusterObject): Held<T> | undefined {
    try {
      return { value: this.#options.keep(object), uid: object.uid, resourceVersion: object.resourceVersion };
    } catch (error) {
      this.#options.report?.(asProblem(error));
      return undefined;
    }
  }

  #put(key: string, held: Held<T>): void {
    const before = this.#held.get(key);
    this.#held.set(key, held);
    if (!before) this.#tell({ type: 'added', key, value: held.value });
    else if (before.resourceVersion !== held.resourceVersion) this.#tell({ type: 'changed', key, value: held.value, before: before.value });
  }

  #remove(key: string): void {
    const before = this.#held.get(key);
    if (before && this.#held.delete(key)) this.#tell({ type: 'removed', key, before: before.value });
  }

  #tell(change: Change<T>): void {
    try {
      this.#options.changed?.(change);
    } catch (error) {
      this.#options.report?.(asProblem(error));
    }
  }

  #heard(): void {
    this.#heardAt = this.#client.clock.now();
    this.#failures = 0;
  }

  /** Spread, so that not all watches of all replicas end in one moment. */
  #seconds(): number {
    return Math.ceil((this.#options.watchSeconds ?? WATCH_SECONDS) * (0.75 + this.#client.random() / 2));
  }

  #backoffMs(): number {
    const ceiling = Math.min(BACKOFF.firstMs * 2 ** this.#failures++, BACKOFF.longestMs);
    return ceiling / 2 + (this.#client.random() * ceiling) / 2;
  }
}

function asProblem(error: unknown): SealwardError {
  if (error instanceof SealwardError) return error;
  return new SealwardError('ERR_INVARIANT', `an object could not be taken in: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
