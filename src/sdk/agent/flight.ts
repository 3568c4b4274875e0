/** One gathering for all who ask about a digest at the same time, each with a deadline of his own. */
import type { Clock } from '../../clients/http/index.ts';
import type { Registry } from '../../clients/registry/index.ts';
import type { Evidence } from '../../core/verify/index.ts';

interface Asker {
  /** Looks at what is known now; true when that is enough for this one. */
  readonly isEnough: () => boolean;
  readonly end: (how: Landing) => void;
}

/** `late`: the deadline came first, or whoever asked went away. The gathering goes on, for the others and for the next time. */
export type Landing = 'enough' | 'ended' | 'late';

export class Flight {
  /** All that is known by now. */
  evidence: Evidence;
  ended = false;
  /** When something was found out last, on the clock. */
  toldAt = 0;
  /** What it stopped for, when it was no answer of a registry. */
  failure: unknown;
  readonly #askers = new Set<Asker>();
  /** Somebody left without an answer: then it is gathered to the end, so that it is there when they come again. */
  #toTheEnd = false;

  /** @param known what is known before anybody is asked. */
  constructor(known: Evidence) {
    this.evidence = known;
  }

  /** Gathers until nobody waits any more, or there is nothing left to ask. Never throws. */
  async run(steps: AsyncIterable<Evidence>, clock: Clock): Promise<void> {
    try {
      for await (const evidence of steps) {
        this.evidence = evidence;
        this.toldAt = clock.now();
        for (const asker of this.#askers) if (asker.isEnough()) asker.end('enough');
        if (this.#askers.size === 0 && !this.#toTheEnd) break;
      }
    } catch (error) {
      this.failure = error;
    } finally {
      this.ended = true;
      for (const asker of this.#askers) asker.end('ended');
    }
  }

  /** @param until absolute, on the clock. */
  ask(isEnough: () => boolean, clock: Clock, until: number, signal?: AbortSignal): Promise<Landing> {
    if (isEnough()) return Promise.resolve('enough');
    if (this.ended) return Promise.resolve('ended');
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#toTheEnd = true;
        asker.end('late');
      };
      const asker: Asker = {
        isEnough,
        end: (how) => {
          cancel();
          signal?.removeEventListener('abort', leave);
          this.#askers.delete(asker);
          resolve(how);
        },
      };
      const cancel = clock.after(until - clock.now(), leave);
      this.#askers.add(asker);
      if (signal?.aborted) leave();
      else signal?.addEventListener('abort', leave);
    });
  }
}

const numbers = new WeakMap<Registry, number>();
let seen = 0;

/** Who asks with other credentials may be told something else, so that nobody waits for another's answer. */
export function registryNumber(registry: Registry): number {
  const number = numbers.get(registry) ?? seen++;
  numbers.set(registry, number);
  return number;
}

/** Timers are of whole milliseconds, and may ring one too early. */
const ROUNDING = 2;

/** Whether what may take until then was given up for that. */
export function isOver(until: number, now: number): boolean {
  return now >= until - ROUNDING;
}
