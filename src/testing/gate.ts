/** Stops a request at a chosen place until the test lets it go on: a delay without a sleep. */
export interface Gate {
  /** Resolves when the first request has come to the gate. */
  readonly reached: Promise<void>;
  /** Lets everything through, now and later. */
  open(): void;
  /** Awaited by what is stopped. */
  pass(): Promise<void>;
}

export function gate(): Gate {
  const opened = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    pass() {
      reached.resolve();
      return opened.promise;
    },
  };
}
