/**
 * argv to typed values, by util.parseArgs under the command's table. Everything is refused that cannot be understood
 * exactly: an unknown flag (with the nearest one), a value of the wrong type, two different values for one flag.
 */
import { parseArgs } from 'node:util';
import { SealwardError } from '../../core/errors.ts';
import { parseDuration } from './duration.ts';
import type { CommandSpec, Flag, Flags, FlagValues } from './flag.ts';
import { nearest } from './nearest.ts';
import { type GlobalFlags, globalFlags } from './table/global.ts';

export interface ParsedCommand<F extends Flags = Flags> {
  readonly flags: FlagValues<F & GlobalFlags>;
  readonly arguments: readonly string[];
  /** The names of the flags that stood on the command line, after mapping. */
  readonly given: ReadonlySet<string>;
  /** One sentence for each deprecated flag that was used. */
  readonly warnings: readonly string[];
}

type Value = string | number | boolean;

function usage(message: string, command: string, hint?: string): SealwardError {
  return new SealwardError('ERR_USAGE', message, { hint: hint ?? `See \`sealward ${command} --help\`.` });
}

/** The words before the command's name may only be global flags, as in `sealward -d verify IMAGE`. */
export function splitCommand(argv: readonly string[]): { readonly name: string | undefined; readonly rest: readonly string[] } {
  const before: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (!word.startsWith('-') || word === '-') return { name: word, rest: [...before, ...argv.slice(i + 1)] };
    before.push(word);
    const flag = Object.entries<Flag>(globalFlags).find(([name, { short }]) => word === `--${name}` || word === `-${short}`)?.[1];
    if (flag !== undefined && flag.type !== 'boolean' && i + 1 < argv.length) before.push(argv[++i] as string);
  }
  return { name: undefined, rest: before };
}

export function parseCommand<F extends Flags>(spec: CommandSpec<F>, argv: readonly string[]): ParsedCommand<F> {
  const flags: Flags = { ...spec.flags, ...globalFlags };
  const { tokens } = parseArgs({ args: [...argv], options: parseArgsOptions(flags), strict: false, allowPositionals: true, tokens: true });
  const single = new Map<string, Value>();
  const lists = new Map<string, string[]>();
  const positionals: string[] = [];
  const warnings = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, value } = meant(token, flags, spec.name);
    const flag = flags[name] as Flag;
    const target = flag.deprecated?.to ?? flag.sameAs ?? name;
    if (flag.deprecated) warnings.set(name, `${token.rawName} is deprecated: ${flag.deprecated.note}`);
    if (flag.type === 'strings') {
      lists.set(target, [...(lists.get(target) ?? []), value as string]);
      continue;
    }
    const earlier = single.get(target);
    if (earlier !== undefined && earlier !== value) throw usage(`--${target} is given twice, with different values`, spec.name);
    single.set(target, value);
  }
  const given = new Set([...single.keys(), ...lists.keys()]);
  checkArguments(spec, positionals, single.get('help') === true);
  checkAction(spec, positionals, given);
  checkCompany(flags, given);
  const values: Record<string, Value | readonly string[] | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) {
    values[name] = flag.type === 'strings' ? (lists.get(name) ?? []) : (single.get(name) ?? defaultOf(name, flag));
  }
  return {
    flags: Object.freeze(values) as FlagValues<F & GlobalFlags>,
    arguments: positionals,
    given,
    warnings: [...warnings.values()],
  };
}

