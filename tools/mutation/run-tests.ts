/** Runs test files in this process until the first that fails: 1 then, 0 when none does. */
import { run } from 'node:test';

const events = run({ files: process.argv.slice(2), isolation: 'none', concurrency: 1, timeout: 60_000 });
// Leaves at once: the rest of the tests can say nothing more about this mutant.
events.on('test:fail', () => process.exit(1));
events.on('end', () => process.exit(0));
events.resume();
