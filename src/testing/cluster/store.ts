/** The objects, one revision per change, and the changes of the past until they are compacted: what etcd is to an API server. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../core/encoding/index.ts';
import { kindKey, type ServedKind } from './kinds.ts';
import { textAt, withMetadata } from './members.ts';

export interface StoreChange {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly kind: ServedKind;
  readonly object: JsonObject;
  readonly before: JsonObject | undefined;
}

const REMEMBERED = 10_000;
const LISTS = 100;
const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

export class ClusterStore {
  #revision = 1;
  /** The highest revision that is forgotten: who has seen that one or a later one misses nothing. */
  #compacted = 0;
  #changes: StoreChange[] = [];
  readonly #objects = new Map<string, Map<string, JsonObject>>();
  readonly #listeners = new Set<(change: StoreChange) => void>();
  /** What is left of lists that are read in pages, as of when they were begun. */
  readonly #rests = new Map<string, { readonly revision: number; readonly objects: readonly JsonObject[] }>();

  get revision(): number {
    return this.#revision;
  }
  get compacted(): number {
    return this.#compacted;
  }

  get(kind: Pick<ServedKind, 'group' | 'plural'>, namespace: string, name: string): JsonObject | undefined {
    return this.#objects.get(kindKey(kind))?.get(keyOf(namespace, name));
  }

  /** In the order of their keys. */
  list(kind: Pick<ServedKind, 'group' | 'plural'>, namespace?: string): JsonObject[] {
    const held = [...(this.#objects.get(kindKey(kind)) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
    return namespace === undefined ? held : held.filter((object) => textAt(object, 'metadata', 'namespace') === namespace);
  }

  /** Keeps an object under the next revision, which becomes its resourceVersion. */
  put(kind: ServedKind, object: JsonObject): JsonObject {
    const key = keyOf(textAt(object, 'metadata', 'namespace'), textAt(object, 'metadata', 'name'));
    const objects = this.#objects.get(kindKey(kind)) ?? new Map<string, JsonObject>();
    this.#objects.set(kindKey(kind), objects);
    const before = objects.get(key);
    const kept = withMetadata(structuredClone(object), { resourceVersion: String(this.#revision + 1) });
    objects.set(key, kept);
    this.#happened({ type: before ? 'MODIFIED' : 'ADDED', kind, object: kept, before });
    return kept;
  }

  remove(kind: ServedKind, namespace: string, name: string): JsonObject | undefined {
    const objects = this.#objects.get(kindKey(kind));
    const before = objects?.get(keyOf(namespace, name));
    if (!before) return undefined;
    objects?.delete(keyOf(namespace, name));
    const object = withMetadata(before, { resourceVersion: String(this.#revision + 1) });
    this.#happened({ type: 'DELETED', kind, object, before });
    return object;
  }

  /** The changes after a revision; undefined when some of them are forgotten. */
  since(revision: number): readonly StoreChange[] | undefined {
    return revision < this.#compacted ? undefined : this.#changes.filter((change) => change.revision > revision);
  }

  /** Forgets the past: watches that would begin in it, and pages of lists that were begun in it, are refused with 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#changes = [];
    this.#rests.clear();
  }

  listen(listener: (change: StoreChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Cuts a page off, and keeps the rest under a token. */
  page(objects: readonly JsonObject[], revision: number, limit: number): { page: readonly JsonObject[]; revision: number; left: number; token: string } {
    const [page, rest] = limit > 0 ? [objects.slice(0, limit), objects.slice(limit)] : [objects, []];
    const token = rest.length === 0 ? '' : randomUUID();
    if (token !== '') this.#rests.set(token, { revision, objects: rest });
    for (const old of this.#rests.keys()) if (this.#rests.size > LISTS) this.#rests.delete(old);
    return { page, revision, left: rest.length, token };
  }

  nextPage(token: string, limit: number): ReturnType<ClusterStore['page']> | undefined {
    const rest = this.#rests.get(token);
    return rest && this.page(rest.objects, rest.revision, limit);
  }

  #happened(what: Omit<StoreChange, 'revision'>): void {
    const change = { ...what, revision: ++this.#revision };
    this.#changes.push(change);
    if (this.#changes.length > REMEMBERED) this.#compacted = this.#changes.shift()?.revision ?? this.#compacted;
    for (const listener of this.#listeners) listener(change);
  }
}
