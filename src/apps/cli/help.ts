/** The help pages, made from the table. */
import type { Argument, CommandGroup, CommandSpec, Flag, FlagGroup, Flags } from './flag.ts';
import { globalFlags } from './table/global.ts';

const COMMAND_GROUPS: Readonly<Record<CommandGroup, string>> = {
  verify: 'Verify',
  sign: 'Keys and signatures',
  look: 'Look inside',
  settings: 'Registries and trust',
  about: 'About this program',
};

const FLAG_GROUPS: Readonly<Record<FlagGroup, string>> = {
  signer: 'Who must have signed',
  claims: 'What must have been signed',
  trust: 'What is trusted',
  key: 'Key',
  input: 'Input',
  registry: 'Registry',
  output: 'Result',
  general: 'General',
};

/** Styles a heading or a name; the identity where there is no colour. */
export type Emphasis = (text: string) => string;

export function overview(commands: readonly CommandSpec[], width: number, bold: Emphasis): string {
  const lines = [
    ...wrap('Sealward signs container images and other artifacts, and says whether they are signed by whom you trust.', width, ''),
    '',
    bold('Usage'),
    '  sealward COMMAND [FLAGS] [ARGUMENTS]',
  ];
  for (const [group, title] of Object.entries(COMMAND_GROUPS)) {
    const members = commands.filter((command) => command.group === group);
    if (members.length === 0) continue;
    lines.push(
      '',
      bold(title),
      ...columns(
        members.map(({ name, summary }) => [name, summary] as const),
        width,
      ),
    );
  }
  lines.push(
    '',
    bold('Exit codes'),
    ...columns(
      [
        ['0', 'verified, or done'],
        ['1', 'rejected: it was looked at and is not good'],
        ['2', 'the command, a file or a setting cannot be used'],
        ['3', 'the registry does not allow us in'],
        ['4', 'could not find out: unreachable, throttled, timed out'],
        ['10', 'no signature, though every place that may hold one answered'],
        ['11', 'the tag or digest is not there'],
        ['13', 'signed without the certificate that was asked for'],
        ['70', 'a bug of ours'],
      ],
      width,
    ),
    '',
    ...wrap('`sealward COMMAND --help` shows the flags of a command and examples; `sealward COMMAND ACTION --help` those of an action alone.', width, ''),
  );
  return `${lines.join('\n')}\n`;
}

/** @param words what stood behind the command: of an action only its own flags and examples are shown. */
export function commandHelp(spec: CommandSpec, width: number, bold: Emphasis, words: readonly string[] = []): string {
  const { action, takes } = actionAsked(spec, words);
  const named = ['sealward', spec.name, ...(action === undefined ? [] : [action])].join(' ');
  const places = action === undefined ? spec.arguments : takesMore(spec, action) ? spec.arguments.slice(1) : [];
  const lines = [bold('Usage'), `  ${[named, '[FLAGS]', ...places.map(argumentForm)].join(' ')}`];
  for (const paragraph of spec.description) lines.push('', ...wrap(paragraph, width, ''));
  if (places.length > 0)
    lines.push(
      '',
      bold('Arguments'),
      ...columns(
        places.map(({ name, summary }) => [name, summary] as const),
        width,
      ),
    );
  const examples = action === undefined ? spec.examples : spec.examples.filter(({ command }) => `${command} `.includes(`${named} `));
  if (examples.length > 0) lines.push('', bold('Examples'));
  examples.forEach(({ does, command }, i) => {
    if (i > 0) lines.push('');
    lines.push(...wrap(does, width, '  # '), ...command.split('\n').map((line) => `  ${line}`));
  });
  const own = Object.entries<Flag>(spec.flags).filter(([name]) => takes(name));
  const flags: Flags = { ...Object.fromEntries(own), ...globalFlags };
  const widest = Math.max(...Object.entries(flags).map(([name, flag]) => flagForm(name, flag).length));
  for (const [group, title] of Object.entries(FLAG_GROUPS)) {
    const members = Object.entries(flags).filter(([, flag]) => flag.group === group && !flag.hidden && !flag.deprecated);
    if (members.length === 0) continue;
    lines.push(
      '',
      bold(title),
      ...columns(
        members.map(([name, flag]) => [flagForm(name, flag), flagSummary(flag)] as const),
        width,
        widest,
      ),
    );
  }
  const deprecated = Object.entries(flags).filter(([, flag]) => flag.deprecated && !flag.hidden);
  if (deprecated.length > 0) {
    lines.push(
      '',
      bold('Deprecated'),
      ...columns(
        deprecated.map(([name, flag]) => [flagForm(name, flag), flag.deprecated?.note ?? ''] as const),
        width,
        widest,
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The action that the words name, or the family of actions, as `key` of `key add`; and which flags it takes. */
function actionAsked({ actions = {} }: CommandSpec, words: readonly string[]): { readonly action?: string; readonly takes: (flag: string) => boolean } {
  for (const action of [words.slice(0, 2).join(' '), words[0] ?? '']) {
    const family = Object.entries(actions).filter(([name]) => name === action || name.startsWith(`${action} `));
    if (family.length > 0) return { action, takes: (flag) => family.some(([, flags]) => flags.includes(flag)) };
  }
  return { takes: () => true };
}

function takesMore({ words = {} }: CommandSpec, action: string): boolean {
  return (words[action] ?? Number.POSITIVE_INFINITY) > action.split(' ').length;
}

function argumentForm({ name, minimum, maximum }: Argument): string {
  const form = maximum > 1 ? `${name}...` : name;
  return minimum === 0 ? `[${form}]` : form;
}

export function flagForm(name: string, flag: Flag): string {
  const value = flag.type === 'boolean' ? '' : ` ${flag.type === 'choice' ? (flag.valueName ?? flag.choices.join('|')) : flag.valueName}`;
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${name}${value}`;
}

function flagSummary(flag: Flag): string {
  const notes: string[] = [];
  if (flag.type === 'strings') notes.push('may be repeated');
  if (flag.type === 'choice' && flag.valueName !== undefined) notes.push(flag.choices.join(', '));
  if (flag.type === 'boolean' ? flag.default === true : flag.type !== 'strings' && flag.default !== undefined) {
    notes.push(`default ${String((flag as { default?: unknown }).default)}`);
  }
  if (flag.env !== undefined) notes.push(`or $${flag.env}`);
  return notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join('; ')})`;
}

/** Two columns; a left part that is too wide stands on a line of its own. */
function columns(rows: readonly (readonly [string, string])[], width: number, widest = Math.max(...rows.map(([left]) => left.length))): string[] {
  const indent = Math.min(widest, Math.floor(width / 3)) + 4;
  const lines: string[] = [];
  for (const [left, right] of rows) {
    const head = `  ${left.padEnd(indent - 4)}  `;
    if (head.length > indent) lines.push(`  ${left}`, ...wrap(right, width, ' '.repeat(indent)));
    else lines.push(...wrap(right, width, ' '.repeat(indent), head));
  }
  return lines;
}

function wrap(text: string, width: number, indent: string, firstIndent = indent): string[] {
  const lines: string[] = [];
  let line = firstIndent;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  lines.push(line);
  return lines;
}
