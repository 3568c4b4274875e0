import { defineCommand } from '../flag.ts';

export const version = defineCommand({
  name: 'version',
  group: 'about',
  summary: 'Print the version of this program',
  description: ['Prints the version of Sealward, and what it runs on.'],
  examples: [{ does: 'for scripts', command: 'sealward version --json' }],
  arguments: [],
  flags: { json: { type: 'boolean', group: 'output', summary: 'print JSON' } },
});

export const completion = defineCommand({
  name: 'completion',
  group: 'about',
  summary: 'Print a script that completes commands and flags in a shell',
  description: ['Prints the script for bash, zsh or fish, made from the commands that this program has.'],
  examples: [
    { does: 'in bash, for this session', command: 'source <(sealward completion bash)' },
    { does: 'in fish, for good', command: 'sealward completion fish > ~/.config/fish/completions/sealward.fish' },
  ],
  arguments: [{ name: 'SHELL', summary: 'bash, zsh or fish', minimum: 1, maximum: 1 }],
  flags: {},
});
