/** How keys are opened for a command: its environment, its deadline, and whom to ask for passwords and PINs. */
import type { KeyOptions } from '../../clients/signers/index.ts';
import { readBytes } from './file.ts';
import type { Invocation } from './invocation.ts';
import { askFor, passwordFor } from './password.ts';
import { visible, visibleLines } from './visible.ts';

export type KeyAsked = Pick<Invocation, 'config' | 'terminal' | 'signal' | 'deadline' | 'debug'>;

export function keyOptions(invocation: KeyAsked, passwordFile?: string): KeyOptions {
  const { config, terminal, signal, deadline } = invocation;
  return {
    environment: config.environment,
    readFile: readBytes,
    deadline,
    signal,
    say: (text) => terminal.say(visibleLines(text.trimEnd())),
    async secret({ kind, of }) {
      if (kind === 'password') return passwordFor(invocation, passwordFile, of);
      return askFor(invocation, undefined, `PIN of ${visible(of)}`);
    },
  };
}
