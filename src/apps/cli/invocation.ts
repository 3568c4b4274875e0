/** What a command gets, and what it gives back. */
import type { Config } from './config.ts';
import type { CommandSpec, Flags, FlagValues } from './flag.ts';
import type { GlobalFlags } from './table/global.ts';
import type { Terminal } from './terminal.ts';

export interface Invocation<F extends Flags = Flags> {
  readonly flags: FlagValues<F & GlobalFlags>;
  readonly arguments: readonly string[];
  /** The flags that stood on the command line. */
  readonly given: ReadonlySet<string>;
  readonly config: Config;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C, by SIGTERM and when the time of --timeout has passed. */
  readonly signal: AbortSignal;
  /** In milliseconds since 1970: when the time of --timeout will have passed. */
  readonly deadline: number;
  /** The form of the result: what --output says, else text on a terminal and json elsewhere. */
  readonly form: 'json' | 'text';
  /** What all commands of this program are called and take. */
  readonly commands: readonly CommandSpec[];
  /** Says something with --verbose only. */
  readonly debug: (text: string) => void;
}

/** Prints its result with terminal.print and answers the exit code. */
export type Run<Spec extends CommandSpec> = (invocation: Invocation<Spec['flags']>) => Promise<number>;
