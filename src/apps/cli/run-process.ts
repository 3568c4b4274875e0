/** main() for this process: its streams, its signals, its end. */
import { ERRORS } from '../../core/errors.ts';
import { processEnvironment } from './config.ts';
import type { StopSignal } from './failure.ts';
import { main } from './main.ts';
import type { Command } from './table/command.ts';
import type { Io } from './terminal.ts';
import { visible, visibleLines } from './visible.ts';

/** How long a command may tidy up after the first Ctrl-C; a second one ends it at once. */
const GRACE_MILLISECONDS = 3000;

export async function runProcess(argv: readonly string[], commands: readonly Command[]): Promise<never> {
  const stopped = new AbortController();
  let grace = GRACE_MILLISECONDS;
  const stop = (signal: StopSignal): void => {
    const code = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal];
    if (stopped.signal.aborted) process.exit(code);
    stopped.abort(signal);
    setTimeout(() => process.exit(code), grace).unref();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  // A write that fails tells its caller; whoever only went away (EPIPE) is told nothing, and the exit code still says what was found.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('uncaughtException', (error) => {
    process.stderr.write(`sealward: unexpected error: ${visible(String(error))}\n  hint: ${ERRORS.ERR_INVARIANT.hint}\n  code: ERR_INVARIANT\n`);
    if (argv.includes('--verbose') || argv.includes('-d')) process.stderr.write(`${visibleLines(error.stack ?? '')}\n`);
    process.exit(ERRORS.ERR_INVARIANT.exit);
  });
  const io: Io = {
    // Made on first use: a millisecond that most commands need not pay.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    environment: processEnvironment(),
    signal: stopped.signal,
    stopWithin: (milliseconds) => void (grace = milliseconds),
  };
  process.exit(await main(argv, io, commands));
}
