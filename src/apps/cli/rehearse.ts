/**
 * Calls a command as main() does, for nobody: a start-up snapshot taken afterwards holds what was compiled for it. There
 * is no time limit, because the signal of one could not be part of a snapshot.
 */
import { Writable } from 'node:stream';
import { invariant } from '../../core/errors.ts';
import { type Environment, readConfig } from './config.ts';
import { parseCommand } from './parse.ts';
import { commands } from './table/index.ts';
import { Terminal, writeOut } from './terminal.ts';

/** Throws when it does not end with 0. */
export async function rehearse([name, ...rest]: readonly string[], environment: Environment): Promise<void> {
  const command = commands.find(({ spec }) => spec.name === name);
  invariant(command !== undefined, `there is no command ${name}`);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const { signal } = new AbortController();
  const config = readConfig(environment);
  const terminal = new Terminal({ stdin: process.stdin, stdout: nowhere, stderr: nowhere, environment, signal }, config);
  const { run } = await command.load();
  const parsed = parseCommand(command.spec, rest);
  const specs = commands.map(({ spec }) => spec);
  const exit = await run({
    ...parsed,
    config,
    terminal,
    signal,
    deadline: Date.now() + parsed.flags.timeout,
    form: 'json',
    commands: specs,
    debug: () => undefined,
  });
  terminal.endProgress();
  await writeOut(nowhere, terminal.takeResult());
  invariant(exit === 0, `the rehearsal of ${name} ended with ${exit}`);
}
