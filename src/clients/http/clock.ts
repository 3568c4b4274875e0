/** Time as the clients see it, so that tests need neither sleep nor luck. */
export interface Clock {
  /** Milliseconds since the epoch that never run backwards while the process lives; deadlines are on this scale. */
  now(): number;
  /** Calls back once after so many milliseconds; the returned function cancels it. */
  after(milliseconds: number, callback: () => void): () => void;
  /** Waits before something is tried again; ends early, without an error, when the signal fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Node fires a timer beyond 2^31-1 ms at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Does not jump when somebody sets the clock of the machine. Node's `performance` would say the same, and takes milliseconds to load. */
const running = (): number => Number(process.hrtime.bigint()) / 1e6;
/** When `running` was 0. */
let origin: number | undefined;

/** For a process that starts from a snapshot, which another one took on another day: what it knew of the time is forgotten. */
export function restartSystemClock(): void {
  origin = undefined;
}

export const systemClock: Clock = {
  now: () => (origin ??= Date.now() - running()) + running(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, milliseconds), LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(0, milliseconds), LONGEST_TIMER));
      signal?.addEventListener('abort', done);
    }),
};
