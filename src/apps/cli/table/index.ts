/**
 * The one table of commands. What a command is called, takes and explains is data in this folder; what it does is
 * loaded when it is called.
 */
import { completion, version } from './about.ts';
import { copy, resign } from './attest.ts';
import { command, type Command } from './command.ts';
import { evidence } from './evidence.ts';
import { gate } from './gate.ts';
import { generateKeyPair, importKeyPair, publicKey } from './keys.ts';
import { log } from './log.ts';
import { login, logout } from './login.ts';
import { inspect, tree } from './look.ts';
import { policy } from './policy.ts';
import { replay } from './replay.ts';
import { signingCommands } from './signing.ts';
import { trust } from './trust.ts';
import { trustedRoot } from './trusted-root.ts';
import { verifyingCommands } from './verifying.ts';

export type { Command };

export const commands: readonly Command[] = [
  ...verifyingCommands,
  command(replay, () => import('../commands/replay.ts')),
  command(gate, () => import('../commands/gate.ts')),
  ...signingCommands,
  command(resign, () => import('../commands/resign.ts')),
  command(copy, () => import('../commands/copy.ts')),
  command(generateKeyPair, () => import('../commands/generate-key-pair.ts')),
  command(importKeyPair, () => import('../commands/import-key-pair.ts')),
  command(publicKey, () => import('../commands/public-key.ts')),
  command(tree, () => import('../commands/tree.ts')),
  command(log, () => import('../commands/log.ts')),
  command(inspect, () => import('../commands/inspect.ts')),
  command(evidence, () => import('../commands/evidence.ts')),
  command(login, () => import('../commands/login.ts')),
  command(logout, () => import('../commands/logout.ts')),
  command(policy, () => import('../commands/policy.ts')),
  command(trust, () => import('../commands/trust.ts')),
  command(trustedRoot, () => import('../commands/trusted-root.ts')),
  command(completion, () => import('../commands/completion.ts')),
  command(version, () => import('../commands/version.ts')),
];
