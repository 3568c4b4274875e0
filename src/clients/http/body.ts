/** Bodies, counted while they arrive. */
import type { IncomingMessage } from 'node:http';
import { concatBytes, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { connectionError } from './connection-errors.ts';
import type { Answer } from './exchange.ts';
import type { HttpRequest } from './request.ts';
import type { Watch } from './watch.ts';

function tooLarge(what: string, maxBytes: number): SealwardError {
  return new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${maxBytes} bytes`);
}

async function* chunks(message: IncomingMessage, watch: Watch, url: URL): AsyncGenerator<Uint8Array, void> {
  const iterator = (message as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      watch.waiting();
      const next = await iterator.next();
      watch.arrived(next.done ? 0 : next.value.length);
      if (next.done) return;
      yield new Uint8Array(next.value.buffer, next.value.byteOffset, next.value.length);
    }
  } catch (cause) {
    // The watch knows better than the socket why the connection is gone.
    watch.check();
    const error = connectionError(cause, url);
    watch.end(error);
    throw error;
  } finally {
    watch.end();
    // Where it was read to its end the connection goes back to the pool; everywhere else it is closed.
    if (!message.readableEnded) message.destroy();
  }
}

/** A successful body in pieces, counted and held against the request's own check. */
export async function* boundedBody(answer: Answer, watch: Watch, url: URL, request: HttpRequest): AsyncGenerator<Uint8Array, void> {
  let total = 0;
  // Any other success is not the body that was asked for, and the caller says so.
  const check = answer.status === 200 ? request.check?.() : undefined;
  for await (const chunk of chunks(answer.message, watch, url)) {
    total += chunk.length;
    if (total > request.maxBytes) throw tooLarge(request.what, request.maxBytes);
    check?.update(chunk);
    yield chunk;
  }
  check?.finish();
}

/** Refuses by the Content-Length before a byte of the body is read. */
export function refuseAnnounced(answer: Answer, watch: Watch, maxBytes: number, what: string): void {
  const announced = answer.headers.one('content-length');
  if (announced === undefined || Number(announced) <= maxBytes) return;
  watch.end();
  answer.message.destroy();
  throw tooLarge(what, maxBytes);
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of body) parts.push(chunk);
  return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts);
}

/** The beginning of an error's body: enough for its code and sentence. The rest is not read, and is no error. */
export async function errorBody(answer: Answer, watch: Watch, url: URL): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let room: number = LIMITS.errorBodyBytes;
  for await (const chunk of chunks(answer.message, watch, url)) {
    parts.push(chunk.subarray(0, room));
    room -= chunk.length;
    if (room < 0) break;
  }
  return concatBytes(...parts);
}
