/** Completion scripts for shells, made from the table of commands: what is completed is what the parser knows. */
import type { CommandSpec, Flag } from './flag.ts';
import { globalFlags } from './table/global.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

interface Offered {
  readonly name: string;
  readonly summary: string;
  readonly takesFile: boolean;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** The script for one shell; it is meant to be sourced. */
export function completionScript(shell: Shell, commands: readonly CommandSpec[]): string {
  const shown = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
  switch (shell) {
    case 'bash':
      return bash(shown);
    case 'zsh':
      return zsh(shown);
    case 'fish':
      return fish(shown);
  }
}

function offeredBy({ flags }: CommandSpec): Offered[] {
  return Object.entries<Flag>({ ...globalFlags, ...flags })
    .filter(([, flag]) => !flag.hidden && !flag.deprecated && !flag.sameAs)
    .map(([name, flag]) => ({
      name,
      summary: flag.summary,
      takesValue: flag.type !== 'boolean',
      takesFile: 'valueName' in flag && flag.valueName === 'FILE',
      choices: flag.type === 'choice' ? flag.choices : [],
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** For single quotes in any of the three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function bash(commands: readonly CommandSpec[]): string {
  const cases = commands.map((command) => {
    const offered = offeredBy(command);
    const choices = offered
      .filter(({ choices }) => choices.length > 0)
      .map(({ name, choices }) => `        --${name}) COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$word")); return ;;`);
    const files = offered.filter(({ takesFile }) => takesFile).map(({ name }) => `--${name}`);
    const values = offered.filter(({ takesFile, takesValue, choices }) => takesValue && !takesFile && choices.length === 0).map(({ name }) => `--${name}`);
    return [
      `    ${command.name})`,
      '      case "$previous" in',
      ...choices,
      ...(files.length > 0 ? [`        ${files.join('|')}) COMPREPLY=($(compgen -f -- "$word")); return ;;`] : []),
      ...(values.length > 0 ? [`        ${values.join('|')}) return ;;`] : []),
      '      esac',
      `      [ "\${word#-}" != "$word" ] && COMPREPLY=($(compgen -W ${quote(offered.map(({ name }) => `--${name}`).join(' '))} -- "$word")) || COMPREPLY=($(compgen -f -- "$word"))`,
      '      ;;',
    ].join('\n');
  });
  return `# bash completion for sealward: source <(sealward completion bash)
_sealward() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]:-}
  COMPREPLY=()
  if [ "$COMP_CWORD" -le 1 ]; then
    COMPREPLY=($(compgen -W ${quote(commands.map(({ name }) => name).join(' '))} -- "$word"))
    return
  fi
  case "$command" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _sealward sealward
`;
}

function zsh(commands: readonly CommandSpec[]): string {
  // In a description a colon ends the name, and brackets end the description.
  const words = (text: string): string => text.replace(/[[\]]/g, '').replaceAll('\\', '').replaceAll(':', '\\:');
  const cases = commands.map((command) => {
    const flags = offeredBy(command).map(({ name, summary, takesFile, takesValue, choices }) => {
      const action = choices.length > 0 ? `:value:(${choices.join(' ')})` : takesFile ? ':file:_files' : takesValue ? ':value:' : '';
      return `        ${quote(`*--${name}[${words(summary)}]${action}`)}`;
    });
    return `      ${command.name})\n        _arguments \\\n${[...flags, `        '*:argument:_files'`].join(' \\\n')}\n        ;;`;
  });
  return `#compdef sealward
# zsh completion for sealward: source <(sealward completion zsh)
_sealward() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${words(summary)}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command=\${words[2]}
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
compdef _sealward sealward
`;
}

function fish(commands: readonly CommandSpec[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const lines = commands.flatMap((command) => [
    `complete -c sealward -n ${quote(`not __fish_seen_subcommand_from ${names}`)} -f -a ${quote(command.name)} -d ${quote(command.summary)}`,
    ...offeredBy(command).map(({ name, summary, takesFile, takesValue, choices }) => {
      const value = choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : takesFile ? ' -r -F' : takesValue ? ' -x' : '';
      return `complete -c sealward -n ${quote(`__fish_seen_subcommand_from ${command.name}`)} -l ${name}${value} -d ${quote(summary)}`;
    }),
  ]);
  return `# fish completion for sealward: sealward completion fish | source\n${lines.join('\n')}\n`;
}
