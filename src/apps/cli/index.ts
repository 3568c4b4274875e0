/** The front door: light, so that whoever starts the process can keep compiled code before anything large is loaded. */
import { keepCompiledCode } from './compile-cache.ts';
import type { Environment } from './config.ts';
import type { Command } from './table/command.ts';
import type { Io } from './terminal.ts';

export { runKeepingCode } from './compile-cache.ts';
export { defineCommand } from './flag.ts';
export type { Invocation, Run } from './invocation.ts';

/** How a command opens keys, and asks for what nobody has given: loaded when it is needed, because this door is light. */
export const loadKeys = async () => ({ ...(await import('./key-options.ts')), ...(await import('./password.ts')) });
export type { Command, Io };

/** One call of the command line; see main.ts. @param more commands of a program that contains this one. */
export async function main(argv: readonly string[], io: Io, more: readonly Command[] = []): Promise<number> {
  return (await import('./main.ts')).main(argv, io, [...(await ownCommands()), ...more]);
}

/** The whole process: streams, signals, end. */
export async function runProcess(argv: readonly string[] = process.argv.slice(2), more: readonly Command[] = []): Promise<never> {
  keepCompiledCode();
  return runPreloaded(argv, more);
}

/** Loads all that any command needs, for a snapshot of a program that has started. */
export async function preload(): Promise<void> {
  const [{ commands }] = await Promise.all([
    import('./table/index.ts'),
    import('./run-process.ts'),
    import('./help.ts'),
    import('./file.ts'),
    import('./prompt.ts'),
  ]);
  await Promise.all(commands.map(({ load }) => load()));
}

/** runProcess for a program that is compiled already. */
export async function runPreloaded(argv: readonly string[], more: readonly Command[]): Promise<never> {
  return (await import('./run-process.ts')).runProcess(argv, [...(await ownCommands()), ...more]);
}

async function ownCommands(): Promise<readonly Command[]> {
  return (await import('./table/index.ts')).commands;
}

/** Calls a command for nobody, so that a snapshot holds what was compiled for it; see rehearse.ts. */
export async function rehearse(argv: readonly string[], environment: Environment): Promise<void> {
  await (await import('./rehearse.ts')).rehearse(argv, environment);
}
