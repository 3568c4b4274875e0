/** Credentials that end: kept until shortly before that, and fetched again once for all who wait. */
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from '../http/index.ts';
import type { Call } from './cloud-context.ts';

export interface Ending {
  /** Milliseconds since 1970. */
  readonly ends: number;
}

/** How long after a failure the ones that are still good are used without asking again. */
const PAUSE_MS = 10_000;
/** What is so near its end is used no more, whatever its margin. */
const LEAST_LEFT_MS = 5000;

/**
 * @param marginMs how long before its end a new one is fetched. When that fails, the old one is used as long as it is good.
 * @param what for the errors of those who wait: "an access token of Azure".
 */
export function renewed<T extends Ending>(clock: Clock, marginMs: number, what: string, fetch: (call: Call) => Promise<T>): (call: Call) => Promise<T> {
  let kept: T | undefined;
  let fetching: Promise<T> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  const begin = (call: Call): Promise<T> => {
    const mine = fetch(call).then(
      (fresh) => {
        kept = fresh;
        return fresh;
      },
      (error: unknown) => {
        failedAt = clock.now();
        throw error;
      },
    );
    fetching = mine.finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  return async (call) => {
    for (;;) {
      const now = clock.now();
      const usable = kept && now < kept.ends - LEAST_LEFT_MS ? kept : undefined;
      if (usable && (now < usable.ends - marginMs || now - failedAt < PAUSE_MS)) return usable;
      const mine = fetching === undefined;
      try {
        return await (mine ? begin(call) : waiting(clock, fetching as Promise<T>, call, what));
      } catch (error) {
        if (usable && isPassing(error) && call.signal?.aborted !== true) return usable;
        // The one who fetched may have had less time than we have, or may have gone: then it is our turn.
        const theirs = !mine && error instanceof SealwardError && (error.code === 'ERR_DEADLINE' || error.code === 'ERR_INTERRUPTED');
        if (!theirs || call.signal?.aborted === true || clock.now() >= call.deadline) throw error;
      }
    }
  };
}

/** Whether the next try may go better; a refusal is told at once, even while the old ones are still good. */
function isPassing(error: unknown): boolean {
  return error instanceof SealwardError && error.family === 'UnavailableError';
}

/** Somebody else's fetching, for no longer than one's own call. */
function waiting<T>(clock: Clock, fetching: Promise<T>, { deadline, signal }: Call, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = clock.after(deadline - clock.now(), () => reject(new SealwardError('ERR_DEADLINE', `the deadline passed before ${what} had arrived`)));
    const gone = (): void => reject(new SealwardError('ERR_INTERRUPTED', `asking for ${what} was interrupted`));
    if (signal?.aborted) gone();
    signal?.addEventListener('abort', gone);
    const settle = (): void => {
      late();
      signal?.removeEventListener('abort', gone);
    };
    fetching.then(resolve, reject).finally(settle);
  });
}
