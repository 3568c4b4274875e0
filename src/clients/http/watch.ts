/** Ends an exchange that takes too long, that trickles, or that the caller no longer wants. */
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from './clock.ts';

/** A body may pause this long in all, and beyond that must come at this rate: a trickle must not hold a slot to the end. */
export const PROGRESS = { graceMs: 20_000, bytesPerSecond: 1024 } as const;

export interface Watch {
  /** What to destroy when time is up; replaces the one before. */
  guard(destroy: (error: SealwardError) => void): void;
  /** The server's turn to send begins. */
  waiting(): void;
  /** It sent so many bytes. */
  arrived(bytes: number): void;
  /** Throws when time is up or the caller has gone. */
  check(): void;
  /** The exchange is over, with an error or well; only the first time counts. */
  end(error?: SealwardError): void;
}

export function deadlinePassed(what: string): SealwardError {
  return new SealwardError('ERR_DEADLINE', `the deadline passed before ${what} had arrived`);
}

export function interrupted(what: string): SealwardError {
  return new SealwardError('ERR_INTERRUPTED', `asking for ${what} was interrupted`);
}

/** @param ended is called once, when the exchange is over: with its error, if it ended in one. */
export function startWatch(
  clock: Clock,
  limits: { readonly deadline: number; readonly signal?: AbortSignal; readonly what: string; readonly mayPause?: boolean },
  ended: (error?: SealwardError) => void = () => {},
): Watch {
  const { deadline, signal, what, mayPause = false } = limits;
  let destroy: (error: SealwardError) => void = () => {};
  let stopped: SealwardError | undefined;
  let waitedMs = 0;
  let bytes = 0;
  let since = 0;
  let cancelProgress: (() => void) | undefined;
  let over = false;

  const stop = (error: SealwardError): void => {
    if (stopped) return;
    stopped = error;
    end(error);
    destroy(error);
  };
  const onAbort = (): void => stop(interrupted(what));
  const cancelDeadline = clock.after(deadline - clock.now(), () => stop(deadlinePassed(what)));
  signal?.addEventListener('abort', onAbort);
  // Whoever went before there was anything to listen with is not told again.
  if (signal?.aborted) onAbort();

  function end(error?: SealwardError): void {
    cancelDeadline();
    cancelProgress?.();
    signal?.removeEventListener('abort', onAbort);
    if (!over) ended(error);
    over = true;
  }

  return {
    guard(next) {
      destroy = next;
      if (stopped) destroy(stopped);
    },
    waiting() {
      since = clock.now();
      if (mayPause) return;
      const allowance = PROGRESS.graceMs + (bytes / PROGRESS.bytesPerSecond) * 1000 - waitedMs;
      cancelProgress = clock.after(allowance, () =>
        stop(new SealwardError('ERR_DEADLINE', `${what} came slower than ${PROGRESS.bytesPerSecond} bytes per second and was given up`)),
      );
    },
    arrived(count) {
      cancelProgress?.();
      waitedMs += clock.now() - since;
      bytes += count;
    },
    check() {
      if (stopped) throw stopped;
    },
    end,
  };
}
