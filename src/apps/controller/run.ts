/** `sealward controller serve`: opens everything, says where it listens, and ends when it is told to. */
import { pino } from 'pino';
import type { ControllerConfig } from './config.ts';
import { openController } from './open-controller.ts';

export interface RunControllerOptions {
  readonly config: ControllerConfig;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when the controller shall end. */
  readonly signal: AbortSignal;
  /** Gets the log, a line of JSON at a time. */
  readonly log: (line: string) => void;
}

/** Returns when the controller has ended. Throws what keeps it from starting. */
export async function runController({ config, version, environment, signal, log }: RunControllerOptions): Promise<void> {
  const logger = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: log });
  const told = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => told.resolve(), { once: true });
  if (signal.aborted) told.resolve();
  const controller = await openController({ config, version, environment, logger });
  logger.info({ operationsPort: controller.operationsPort }, 'watching');
  try {
    await told.promise;
    logger.info({ reason: String(signal.reason) }, 'ending');
  } finally {
    await controller.close();
  }
  logger.info('ended');
}
