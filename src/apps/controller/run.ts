/** `sealward controller serve`. */
import { type RunOptions, runUntilTold } from '../../clients/operations/index.ts';
import type { ControllerConfig } from './config.ts';
import { openController, type OpenControllerOptions } from './open-controller.ts';

export interface RunControllerOptions extends RunOptions, Pick<OpenControllerOptions, 'version' | 'environment'> {
  readonly config: ControllerConfig;
}

/** Returns when the controller has ended. Throws what keeps it from starting. */
export function runController({ config, version, environment, ...run }: RunControllerOptions): Promise<void> {
  return runUntilTold(
    { ...run, logLevel: config.logLevel },
    (logger) => openController({ config, version, environment, logger }),
    ({ operationsPort }) => ({ operationsPort }),
  );
}
