/** How an exception ends a command: what a person reads on stderr, what a program reads on stdout, and the exit code. */
import { documentationAnchor, ERRORS, SealwardError } from '../../core/errors.ts';
import type { Terminal } from './terminal.ts';
import { visible, visibleJson, visibleLines } from './visible.ts';

/** The reason of the process's abort signal: which signal it got. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const SIGNAL_EXIT: Readonly<Record<string, number | undefined>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export function asSealwardError(error: unknown, signals: { readonly process: AbortSignal; readonly deadline?: AbortSignal }): SealwardError {
  if (signals.process.aborted)
    return error instanceof SealwardError && error.code === 'ERR_INTERRUPTED' ? error : new SealwardError('ERR_INTERRUPTED', 'interrupted', { cause: error });
  const stopped = error instanceof SealwardError && error.code === 'ERR_INTERRUPTED';
  if (error instanceof SealwardError && !(stopped && signals.deadline?.aborted)) return error;
  if (signals.deadline?.aborted) return new SealwardError('ERR_DEADLINE', 'the time given with --timeout has passed', { cause: error });
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new SealwardError('ERR_INVARIANT', `unexpected error: ${message.slice(0, 300)}`, { cause: error });
}

export function failureExit(error: SealwardError, process: AbortSignal): number {
  if (process.aborted) return SIGNAL_EXIT[String(process.reason)] ?? ERRORS.ERR_INTERRUPTED.exit;
  return error.exit;
}

export function sayFailure(terminal: Terminal, error: SealwardError, verbose: boolean): void {
  terminal.say(`${terminal.styleError('red', 'sealward:')} ${visible(error.message)}`);
  if (error.hint !== '') terminal.say(`  hint: ${visible(error.hint)}`);
  terminal.say(`  code: ${error.code} (${documentationAnchor(error.code)})`);
  if (!verbose) return;
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    terminal.say(terminal.styleError('dim', visibleLines(cause.stack ?? cause.message)));
  }
}

export function failureJson(error: SealwardError): string {
  return `${visibleJson({ error: { code: error.code, message: error.message, hint: error.hint, docs: documentationAnchor(error.code) } })}\n`;
}
