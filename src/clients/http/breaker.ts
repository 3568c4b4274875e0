/**
 * Whether a host is asked at all. Closed: it is. Open: it failed several times in a row, or asked to be left alone, and
 * nothing goes to it before `until`. Half-open: that time is over, and one question finds out how the host is.
 */
export const BREAKER = { failures: 5, firstMs: 500, longestMs: 30_000, longestAskedMs: 5 * 60_000 } as const;

export type BreakerState =
  | { readonly state: 'closed' }
  /** @property asked whether the host said so itself, and with it when it will answer again. */
  | { readonly state: 'open'; readonly until: number; readonly asked: boolean }
  | { readonly state: 'half-open'; readonly probing: boolean };

/** How a question ended: `unknown` when it says nothing about the host, such as when the caller has gone. */
export type Ending = 'well' | 'failed' | 'unknown';

export class Breaker {
  readonly #random: () => number;
  /** In a row. */
  #failures = 0;
  /** How often it opened without a good answer in between. */
  #opened = 0;
  #open: { until: number; asked: boolean } | undefined;
  #probing = false;

  /** @param random uniform in [0, 1), for jitter. */
  constructor(random: () => number) {
    this.#random = random;
  }

  at(now: number): BreakerState {
    if (!this.#open) return { state: 'closed' };
    if (now < this.#open.until) return { state: 'open', ...this.#open };
    return { state: 'half-open', probing: this.#probing };
  }

  get failures(): number {
    return this.#failures;
  }

  /** Whether nothing is known that would be lost with it. */
  get isFresh(): boolean {
    return !this.#open && this.#failures === 0;
  }

  /** The next question is the one that finds out. */
  probe(): void {
    this.#probing = true;
  }

  /**
   * The host asked to be left alone (429, or 503 with Retry-After).
   * @param forMs as long as it said; it can only harm itself with a long time, and is asked again before hours are over.
   */
  throttled(now: number, forMs: number | undefined): void {
    const until = now + (forMs === undefined ? this.#backoff() : Math.min(forMs, BREAKER.longestAskedMs));
    this.#opened++;
    // What was asked before it opened may be answered after: the longer time counts.
    this.#open = { until: Math.max(until, this.#open?.until ?? 0), asked: true };
    this.#probing = false;
  }

  /** @param probe whether it was the question that was to find out: nothing else closes what is open. */
  ended(how: Ending, probe: boolean, now: number): void {
    if (probe) this.#probing = false;
    if (how === 'unknown') return;
    if (how === 'well') {
      if (this.#open && !probe) return;
      this.#open = undefined;
      this.#failures = 0;
      this.#opened = 0;
      return;
    }
    this.#failures++;
    const opens = this.#open ? probe : this.#failures >= BREAKER.failures;
    if (!opens) return;
    this.#open = { until: now + this.#backoff(), asked: false };
    this.#opened++;
  }

  /** Exponential; half of it at random, so that replicas do not come back at the same moment. */
  #backoff(): number {
    const ceiling = Math.min(BREAKER.firstMs * 2 ** this.#opened, BREAKER.longestMs);
    return ceiling / 2 + (this.#random() * ceiling) / 2;
  }
}
