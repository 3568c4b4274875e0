/** One deadline around work that may ignore it: a native module, a program, a server that trickles. */
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from '../http/index.ts';
import type { Call } from './provider.ts';

/**
 * Runs the work with an abort signal of its own and answers with it, or with ERR_DEADLINE or ERR_INTERRUPTED when time
 * is up or the caller has gone, whichever comes first. What the work does afterwards is nobody's concern.
 */
export async function within<T>(clock: Clock, limits: Call, what: string, work: (call: Call) => Promise<T>): Promise<T> {
  const { deadline, signal } = limits;
  const stop = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const end = (error: SealwardError): void => {
      settle();
      stop.abort(error);
      reject(error);
    };
    const onAbort = (): void => end(new SealwardError('ERR_INTERRUPTED', `asking for ${what} was interrupted`));
    const cancel = clock.after(deadline - clock.now(), () => end(new SealwardError('ERR_DEADLINE', `the deadline passed before ${what} had arrived`)));
    const settle = (): void => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) return onAbort();
    work({ deadline, signal: stop.signal }).then(resolve, reject).finally(settle);
    return undefined;
  });
}
