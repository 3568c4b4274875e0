/** What recorded decisions were made from stays as long as their records. Written when the answer was given; one that cannot be written changes none. */
import { type EvidenceStore, renewPin } from '../../clients/evidence/index.ts';
import type { Clock } from '../../clients/http/index.ts';
import { turn } from './buffered-store.ts';

/** A pin is looked at again once in so long. Milliseconds. */
const RENEWED_EVERY = 3_600_000;
const MOST_KNOWN = 20_000;

export class Pins {
  readonly #store: EvidenceStore;
  readonly #clock: Clock;
  readonly #keptFor: number;
  readonly #pinnedAt = new Map<string, number>();
  readonly #waiting = new Set<string>();
  #writing: Promise<void> | undefined;

  /** @param keptFor how long records are kept, in milliseconds; infinite: for ever. */
  constructor(store: EvidenceStore, clock: Clock, keptFor: number) {
    this.#store = store;
    this.#clock = clock;
    this.#keptFor = keptFor;
  }

  /** @param known `sha256:hex` of what `encodeEvidence` wrote; its bytes may come into the store later. */
  pin(known: string): void {
    const at = this.#pinnedAt.get(known);
    if (at !== undefined && this.#clock.now() - at < RENEWED_EVERY) return;
    if (this.#pinnedAt.size >= MOST_KNOWN) this.#pinnedAt.clear();
    this.#pinnedAt.set(known, this.#clock.now());
    this.#waiting.add(known);
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    for (const known of this.#waiting) {
      await turn();
      this.#waiting.delete(known);
      renewPin(this.#store, known, Number.isFinite(this.#keptFor) ? Math.ceil(this.#clock.now() + this.#keptFor) : undefined);
    }
    this.#writing = undefined;
  }

  async close(): Promise<void> {
    await this.#writing;
  }
}
