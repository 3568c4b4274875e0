/** The lines of a watch: one JSON object each (Kubernetes API concepts, "Efficient detection of changes"). */
import { concatBytes, type JsonObject, LIMITS, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { refusalError } from './api-server.ts';
import { type ClusterObject, parseAnswer, parseClusterObject } from './object.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: ClusterObject }
  /** Nothing changed up to here. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions {
  /** Of a list or of an earlier event. */
  readonly resourceVersion: string;
  /** After how long the server is to end it. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

/** Throws ERR_OBJECTS_EXPIRED, ERR_CLUSTER_ANSWER, and what the body throws. Half a line at the end is a connection that was cut: no event. */
export async function* readWatch(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<WatchEvent, void> {
  for await (const line of lines(body, what)) {
    if (line.length > 0) yield parseEvent(parseAnswer(line, what), what);
  }
}

const NEWLINE = 0x0a;

async function* lines(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const last = chunk.subarray(from, end);
      if (size + last.length > LIMITS.watchLineBytes) throw tooLong(what);
      yield size === 0 ? last : concatBytes(...parts, last);
      [parts, size, from] = [[], 0, end + 1];
    }
    size += chunk.length - from;
    if (size > LIMITS.watchLineBytes) throw tooLong(what);
    if (from < chunk.length) parts.push(chunk.slice(from));
  }
}

function tooLong(what: string): SealwardError {
  return new SealwardError('ERR_CLUSTER_ANSWER', `${what} has a line of more than ${LIMITS.watchLineBytes} bytes`);
}

function parseEvent(event: JsonObject, what: string): WatchEvent {
  const type = stringOf(event['type']);
  const object = event['object'];
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') {
    const parsed = parseClusterObject(object, what);
    // Without one the next watch would begin at any moment that the server likes.
    if (parsed.resourceVersion === '') throw new SealwardError('ERR_CLUSTER_ANSWER', `${what} has an object without a version`);
    return { type, object: parsed };
  }
  if (type === 'BOOKMARK') {
    const resourceVersion = stringOf(memberOf(memberOf(object, 'metadata'), 'resourceVersion'));
    if (resourceVersion === undefined || resourceVersion === '') throw new SealwardError('ERR_CLUSTER_ANSWER', `${what} has a bookmark without a version`);
    return { type, resourceVersion };
  }
  if (type === 'ERROR') {
    const code = memberOf(object, 'code');
    const status = typeof code === 'number' ? code : 500;
    throw refusalError('the API server', what, { status, message: stringOf(memberOf(object, 'message')) ?? '' });
  }
  throw new SealwardError('ERR_CLUSTER_ANSWER', `${what} has an event of a type that is not known`);
}
