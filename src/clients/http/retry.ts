/** When and how long to wait before a request is sent again. */
import type { Clock } from './clock.ts';
import type { HttpRequest, ResponseHeaders } from './request.ts';

export const RETRY = { attempts: 5, firstMs: 200, longestMs: 10_000 } as const;

/** 429 and 503 say that nothing was done, so any request may follow; 502 and 504 leave that open. */
export function mayRepeat(status: number, request: HttpRequest): boolean {
  if (status === 429 || status === 503) return true;
  return (status === 502 || status === 504) && isIdempotent(request);
}

export function isIdempotent(request: HttpRequest): boolean {
  return request.idempotent ?? (request.method === 'GET' || request.method === 'HEAD');
}

/** RFC 9110 section 10.2.3: seconds, or an HTTP date. In milliseconds from now; undefined when absent or senseless. */
export function retryAfterMs(headers: ResponseHeaders, now: number): number | undefined {
  const text = headers.all('retry-after')[0]?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Exponential with full jitter; what the server asked for comes first, and the jitter on top of it. */
export function backoffMs(attempt: number, askedMs: number | undefined, random: () => number): number {
  const ceiling = Math.min(RETRY.firstMs * 2 ** (attempt - 1), RETRY.longestMs);
  return (askedMs ?? ceiling / 2) + (random() * ceiling) / 2;
}

/** Waits, unless that would reach the deadline: then there is no sense in waiting and false comes back at once. */
export async function waitWithin(clock: Clock, milliseconds: number, deadline: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (clock.now() + milliseconds >= deadline) return false;
  await clock.sleep(milliseconds, signal);
  return true;
}