function parseArgsOptions(flags: Flags): Record<string, { type: 'boolean' | 'string'; short?: string }> {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {};
  for (const [name, flag] of Object.entries(flags)) {
    options[name] = { type: flag.type === 'boolean' ? 'boolean' : 'string', ...(flag.short === undefined ? {} : { short: flag.short }) };
  }
  return options;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** Which flag a word on the command line names, and its value in the flag's own type. */
function meant(token: OptionToken, flags: Flags, command: string): { name: string; value: Value } {
  const { name, rawName } = token;
  if (Object.hasOwn(flags, name)) return { name, value: valueOf(token, flags[name] as Flag, command) };
  const positive = name.slice('no-'.length);
  if (name.startsWith('no-') && Object.hasOwn(flags, positive) && flags[positive]?.type === 'boolean') {
    if (token.inlineValue) throw usage(`${rawName} takes no value`, command);
    return { name: positive, value: false };
  }
  const visible = Object.entries(flags).filter(([, flag]) => !flag.hidden);
  const near = nearest(
    name,
    visible.map(([flag]) => flag),
  );
  throw usage(
    `unknown flag ${printable(rawName)} for \`sealward ${command}\``,
    command,
    near === undefined ? undefined : `Did you mean --${near}? See \`sealward ${command} --help\`.`,
  );
}

function valueOf(token: OptionToken, flag: Flag, command: string): Value {
  const { rawName } = token;
  if (flag.type === 'boolean') {
    if (!token.inlineValue) return true;
    if (token.value === 'true' || token.value === 'false') return token.value === 'true';
    throw usage(`${rawName} is either true or false, and not ${printable(token.value ?? '')}`, command);
  }
  const text = rawName.startsWith('--') || !token.inlineValue ? token.value : token.value?.replace(/^=/, '');
  const example = `${rawName}=${flag.type === 'choice' ? flag.choices[0] : flag.valueName}`;
  if (text === undefined) throw usage(`${rawName} needs a value`, command, `Write ${example}.`);
  if (!token.inlineValue && text.startsWith('-') && text !== '-') {
    throw usage(
      `${rawName} needs a value, and ${printable(text)} looks like a flag`,
      command,
      `Write ${example}, with the equals sign, when the value begins with a dash.`,
    );
  }
  return scalar(text, flag, rawName, command);
}

function scalar(text: string, flag: Exclude<Flag, { type: 'boolean' }>, rawName: string, command: string): string | number {
  switch (flag.type) {
    case 'duration':
      return parseDuration(text, rawName);
    case 'integer': {
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= flag.minimum && number <= flag.maximum) return number;
      throw usage(`${rawName} is a number from ${flag.minimum} to ${flag.maximum}, and not ${printable(text)}`, command);
    }
    case 'choice':
      if (flag.choices.includes(text)) return text;
      throw usage(`${rawName} is one of ${flag.choices.join(', ')}, and not ${printable(text)}`, command);
    default:
      if (text === '') throw usage(`${rawName} is empty`, command, 'An unset variable in a script is a common cause; leave the flag out when it is not meant.');
      return text;
  }
}

function defaultOf(name: string, flag: Flag): Value | undefined {
  if (flag.type === 'strings') return undefined;
  if (flag.type === 'boolean') return flag.default ?? false;
  if (flag.type === 'duration' && flag.default !== undefined) return parseDuration(flag.default, `--${name}`);
  return flag.default;
}

function checkArguments(spec: CommandSpec, positionals: readonly string[], help: boolean): void {
  if (help) return;
  const minimum = spec.arguments.reduce((sum, argument) => sum + argument.minimum, 0);
  const maximum = spec.arguments.reduce((sum, argument) => sum + argument.maximum, 0);
  if (positionals.length > maximum) {
    const extra = printable(positionals[maximum] as string);
    throw usage(
      maximum === 0
        ? `\`sealward ${spec.name}\` takes no arguments, and ${extra} is one`
        : `\`sealward ${spec.name}\` takes at most ${maximum} arguments, and ${extra} is one too many`,
      spec.name,
    );
  }
  if (positionals.length < minimum) {
    const missing = spec.arguments.find((_, i) => positionals.length < spec.arguments.slice(0, i + 1).reduce((sum, argument) => sum + argument.minimum, 0));
    throw usage(`\`sealward ${spec.name}\` needs ${missing?.name ?? 'an argument'}`, spec.name);
  }
  const empty = positionals.indexOf('');
  if (empty >= 0) throw usage(`argument ${empty + 1} of \`sealward ${spec.name}\` is empty`, spec.name, 'An unset variable in a script is a common cause.');
}

function checkAction({ name, actions = {}, words = {} }: CommandSpec, positionals: readonly string[], given: ReadonlySet<string>): void {
  const known = (table: Readonly<Record<string, unknown>>): string | undefined =>
    [positionals.slice(0, 2).join(' '), positionals[0] ?? ''].find((action) => Object.hasOwn(table, action));
  const action = known(actions) ?? '';
  const taken = actions[action];
  const odd = taken && [...given].find((flag) => !taken.includes(flag) && !Object.hasOwn(globalFlags, flag));
  if (odd !== undefined) {
    const others = Object.entries(actions).flatMap(([other, flags]) => (flags.includes(odd) ? [other] : []));
    throw new SealwardError('ERR_FLAG_CONFLICT', `--${odd} is not for \`sealward ${name} ${action}\``, {
      hint: `It is for ${others.join(', ')}. See \`sealward ${name} --help\`.`,
    });
  }
  const counted = known(words);
  const extra = counted === undefined ? undefined : positionals[words[counted] ?? positionals.length];
  if (extra !== undefined) throw usage(`\`sealward ${name} ${counted}\` has no use for ${printable(extra)}`, name);
}

function checkCompany(flags: Flags, given: ReadonlySet<string>): void {
  for (const name of given) {
    const needs = flags[name]?.needs;
    if (!needs || needs.some((other) => given.has(other))) continue;
    const wanted = needs.map((other) => `--${other}`).join(' or ');
    throw new SealwardError('ERR_FLAG_CONFLICT', `--${name} says nothing without ${wanted}`, { hint: `Give ${wanted}, or leave it out.` });
  }
}

function printable(word: string): string {
  return JSON.stringify(word.length > 80 ? `${word.slice(0, 80)}...` : word);
}
