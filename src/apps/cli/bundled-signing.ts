/** The commands of table/signing.ts as a program of their own, which launch.ts starts for them: it is loaded in less time than one that holds them all. */
import { runProcess } from './run-process.ts';
import { signingCommands } from './table/signing.ts';

void runProcess(process.argv.slice(2), signingCommands);
