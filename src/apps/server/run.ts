/** `sealward server`. */
import { type RunOptions as UntilTold, runUntilTold } from '../../clients/operations/index.ts';
import type { KeyOptions } from '../../clients/signers/index.ts';
import { readServerConfig } from './config.ts';
import { openServer } from './open-server.ts';

export interface RunOptions extends UntilTold {
  readonly configFile: string;
  readonly version: string;
  readonly keyOptions: KeyOptions;
}

/** Returns when the server has ended. Throws what keeps it from starting, and nothing is changed then; or what it could not go on after. */
export async function runServer({ configFile, version, keyOptions, ...run }: RunOptions): Promise<void> {
  const config = readServerConfig(configFile);
  return runUntilTold(
    { ...run, logLevel: config.logLevel },
    (logger, failed) => openServer({ config, logger, version, keyOptions, failed }),
    ({ port, operationsPort }) => ({ url: config.url, port, operationsPort, roles: [...config.roles] }),
  );
}
