/** What can be made to go wrong in a MemoryRegistry, for chosen requests. */
import type { ServerResponse } from 'node:http';
import type { Gate } from './gate.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array;
}

/** The parts that a fault names happen; what it leaves out stays as the registry would have done it. */
export interface Fault {
  /** Any method when missing. */
  readonly method?: string;
  /** Matched against path and query: the expression, or the text anywhere in it. */
  readonly path: RegExp | string;
  /** How often it happens; always when missing. */
  readonly times?: number;
  /** How many requests that fit are let through first. */
  readonly skip?: number;
  /** Stops the request before it is looked at, until the gate is opened. */
  readonly before?: Gate;
  /** Stops the answer after the request was carried out. */
  readonly after?: Gate;
  /** Answers with this status instead of looking at the request at all. */
  readonly status?: number;
  /** Added to the headers, or replacing them; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body of the answer, or what becomes of the real one. */
  readonly body?: string | Uint8Array | ((real: Uint8Array) => Uint8Array);
  /** Closes the connection after so many bytes of the body, although more were announced. */
  readonly truncateAfter?: number;
  /** Sends the body in pieces of so many bytes, awaiting `wait` before each but the first. */
  readonly trickle?: { readonly bytes: number; readonly wait: () => Promise<void> };
  /** Closes the connection without any answer: before the request is carried out, or after it. */
  readonly drop?: 'before' | 'after';
}

export function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  return typeof fault.path === 'string' ? path.includes(fault.path) : fault.path.test(path);
}

export function alter(answer: Answer, fault: Fault): Answer {
  const real = answer.body ?? new Uint8Array();
  const body = fault.body === undefined ? real : typeof fault.body === 'function' ? fault.body(real) : new Uint8Array(Buffer.from(fault.body));
  const headers = Object.fromEntries(Object.entries({ ...answer.headers, ...fault.headers }).filter(([, value]) => value !== undefined));
  return { status: fault.status ?? answer.status, headers: headers as NonNullable<Answer['headers']>, body };
}

export async function deliver(response: ServerResponse, answer: Answer, method: string, fault: Fault | undefined): Promise<void> {
  const body = answer.body ?? new Uint8Array();
  const names = new Set(Object.keys(answer.headers ?? {}).map((name) => name.toLowerCase()));
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (!names.has('content-length')) response.setHeader('content-length', body.length);
  response.writeHead(answer.status);
  if (method === 'HEAD') return void response.end();
  if (fault?.truncateAfter !== undefined) {
    response.write(body.subarray(0, fault.truncateAfter), () => response.destroy());
    return;
  }
  if (fault?.trickle) return trickle(response, body, fault.trickle);
  response.end(body);
}

async function trickle(response: ServerResponse, body: Uint8Array, pace: NonNullable<Fault['trickle']>): Promise<void> {
  for (let at = 0; at < body.length && !response.destroyed; at += pace.bytes) {
    if (at > 0) await pace.wait();
    response.write(body.subarray(at, at + pace.bytes));
  }
  response.end();
}
