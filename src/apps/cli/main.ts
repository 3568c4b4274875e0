/** One call of the command line, from argv to exit code. Everything that it touches comes in `io`. */
import { SealwardError } from '../../core/errors.ts';
import { readConfig } from './config.ts';
import { asSealwardError, failureExit, failureJson, sayFailure } from './failure.ts';
import type { Invocation } from './invocation.ts';
import { nearest } from './nearest.ts';
import { parseCommand, splitCommand } from './parse.ts';
import type { Command } from './table/command.ts';
import { type Io, Terminal, writeOut } from './terminal.ts';
import { visibleJson } from './visible.ts';

/** Whoever waits for something ends by the deadline and can say for what; only who does not look at it is stopped, a little later. */
const GRACE_MILLISECONDS = 500;
/** As long as a server may answer what it has begun; orchestrators give 30 s by default, and then kill. */
const SERVING_GRACE_MILLISECONDS = 25_000;

/** @param commands all that this program has. */
export async function main(argv: readonly string[], io: Io, commands: readonly Command[]): Promise<number> {
  // Until the environment is read there is no colour; what is said before that is rare and short.
  let terminal = new Terminal(io);
  let deadline: AbortSignal | undefined;
  try {
    const { name, rest } = splitCommand(argv);
    const asked = name === 'help' ? rest[0] : name;
    if (asked === undefined || asked.startsWith('-'))
      return await showOverview(terminal, commands, name === 'help' || rest.includes('--help') || rest.includes('-h'));
    const command = findCommand(commands, asked);
    if (name === 'help') return await showHelp(terminal, command, rest.slice(1));
    const parsed = parseCommand(command.spec, rest);
    if (parsed.flags.help) return await showHelp(terminal, command, parsed.arguments);
    const config = readConfig(io.environment);
    terminal = new Terminal(io, config);
    for (const warning of parsed.warnings) terminal.warn(warning);
    const serves = command.spec.serves === true;
    if (serves) io.stopWithin?.(SERVING_GRACE_MILLISECONDS);
    else deadline = AbortSignal.timeout(parsed.flags.timeout + GRACE_MILLISECONDS);
    const output = (parsed.flags as Record<string, unknown>)['output'] as 'json' | 'text' | undefined;
    const invocation: Invocation = {
      ...parsed,
      commands: commands.map(({ spec }) => spec),
      config,
      terminal,
      signal: deadline ? AbortSignal.any([io.signal, deadline]) : io.signal,
      deadline: Date.now() + parsed.flags.timeout,
      form: output ?? (terminal.interactive && parsed.flags['output-file'] === undefined ? 'text' : 'json'),
      debug: (text) => {
        if (parsed.flags.verbose) terminal.say(terminal.styleError('dim', text));
      },
    };
    for (const note of config.withoutEffect) invocation.debug(note);
    const { run } = await command.load();
    const exit = await run(invocation);
    // A command that came to its end in spite of Ctrl-C still must not look like one that was let finish.
    if (io.signal.aborted && !serves) throw new SealwardError('ERR_INTERRUPTED', 'interrupted');
    terminal.endProgress();
    await deliver(terminal, parsed.flags['output-file']);
    return exit;
  } catch (thrown) {
    terminal.endProgress();
    const error = asSealwardError(thrown, deadline ? { process: io.signal, deadline } : { process: io.signal });
    sayFailure(terminal, error, asks(argv, '--verbose', '-d'));
    if (wantsJson(argv, io)) await writeOut(io.stdout, failureJson(error));
    return failureExit(error, io.signal);
  }
}

function findCommand(commands: readonly Command[], name: string): Command {
  const found = commands.find(({ spec }) => spec.name === name);
  if (found) return found;
  const near = nearest(
    name,
    commands.map(({ spec }) => spec.name),
  );
  throw new SealwardError('ERR_USAGE', `unknown command ${visibleJson(name.slice(0, 80))}`, {
    hint: near === undefined ? 'See `sealward --help`.' : `Did you mean \`sealward ${near}\`? See \`sealward --help\`.`,
  });
}

/** Help that was asked for is a result; help because nothing was asked is a usage error, so that `sealward $UNSET` fails. */
async function showOverview(terminal: Terminal, commands: readonly Command[], asked: boolean): Promise<number> {
  const { overview } = await import('./help.ts');
  const text = overview(
    commands.map(({ spec }) => spec),
    terminal.width,
    (heading) => terminal.style('bold', heading),
  );
  await writeOut(asked ? terminal.io.stdout : terminal.io.stderr, text);
  return asked ? 0 : 2;
}

async function showHelp(terminal: Terminal, command: Command, words: readonly string[]): Promise<number> {
  const { commandHelp } = await import('./help.ts');
  await writeOut(
    terminal.io.stdout,
    commandHelp(command.spec, terminal.width, (heading) => terminal.style('bold', heading), words),
  );
  return 0;
}

async function deliver(terminal: Terminal, file: string | undefined): Promise<void> {
  const result = terminal.takeResult();
  if (file === undefined) return writeOut(terminal.io.stdout, result);
  const { replaceFile } = await import('./file.ts');
  replaceFile(file, result);
}

/** These two look at argv itself, because the command line may be what could not be understood. */
function asks(argv: readonly string[], long: string, short: string): boolean {
  return argv.includes(long) || argv.includes(short) || argv.includes(`${long}=true`);
}

function wantsJson(argv: readonly string[], io: Io): boolean {
  const at = argv.findIndex((word) => word === '-o' || word === '--output');
  const inline = argv.some((word) => ['--output=json', '-ojson', '-o=json'].includes(word));
  return (inline || (at >= 0 && argv[at + 1] === 'json')) && io.stdout.writable;
}
