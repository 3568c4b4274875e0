/** `sealward server`: opens everything, says where it listens, and ends when it is told to. */
import { pino } from 'pino';
import type { KeyOptions } from '../../clients/signers/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import { readServerConfig } from './config.ts';
import { openServer } from './open-server.ts';

export interface RunOptions {
  readonly configFile: string;
  readonly version: string;
  readonly keyOptions: KeyOptions;
  /** Aborted when the server shall end. */
  readonly signal: AbortSignal;
  /** Gets the log, a line of JSON at a time. */
  readonly log: (line: string) => void;
}

/** Returns when the server has ended. Throws what keeps it from starting; nothing is changed then. */
export async function runServer({ configFile, version, keyOptions, signal, log }: RunOptions): Promise<void> {
  const config = readServerConfig(configFile);
  const logger = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: log });
  const ended = Promise.withResolvers<void>();
  const failed = (error: SealwardError): void => {
    logger.fatal({ code: error.code, err: error }, error.message);
    ended.reject(error);
  };
  ended.promise.catch(() => undefined);
  const server = await openServer({ config, logger, version, keyOptions, failed });
  logger.info({ url: config.url, port: server.port, operationsPort: server.operationsPort, roles: [...config.roles] }, 'ready');
  if (signal.aborted) ended.resolve();
  signal.addEventListener('abort', () => ended.resolve(), { once: true });
  try {
    await ended.promise;
    logger.info({ reason: String(signal.reason) }, 'ending');
  } finally {
    await server.close();
  }
  logger.info('ended');
}
