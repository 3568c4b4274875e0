/** Notes about digests, written when the answer was given and seldom anew. One that cannot be written changes no answer, and is written the next time. */
import { type EvidenceStore, pinEvidence } from '../../clients/evidence/index.ts';
import type { Clock } from '../../clients/http/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { turn } from './buffered-store.ts';

/** What comes up again and again is noted once in so long. Milliseconds. */
const NOTED_EVERY = 3_600_000;
const MOST_KNOWN = 20_000;

/** Gives when the digest was noted last, by this process or another; undefined when it could not be. */
type WriteNote = (digest: string, now: number) => number | undefined;

export class Notes {
  readonly #clock: Clock;
  readonly #write: WriteNote;
  readonly #notedAt = new Map<string, number>();
  readonly #waiting = new Set<string>();
  #writing: Promise<void> | undefined;

  constructor(clock: Clock, write: WriteNote) {
    this.#clock = clock;
    this.#write = write;
  }

  note(digest: string): void {
    const notedAt = this.#notedAt.get(digest);
    if (notedAt !== undefined && this.#clock.now() - notedAt < NOTED_EVERY) return;
    if (this.#notedAt.size >= MOST_KNOWN) this.#notedAt.clear();
    this.#notedAt.set(digest, this.#clock.now());
    this.#waiting.add(digest);
    this.#writing ??= this.#writeWaiting();
  }

  async #writeWaiting(): Promise<void> {
    for (const digest of this.#waiting) {
      await turn();
      this.#waiting.delete(digest);
      const at = this.#written(digest);
      if (at === undefined) this.#notedAt.delete(digest);
      else this.#notedAt.set(digest, at);
    }
    this.#writing = undefined;
  }

  #written(digest: string): number | undefined {
    try {
      return this.#write(digest, this.#clock.now());
    } catch (error) {
      if (error instanceof SealwardError && error.code === 'ERR_EVIDENCE_STORE') return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#writing;
  }
}

/** What was let in, so that pruning spares it. */
export function admissionNotes(store: EvidenceStore, clock: Clock): Notes {
  return new Notes(clock, (digest, now) => {
    const { at } = store.record('admitted', digest) ?? {};
    if (typeof at === 'number' && at <= now && now - at < NOTED_EVERY) return at;
    return store.write('admitted', digest, { at: Math.floor(now) }) ? now : undefined;
  });
}

/**
 * What recorded decisions were made from, so that it stays as long as their records: `sha256:hex` of what `encodeEvidence`
 * wrote, whose bytes may come into the store later.
 * @param keptFor milliseconds; infinite: for ever.
 */
export function pinNotes(store: EvidenceStore, clock: Clock, keptFor: number): Notes {
  return new Notes(clock, (known, now) => (pinEvidence(store, known, Number.isFinite(keptFor) ? Math.ceil(now + keptFor) : undefined) ? now : undefined));
}
