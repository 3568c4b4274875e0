/** One row of the table of commands. */
import type { CommandSpec } from '../flag.ts';
import type { Invocation, Run } from '../invocation.ts';

export interface Command {
  readonly spec: CommandSpec;
  readonly load: () => Promise<{ readonly run: (invocation: Invocation) => Promise<number> }>;
}

/** Holds a command's flags against what its code reads, and forgets the difference afterwards. */
export function command<Spec extends CommandSpec>(spec: Spec, load: () => Promise<{ readonly run: Run<Spec> }>): Command {
  return { spec, load };
}
