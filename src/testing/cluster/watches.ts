/** Open watches: lines of JSON over one response each, until the client, the time or a test ends them. */
import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../core/encoding/index.ts';
import { type ApiRequest, present, selection } from './api.ts';
import { kindKey } from './kinds.ts';
import { textAt } from './members.ts';
import { ApiFailure, versionTooOld } from './statuses.ts';
import type { ClusterStore, StoreChange } from './store.ts';

interface OpenWatch {
  readonly request: ApiRequest;
  readonly response: ServerResponse;
  readonly bookmarks: boolean;
  /** What is not newer is not told, bookmarks among it. */
  readonly after: number;
  readonly selected: (object: JsonObject) => boolean;
  readonly timer: NodeJS.Timeout;
}

/** As long as the real one at most lets a watch live, where the client does not say. */
const LONGEST_SECONDS = 1800;

export class Watches {
  readonly #store: ClusterStore;
  readonly #open = new Set<OpenWatch>();
  readonly #unlisten: () => void;

  constructor(store: ClusterStore) {
    this.#store = store;
    this.#unlisten = store.listen((change) => {
      for (const watch of this.#open) send(watch, change);
    });
  }

  get count(): number {
    return this.#open.size;
  }

  /** Throws ApiFailure for selectors and versions that cannot be read. From a version of the future nothing is told until it is past. */
  open(request: ApiRequest, response: ServerResponse): void {
    const { query, kind, namespace, name } = request;
    const version = query.get('resourceVersion') || '0';
    const parsing = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
    if (!/^\d+$/.test(version)) throw new ApiFailure(500, '', `resourceVersion: Invalid value: ${JSON.stringify(version)}: ${parsing}`);
    const asked = Number(version);
    const matches = selection(query);
    const selected = (object: JsonObject): boolean => (name === '' || textAt(object, 'metadata', 'name') === name) && matches(object);
    const seconds = Number(query.get('timeoutSeconds') || LONGEST_SECONDS);
    const timer = setTimeout(() => this.#end(watch), seconds * 1000).unref();
    const watch: OpenWatch = { request, response, bookmarks: query.get('allowWatchBookmarks') === 'true', after: asked, selected, timer };
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    // Nobody asks for a version, or for any: everything as it is, and what comes.
    if (asked === 0) {
      for (const object of this.#store.list(kind, namespace === '' ? undefined : namespace))
        if (selected(object)) line(watch, 'ADDED', present(request, object));
    } else {
      const missed = this.#store.since(asked);
      if (!missed) {
        clearTimeout(timer);
        return void response.end(`${JSON.stringify({ type: 'ERROR', object: versionTooOld(asked, this.#store.compacted).status })}\n`);
      }
      for (const change of missed) send(watch, change);
    }
    this.#open.add(watch);
    response.on('close', () => {
      clearTimeout(timer);
      this.#open.delete(watch);
    });
  }

  /** Tells every watch that wants it how far it has come. */
  bookmark(): void {
    for (const watch of this.#open) bookmark(watch, this.#store.revision);
  }

  /** Breaks all connections, after a piece of a line where one is given. */
  cut(half = ''): void {
    for (const watch of this.#open) {
      this.#open.delete(watch);
      if (half === '') watch.response.destroy();
      else watch.response.write(half, () => watch.response.destroy());
    }
  }

  close(): void {
    this.#unlisten();
    this.cut();
  }

  #end(watch: OpenWatch): void {
    bookmark(watch, this.#store.revision);
    this.#open.delete(watch);
    watch.response.end();
  }
}

function bookmark(watch: OpenWatch, revision: number): void {
  if (watch.bookmarks && revision >= watch.after)
    line(watch, 'BOOKMARK', present(watch.request, { metadata: { resourceVersion: String(revision), creationTimestamp: null } }));
}

/** An object that comes into the selection is added, one that leaves it is deleted, whatever happened to it. */
function send(watch: OpenWatch, { revision, type, kind, object, before }: StoreChange): void {
  if (revision <= watch.after) return;
  const { request, selected } = watch;
  if (kindKey(kind) !== kindKey(request.kind)) return;
  if (request.namespace !== '' && textAt(object, 'metadata', 'namespace') !== request.namespace) return;
  const [was, is] = [before !== undefined && selected(before), type !== 'DELETED' && selected(object)];
  if (is) line(watch, was ? 'MODIFIED' : 'ADDED', present(request, object));
  else if (was) line(watch, 'DELETED', present(request, object));
}

function line({ response }: OpenWatch, type: string, object: JsonObject): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}
