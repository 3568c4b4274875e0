/** Time as the clients see it, so that tests need neither sleep nor luck. */
export interface Clock {
  /** Milliseconds since the epoch that never run backwards while the process lives; deadlines are on this scale. */
  now(): number;
  /** Calls back once after so many milliseconds; the returned function cancels it. */
  after(milliseconds: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  // performance.now() does not jump when somebody sets the clock of the machine.
  now: () => performance.timeOrigin + performance.now(),
  after(milliseconds, callback) {
    // Node fires a timer beyond 2^31-1 ms at once.
    const timer = setTimeout(callback, Math.min(Math.max(0, milliseconds), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};
