/** The flags of every command; they may also stand before the command's name. */
import type { Flags } from '../flag.ts';

export const globalFlags = {
  timeout: { type: 'duration', short: 't', valueName: 'DURATION', default: '3m0s', group: 'general', summary: 'give up after this time, as in 30s or 3m0s' },
  verbose: { type: 'boolean', short: 'd', group: 'general', summary: 'say on stderr what is done; show the stack of unexpected errors' },
  'output-file': { type: 'string', valueName: 'FILE', group: 'output', summary: 'write the result to FILE instead of stdout, whole or not at all' },
  help: { type: 'boolean', short: 'h', group: 'general', summary: 'show this help' },
} as const satisfies Flags;

export type GlobalFlags = typeof globalFlags;

/** For the commands whose result a person or a program may read. */
export const outputFlags = {
  output: {
    type: 'choice',
    short: 'o',
    choices: ['json', 'text'],
    group: 'output',
    summary: 'form of the result; text on a terminal, json elsewhere, when not given',
  },
} as const satisfies Flags;
