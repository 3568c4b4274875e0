/**
 * A thin client of the Kubernetes API: the verbs, and nothing that knows a kind. Expected negative answers are values
 * (undefined, false); the rest throws SealwardError: ERR_CLUSTER_DENIED, ERR_CLUSTER_REFUSED, ERR_CLUSTER_UNAVAILABLE,
 * ERR_CLUSTER_ANSWER, ERR_OBJECT_NOT_FOUND, ERR_OBJECT_CONFLICT, ERR_DEADLINE, ERR_INTERRUPTED.
 */
import { type JsonObject, type JsonValue, LIMITS, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from '../http/index.ts';
import { ApiServer, type ApiServerOptions, type CallOptions } from './api-server.ts';
import type { Cluster } from './cluster.ts';
import { type ClusterObject, parseClusterObject } from './object.ts';
import { apiVersionOf, collectionPath, nameOf, type ObjectName, objectPath, type Resource, RESOURCES } from './resource.ts';
import { readWatch, type WatchEvent, type WatchOptions } from './watch.ts';

export interface ClientOptions extends ApiServerOptions {
  /** Who changed something, in managedFields; server-side apply knows its fields by it. */
  readonly fieldManager?: string;
}

export interface Selection {
  /** All namespaces when missing. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WriteOptions extends CallOptions {
  /** The server does all but keep it. */
  readonly dryRun?: boolean;
}

export interface ObjectList<T = ClusterObject> {
  readonly objects: readonly T[];
  /** From where a watch goes on. */
  readonly resourceVersion: string;
}

/** A strategic merge patch is not among them: it needs the schema of the kind. */
export type Patch = { readonly type: 'merge'; readonly patch: JsonObject } | { readonly type: 'json'; readonly patch: readonly JsonObject[] };

const PATCH_TYPES = { merge: 'application/merge-patch+json', json: 'application/json-patch+json' } as const;
const TEXT_MS = 10_000;
const PAGE = 500;
/** How often a list is begun anew whose pages grew too old while they were read. */
const LIST_ATTEMPTS = 3;

export class KubernetesClient {
  readonly clock: Clock;
  readonly random: () => number;
  readonly #server: ApiServer;
  readonly #fieldManager: string;

  constructor(cluster: Cluster, options: ClientOptions = {}) {
    this.#server = new ApiServer(cluster, options);
    this.#fieldManager = options.fieldManager ?? 'sealward';
    this.clock = this.#server.clock;
    this.random = this.#server.random;
  }

  /** Undefined when there is no such object. */
  async get(of: Resource, name: ObjectName, options: CallOptions & { readonly subresource?: string } = {}): Promise<ClusterObject | undefined> {
    const { subresource, ...call } = options;
    const what = nameOf(of, name);
    const answer = await this.#server.ask({ ...call, method: 'GET', path: objectPath(of, name, subresource), what });
    if (!('reason' in answer)) return parseClusterObject(answer.object, what);
    if (answer.status === 404) return undefined;
    throw answer.error();
  }

  /** What answers under an object besides itself, as text: the `log` of a Pod, or `proxy/PATH` of what it serves. Throws ERR_OBJECT_NOT_FOUND. */
  async text(of: Resource, name: ObjectName, subresource: string, options: CallOptions = {}): Promise<string> {
    const what = `${subresource} of ${nameOf(of, name)}`;
    const deadline = options.deadline ?? this.clock.now() + TEXT_MS;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of await this.#server.open({ ...options, deadline, method: 'GET', path: objectPath(of, name, subresource), what, attempts: 1 })) {
      size += piece.length;
      if (size > LIMITS.clusterObjectBytes) throw new SealwardError('ERR_CLUSTER_ANSWER', `${what} has more than ${LIMITS.clusterObjectBytes} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  /**
   * All objects of a selection, page by page, as of one moment; what is kept of each is the caller's choice, so that
   * 100,000 Pods need not lie in memory at once. Throws ERR_OBJECTS_EXPIRED when that moment is gone before the last page.
   */
  async list<T = ClusterObject>(
    of: Resource,
    selection: Selection = {},
    options: CallOptions & { readonly keep?: (object: ClusterObject) => T; readonly pageSize?: number } = {},
  ): Promise<ObjectList<T>> {
    const { keep = (object: ClusterObject) => object as T, pageSize = PAGE, ...call } = options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listOnce(of, selection, call, keep, pageSize);
      } catch (error) {
        if (!(error instanceof SealwardError && error.code === 'ERR_OBJECTS_EXPIRED') || attempt >= LIST_ATTEMPTS) throw error;
      }
    }
  }

  async #listOnce<T>(of: Resource, selection: Selection, call: CallOptions, keep: (object: ClusterObject) => T, pageSize: number): Promise<ObjectList<T>> {
    const what = `the list of ${of.plural}`;
    const objects: T[] = [];
    let next: string | undefined;
    for (;;) {
      const query = { ...selectors(selection), limit: String(pageSize), continue: next };
      const maxBytes = LIMITS.clusterPageBytes;
      const page = await this.#server.send({ ...call, method: 'GET', path: collectionPath(of, selection.namespace), query, what, maxBytes });
      const items = page['items'];
      const resourceVersion = stringOf(memberOf(page['metadata'], 'resourceVersion')) ?? '';
      if (!Array.isArray(items) || resourceVersion === '') throw new SealwardError('ERR_CLUSTER_ANSWER', `the answer for ${what} is no list`);
      for (const item of items) objects.push(keep(parseClusterObject(item, what)));
      if (objects.length > LIMITS.clusterObjects) throw new SealwardError('ERR_TOO_LARGE', `${what} holds more than ${LIMITS.clusterObjects} objects`);
      next = stringOf(memberOf(page['metadata'], 'continue')) || undefined;
      if (next === undefined) return { objects, resourceVersion };
      // An empty page that leads to another one never ends.
      if (items.length === 0) throw new SealwardError('ERR_CLUSTER_ANSWER', `the answer for ${what} is an empty page with another one behind it`);
    }
  }

  /** One watch, until the server or the deadline ends it; throws ERR_OBJECTS_EXPIRED when the version is too old. See watchList. */
  async *watch(of: Resource, selection: Selection, options: WatchOptions): AsyncGenerator<WatchEvent, void> {
    const { resourceVersion, seconds, signal } = options;
    const what = `the watch of ${of.plural}`;
    const query = { ...selectors(selection), watch: 'true', allowWatchBookmarks: 'true', resourceVersion, timeoutSeconds: String(seconds) };
    // The server ends it by itself; the rest is for one that is gone without a word.
    const deadline = this.clock.now() + (seconds + 30) * 1000;
    const path = collectionPath(of, selection.namespace);
    yield* readWatch(await this.#server.open({ method: 'GET', path, query, what, deadline, attempts: 1, ...(signal ? { signal } : {}) }), what);
  }

  /** @param object with its name, or generateName. */
  async create(of: Resource, namespace: string | undefined, object: JsonObject, options: WriteOptions = {}): Promise<ClusterObject> {
    const { dryRun, ...call } = options;
    const body = { apiVersion: apiVersionOf(of), kind: of.kind, ...object };
    const what = `a new ${of.kind}`;
    const query = this.#writing(dryRun);
    return parseClusterObject(await this.#server.send({ ...call, method: 'POST', path: collectionPath(of, namespace), query, body, what }), what);
  }

  /** Puts an object in the place of another one; with metadata.resourceVersion only if nobody changed it since. */
  async replace(of: Resource, name: ObjectName, object: JsonObject, options: WriteOptions & { readonly subresource?: string } = {}): Promise<ClusterObject> {
    return this.#write('PUT', of, name, { apiVersion: apiVersionOf(of), kind: of.kind, ...object }, 'application/json', options);
  }

  /** Server-side apply: what the fields of this manager are to be. Makes the object when it is not there. */
  async apply(of: Resource, name: ObjectName, object: JsonObject, options: WriteOptions & { readonly force?: boolean } = {}): Promise<ClusterObject> {
    const { force = true, ...rest } = options;
    const metadata = { ...objectMember(object, 'metadata'), name: name.name };
    const body = { ...object, apiVersion: apiVersionOf(of), kind: of.kind, metadata };
    return this.#write('PATCH', of, name, body, 'application/apply-patch+yaml', { ...rest, idempotent: true }, { force: String(force) });
  }

  async patch(of: Resource, name: ObjectName, change: Patch, options: WriteOptions & { readonly subresource?: string } = {}): Promise<ClusterObject> {
    const body = change.type === 'json' ? [...change.patch] : change.patch;
    return this.#write('PATCH', of, name, body, PATCH_TYPES[change.type], { ...options, idempotent: change.type === 'merge' });
  }

  /** False when there was no such object. With a uid only that very object. */
  async delete(of: Resource, name: ObjectName, options: WriteOptions & { readonly uid?: string } = {}): Promise<boolean> {
    const { dryRun, uid, ...call } = options;
    const body: JsonObject = { apiVersion: 'v1', kind: 'DeleteOptions', ...(uid === undefined ? {} : { preconditions: { uid } }) };
    const path = objectPath(of, name);
    const query = dryRun === true ? { dryRun: 'All' } : {};
    const answer = await this.#server.ask({ ...call, method: 'DELETE', path, query, body, what: nameOf(of, name), idempotent: true });
    if (!('reason' in answer)) return true;
    if (answer.status === 404) return false;
    throw answer.error();
  }

  /**
   * Asks for a Pod to go, as far as its disruption budgets allow it: `blocked` is to be tried again later. With a uid only
   * that very Pod.
   */
  async evict(pod: ObjectName & { readonly uid?: string }, options: WriteOptions = {}): Promise<'evicted' | 'blocked' | 'gone'> {
    const { dryRun, ...call } = options;
    const metadata = { name: pod.name, ...(pod.namespace === undefined ? {} : { namespace: pod.namespace }) };
    const precondition = pod.uid === undefined ? {} : { preconditions: { uid: pod.uid } };
    const deleteOptions = { ...precondition, ...(dryRun === true ? { dryRun: ['All'] } : {}) };
    const body: JsonObject = { apiVersion: 'policy/v1', kind: 'Eviction', metadata, deleteOptions };
    const path = objectPath(RESOURCES.pods, pod, 'eviction');
    const query = dryRun === true ? { dryRun: 'All' } : {};
    // 429 is the answer of a budget, so it is not tried again here.
    const answer = await this.#server.ask({ ...call, method: 'POST', path, query, body, what: `the eviction of ${nameOf(RESOURCES.pods, pod)}`, attempts: 1 });
    if (!('reason' in answer)) return 'evicted';
    if (answer.status === 429) return 'blocked';
    // A conflict of uids: that Pod is gone, and another one has its name.
    if (answer.status === 404 || (answer.status === 409 && pod.uid !== undefined)) return 'gone';
    throw answer.error();
  }

  close(): void {
    this.#server.close();
  }

  async #write(
    method: 'PUT' | 'PATCH',
    of: Resource,
    name: ObjectName,
    body: JsonValue,
    contentType: string,
    options: WriteOptions & { readonly subresource?: string; readonly idempotent?: boolean },
    more: Readonly<Record<string, string>> = {},
  ): Promise<ClusterObject> {
    const { dryRun, subresource, ...call } = options;
    const what = nameOf(of, name);
    const query = { ...this.#writing(dryRun), ...more };
    return parseClusterObject(await this.#server.send({ ...call, method, path: objectPath(of, name, subresource), query, body, contentType, what }), what);
  }

  #writing(dryRun: boolean | undefined): Record<string, string> {
    return { fieldManager: this.#fieldManager, ...(dryRun === true ? { dryRun: 'All' } : {}) };
  }
}

function objectMember(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}
