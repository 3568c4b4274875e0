/**
 * Evidence gathered ahead: one image after the other, at a pace that no registry notices, and again when it has grown old.
 * So an image that is started while its registry is down was mostly gathered before.
 */
import type { Clock } from '../../clients/http/index.ts';

export interface PrefetchOptions {
  readonly clock: Clock;
  /** Gathers one image; false when something did not answer. Never throws. */
  readonly gather: (name: string) => Promise<boolean>;
  /** Milliseconds from one image to the next. */
  readonly pace: number;
  /** Milliseconds after which an image is gathered again. */
  readonly refreshAfter: number;
  /** Of more images than these those are dropped that were named longest ago. */
  readonly most: number;
}

/** Where something did not answer the next image waits longer, up to so many times the pace. */
const SLOWEST = 64;

export class Prefetch {
  readonly #options: PrefetchOptions;
  /** By name, when it is due; those that were named last stand last. */
  readonly #due = new Map<string, number>();
  #slowness = 1;
  /** Until when no image has a turn, and when the next one has. */
  #mayAt: number;
  #wakesAt = 0;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: PrefetchOptions) {
    this.#options = options;
    this.#mayAt = options.clock.now() + options.pace;
  }

  /** How many images are gathered ahead, and how many of them wait for their turn. */
  get size(): { readonly images: number; readonly due: number } {
    const now = this.#options.clock.now();
    return { images: this.#due.size, due: [...this.#due.values()].filter((at) => at <= now).length };
  }

  /** Names that are known already keep their turn. @param after milliseconds until the others have their first. */
  add(names: Iterable<string>, after = 0): void {
    const due = this.#options.clock.now() + after;
    for (const name of names) {
      const known = this.#due.get(name);
      this.#due.delete(name);
      this.#due.set(name, known ?? due);
    }
    for (const name of this.#due.keys()) {
      if (this.#due.size <= this.#options.most) break;
      this.#due.delete(name);
    }
    // Whoever waits for the next turn of something old does not keep what is new waiting.
    if (this.#cancel && due < this.#wakesAt) {
      this.#cancel();
      this.#cancel = undefined;
    }
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#running;
  }

  #next(): readonly [name: string, at: number] | undefined {
    let next: readonly [string, number] | undefined;
    for (const entry of this.#due) if (!next || entry[1] < next[1]) next = entry;
    return next;
  }

  #schedule(): void {
    if (this.#closed || this.#running || this.#cancel) return;
    const next = this.#next();
    if (!next) return;
    const { clock, pace } = this.#options;
    const wait = Math.max(this.#mayAt - clock.now(), next[1] - clock.now(), 0);
    this.#wakesAt = clock.now() + wait;
    this.#cancel = clock.after(wait, () => {
      this.#cancel = undefined;
      this.#running = this.#turn().finally(() => {
        this.#running = undefined;
        this.#mayAt = clock.now() + pace * this.#slowness;
        this.#schedule();
      });
    });
  }

  async #turn(): Promise<void> {
    const [name] = this.#next() ?? [];
    if (name === undefined) return;
    const { clock, gather, refreshAfter } = this.#options;
    const answered = await gather(name);
    this.#slowness = answered ? 1 : Math.min(SLOWEST, this.#slowness * 2);
    if (this.#due.has(name)) this.#due.set(name, clock.now() + refreshAfter);
  }
}
