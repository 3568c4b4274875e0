/** `sealward admission serve`. */
import { type RunOptions, runUntilTold } from '../../clients/operations/index.ts';
import type { AdmissionConfig } from './config.ts';
import { openConfigured, type OpenConfiguredOptions } from './open-configured.ts';

export interface RunAdmissionOptions extends RunOptions, Pick<OpenConfiguredOptions, 'version' | 'environment'> {
  readonly config: AdmissionConfig;
}

/** Returns when the webhook has ended. Throws what keeps it from starting. */
export function runAdmission({ config, version, environment, ...run }: RunAdmissionOptions): Promise<void> {
  return runUntilTold(
    { ...run, logLevel: config.logLevel },
    (logger) => openConfigured({ config, version, environment, logger }),
    ({ port, operationsPort }) => ({ port, operationsPort }),
  );
}
