/** The command `sealward server`; what it does is loaded when it is called. */
import type { Command, Run } from '../cli/index.ts';
import { spec } from './server-flags.ts';

const load = async (): Promise<{ readonly run: Run<typeof spec> }> => ({ run: (await import('./server.ts')).run });

export const server: Command = { spec, load: load as Command['load'] };
