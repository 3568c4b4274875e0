/** `sealward admission serve`: opens everything, says where it listens, and ends when it is told to. */
import { pino } from 'pino';
import type { AdmissionConfig } from './config.ts';
import { openConfigured } from './open-configured.ts';

export interface RunAdmissionOptions {
  readonly config: AdmissionConfig;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when the webhook shall end. */
  readonly signal: AbortSignal;
  /** Gets the log, a line of JSON at a time. */
  readonly log: (line: string) => void;
}

/** Returns when the webhook has ended. Throws what keeps it from starting. */
export async function runAdmission({ config, version, environment, signal, log }: RunAdmissionOptions): Promise<void> {
  const logger = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: log });
  const told = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => told.resolve(), { once: true });
  if (signal.aborted) told.resolve();
  const admission = await openConfigured({ config, version, environment, logger });
  const { port, operationsPort, unanswered } = admission;
  logger.info({ port, operationsPort }, unanswered === undefined ? 'ready' : 'listening, and not ready');
  try {
    await told.promise;
    logger.info({ reason: String(signal.reason) }, 'ending');
  } finally {
    await admission.close();
  }
  logger.info('ended');
}
