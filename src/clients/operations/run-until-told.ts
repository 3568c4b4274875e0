/** The life of a service: it is opened, says where it listens, and is closed when it is told to end, or can go on no more. */
import { type Logger, pino } from 'pino';
import type { SealwardError } from '../../core/errors.ts';

export interface RunOptions {
  /** Aborted when it shall end. */
  readonly signal: AbortSignal;
  /** Gets the log, a line of JSON at a time. */
  readonly log: (line: string) => void;
}

/**
 * Returns when it has ended; throws what keeps it from starting, or ended it.
 * @param open is given the log, and whom to tell when it can go on no more. @param says what is told of it when it is open.
 */
export async function runUntilTold<Service extends { close(): Promise<void> }>(
  { signal, log, logLevel }: RunOptions & { readonly logLevel: string },
  open: (logger: Logger, failed: (error: SealwardError) => void) => Promise<Service>,
  says: (service: Service) => object,
): Promise<void> {
  const logger = pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: log });
  const told = Promise.withResolvers<void>();
  told.promise.catch(() => undefined);
  signal.addEventListener('abort', () => told.resolve(), { once: true });
  if (signal.aborted) told.resolve();
  const service = await open(logger, (error) => {
    logger.fatal({ code: error.code, err: error }, error.message);
    told.reject(error);
  });
  logger.info(says(service), 'ready');
  try {
    await told.promise;
    logger.info({ reason: String(signal.reason) }, 'ending');
  } finally {
    await service.close();
  }
  logger.info('ended');
}
