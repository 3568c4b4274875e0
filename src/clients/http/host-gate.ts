/** Who says when a host may be asked: every exchange passes through it, retries, redirects and token requests too. */
import type { SealwardError } from '../../core/errors.ts';
import type { HttpRequest } from './request.ts';

export interface HostGate {
  /**
   * Waits for the turn of a request. Throws ERR_REGISTRY_THROTTLED, ERR_REGISTRY_PAUSED or ERR_REGISTRY_BUSY, with
   * `retryAfterMs`, when its turn cannot come before its deadline, and ERR_INTERRUPTED when its caller has gone.
   * @param host with its port, as in `url.host`.
   */
  enter(host: string, request: Pick<HttpRequest, 'deadline' | 'signal' | 'what'>): Promise<Visit>;
}

/** One exchange with a host, from when it may begin. */
export interface Visit {
  /** The head of an answer came. */
  answered(status: number, retryAfterMs: number | undefined): void;
  /** The exchange is over, its body read or given up; with its error, if it ended in one. Must be called, once. */
  leave(error?: SealwardError): void;
}
