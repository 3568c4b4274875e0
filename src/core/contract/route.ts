/** One path of an HTTP interface, without a framework: bytes in, bytes out. Whoever serves it bounds the body and maps errors. */

export interface ServiceRequest {
  /** The values of the `:names` in the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Lower-case names; of a header that stands twice, the first. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** The address of the client, for rates; it is no identity. */
  readonly remote: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export interface ServiceRoute {
  readonly method: 'GET' | 'POST';
  /** Absolute, with `:name` for a segment that varies, and `*` at the end for all that follows. */
  readonly path: string;
  /** Media types that the body may have; of none, when there is no body. */
  readonly accepts?: readonly string[];
  /** Bound of the body; 0 when there is none. */
  readonly maxBytes: number;
  readonly answer: (request: ServiceRequest) => Promise<ServiceAnswer>;
}

export function jsonAnswer(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): ServiceAnswer {
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }, body: JSON.stringify(value) };
}
