import { SealwardError } from '../../../core/errors.ts';
import type { Run } from '../invocation.ts';
import { completionScript, type Shell } from '../shell-completion.ts';
import type { completion } from '../table/about.ts';

export const run: Run<typeof completion> = (invocation) => {
  const [shell] = invocation.arguments;
  if (!SHELLS.includes(shell as Shell))
    throw new SealwardError('ERR_USAGE', `there is no completion for ${JSON.stringify((shell ?? '').slice(0, 40))}`, {
      hint: 'Shells are bash, zsh and fish.',
    });
  invocation.terminal.print(completionScript(shell as Shell, invocation.commands));
  return Promise.resolve(0);
};

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];
