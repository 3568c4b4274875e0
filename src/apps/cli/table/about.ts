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
