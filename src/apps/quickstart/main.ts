/** The program `sealward` as it is shipped: the command line, and the demonstration that needs a registry of its own. */
import { runProcess } from '../cli/index.ts';
import { moreCommands } from './more-commands.ts';

await runProcess(process.argv.slice(2), moreCommands);
