/** The command `sealward controller`; what it does is loaded when it is called. */
import type { Command, Run } from '../cli/index.ts';
import { spec } from './controller-flags.ts';

const load = async (): Promise<{ readonly run: Run<typeof spec> }> => ({ run: (await import('./controller.ts')).run });

export const controller: Command = { spec, load: load as Command['load'] };
