import type { Clock } from '../clients/http/index.ts';

interface Timer {
  readonly at: number;
  readonly call: () => void;
  /** Set for one that somebody sleeps on, as opposed to a deadline that merely watches. */
  readonly sleeps: boolean;
}

/**
 * A clock that stands still until a test moves it. Every timer that becomes due fires in the order of its time.
 *
 *     const clock = new FixedClock();
 *     const client = new HttpClient({ clock });
 *     const answer = client.send(...);   // with a deadline at clock.now() + 1000
 *     clock.advance(1000);               // answer rejects with ERR_DEADLINE
 */
export class FixedClock implements Clock {
  #now: number;
  #timers: Timer[] = [];
  readonly #skipSleep: boolean;
  #watchers: (() => void)[] = [];

  /**
   * @param options.start milliseconds since the epoch.
   * @param options.skipSleep whoever sleeps moves the clock instead of waiting: retries and backoff take no time. Right
   *   for one actor; with several, use runAsleep.
   */
  constructor(options: { readonly start?: number; readonly skipSleep?: boolean } = {}) {
    this.#now = options.start ?? Date.UTC(2026, 0, 1);
    this.#skipSleep = options.skipSleep ?? false;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    return this.#add({ at: this.#now + Math.max(0, milliseconds), call: callback, sleeps: false });
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    if (this.#skipSleep) {
      this.advance(milliseconds);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = this.#add({ at: this.#now + Math.max(0, milliseconds), call: resolve, sleeps: true });
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
      for (const notice of this.#watchers) notice();
    });
  }

  /** Moves time on and fires what becomes due. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.call();
    }
    this.#now = until;
  }

  /** How many are asleep now. */
  get sleepers(): number {
    return this.#timers.filter(({ sleeps }) => sleeps).length;
  }

  /** Moves time to where the first sleeper wakes. */
  wakeFirst(): void {
    const wakes = Math.min(...this.#timers.filter(({ sleeps }) => sleeps).map(({ at }) => at));
    if (Number.isFinite(wakes)) this.advance(Math.max(0, wakes - this.#now));
  }

  /**
   * Runs several actors in virtual time: it moves only while every actor that has not ended is asleep. So the order of
   * events depends on who sleeps how long, and not on the machine.
   */
  async runAsleep<T>(actors: readonly Promise<T>[]): Promise<T[]> {
    let running = actors.length;
    const step = (): void => {
      // Checked again after a turn of the event loop, so that whoever was just woken may go on first.
      setImmediate(() => {
        if (running > 0 && this.sleepers >= running) {
          this.wakeFirst();
          step();
        }
      });
    };
    const ended = (): void => {
      running--;
      step();
    };
    for (const actor of actors) actor.then(ended, ended);
    this.#watchers = [step];
    step();
    try {
      return await Promise.all(actors);
    } finally {
      this.#watchers = [];
    }
  }

  #add(timer: Timer): () => void {
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
}
