/** What is asked of a server and what comes back. */
import type { SealwardError } from '../../core/errors.ts';

/** Bytes, or a function that starts reading them from the beginning (a request may have to be sent twice). */
export type RequestBody = Uint8Array | { readonly size: number; readonly open: () => AsyncIterable<Uint8Array> };

/** Whom the user configured. Anything else that a URL names is held to public addresses and gets no credentials. */
export interface Home {
  /** Host without port and brackets, as in bareHost(url). */
  readonly host: string;
  /** Further hosts of that registry which may be on private addresses: its token server, its storage. */
  readonly privateHosts: readonly string[];
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly home: Home;
  /** Lower-case names. No credentials here. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The Authorization header; it goes to the origin of `url` and nowhere else. */
  readonly authorization?: string;
  readonly body?: RequestBody;
  /** Absolute, on the client's clock; it covers redirects, retries and the body. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
  /** Bound of a successful body. Bodies of errors are read up to LIMITS.errorBodyBytes and cut there. */
  readonly maxBytes: number;
  /** Names what is asked for in messages: "the manifest of ...". */
  readonly what: string;
  /** Whether sending it twice is the same as sending it once; GET and HEAD always are. */
  readonly idempotent?: boolean;
  /** How often it is sent at most; a few times when missing. */
  readonly attempts?: number;
  /** The body may pause as long as the deadline allows, as that of a watch does: it is not held against the least rate. */
  readonly mayPause?: boolean;
  readonly check?: () => BodyCheck;
}

/** Looks at a successful body while it arrives; a new one is made for every attempt. Either function may throw. */
export interface BodyCheck {
  update(chunk: Uint8Array): void;
  finish(): void;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** The whole body; the first 64 KiB of an error's. Empty when the body is streamed. */
  readonly bytes: Uint8Array;
}

export interface HttpStream extends HttpResponse {
  /** Bounded by maxBytes, the deadline and the least progress; iterate it to its end or return from it. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** One exchange with a server, for counting and for --verbose. Carries no credentials and no query. */
export interface HttpEvent {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Which try it was, from 1. */
  readonly attempt: number;
  readonly milliseconds: number;
  readonly status?: number;
  readonly error?: SealwardError;
}

export type HttpObserver = (event: HttpEvent) => void;

/** The headers of an answer. Where a header that may stand once stands twice, it is refused: which one counts? */
export interface ResponseHeaders {
  /** A header that may stand once. Throws ERR_CONTENT_REFUSED when it stands there with two values. */
  one(name: string): string | undefined;
  /** Every value of a header that may stand several times. */
  all(name: string): readonly string[];
}
