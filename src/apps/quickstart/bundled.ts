/** The program as npm installs it, started by launch.ts. */
import { runPreloaded } from '../cli/index.ts';
import { moreCommands } from './more-commands.ts';

void runPreloaded(process.argv.slice(2), moreCommands);
