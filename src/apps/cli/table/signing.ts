/** The commands that sign, which are a program of their own too; see bundled-signing.ts. */
import { attest, attestBlob, signBlob } from './attest.ts';
import { command, type Command } from './command.ts';
import { sign } from './sign.ts';

export const signingCommands: readonly Command[] = [
  command(sign, () => import('../commands/sign.ts')),
  command(attest, () => import('../commands/attest.ts')),
  command(signBlob, () => import('../commands/sign-blob.ts')),
  command(attestBlob, () => import('../commands/attest-blob.ts')),
];
