/** The command `sealward admission`; what it does is loaded when it is called. */
import type { Command, Run } from '../cli/index.ts';
import { spec } from './admission-flags.ts';

const load = async (): Promise<{ readonly run: Run<typeof spec> }> => ({ run: (await import('./admission.ts')).run });

export const admission: Command = { spec, load: load as Command['load'] };
