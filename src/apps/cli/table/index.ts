/**
 * The one table of commands. What a command is called, takes and explains is data in this folder; what it does is
 * loaded when it is called.
 */
import type { CommandSpec } from '../flag.ts';
import type { Invocation, Run } from '../invocation.ts';
import { completion, version } from './about.ts';
import { attest, attestBlob, copy, resign, signBlob } from './attest.ts';
import { evidence } from './evidence.ts';
import { gate } from './gate.ts';
import { generateKeyPair, importKeyPair, publicKey } from './keys.ts';
import { log } from './log.ts';
import { login, logout } from './login.ts';
import { inspect, tree } from './look.ts';
import { policy } from './policy.ts';
import { replay } from './replay.ts';
import { sign } from './sign.ts';
import { trust } from './trust.ts';
import { trustedRoot } from './trusted-root.ts';
import { verify, verifyAttestation, verifyBlob, verifyBlobAttestation } from './verify.ts';

export interface Command {
  readonly spec: CommandSpec;
  readonly load: () => Promise<{ readonly run: (invocation: Invocation) => Promise<number> }>;
}

/** Holds a command's flags against what its code reads, and forgets the difference afterwards. */
function command<Spec extends CommandSpec>(spec: Spec, load: () => Promise<{ readonly run: Run<Spec> }>): Command {
  return { spec, load };
}

export const commands: readonly Command[] = [
  command(verify, () => import('../commands/verify.ts')),
  command(verifyAttestation, () => import('../commands/verify-attestation.ts')),
  command(verifyBlob, () => import('../commands/verify-blob.ts')),
  command(verifyBlobAttestation, () => import('../commands/verify-blob-attestation.ts')),
  command(replay, () => import('../commands/replay.ts')),
  command(gate, () => import('../commands/gate.ts')),
  command(sign, () => import('../commands/sign.ts')),
  command(attest, () => import('../commands/attest.ts')),
  command(signBlob, () => import('../commands/sign-blob.ts')),
  command(attestBlob, () => import('../commands/attest-blob.ts')),
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
