/** Notes of what was let in, so that pruning spares it. They are written when the answer was given, and one that cannot be written changes none. */
import type { EvidenceStore } from '../../clients/evidence/index.ts';
import type { Clock } from '../../clients/http/index.ts';
import { turn } from './buffered-store.ts';

/** A digest that is let in again and again is noted once in so long. Milliseconds. */
const NOTED_EVERY = 3_600_000;
const MOST_NOTED = 20_000;

export class Admissions {
  readonly #store: EvidenceStore;
  readonly #clock: Clock;
  /** When each digest was noted last, by this process or the one before it. */
  readonly #notedAt = new Map<string, number>();
  readonly #waiting = new Set<string>();
  #writing: Promise<void> | undefined;

  constructor(store: EvidenceStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  note(digest: string): void {
    const notedAt = this.#notedAt.get(digest);
    if (notedAt !== undefined && this.#clock.now() - notedAt < NOTED_EVERY) return;
    if (this.#notedAt.size >= MOST_NOTED) this.#notedAt.clear();
    this.#notedAt.set(digest, this.#clock.now());
    this.#waiting.add(digest);
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    for (const digest of this.#waiting) {
      await turn();
      this.#waiting.delete(digest);
      const now = this.#clock.now();
      const { at } = this.#store.record('admitted', digest) ?? {};
      if (typeof at === 'number' && at <= now && now - at < NOTED_EVERY) this.#notedAt.set(digest, at);
      else this.#store.write('admitted', digest, { at: Math.floor(now) });
    }
    this.#writing = undefined;
  }

  async close(): Promise<void> {
    await this.#writing;
  }
}
