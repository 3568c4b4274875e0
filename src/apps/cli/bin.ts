/** The command line alone, for development: what is shipped starts in apps/quickstart/main.ts. */
import { runProcess } from './index.ts';

await runProcess();
