/** The commands that verify, which are a program of their own too; see bundled-verifying.ts. */
import { command, type Command } from './command.ts';
import { verify, verifyAttestation, verifyBlob, verifyBlobAttestation } from './verify.ts';

export const verifyingCommands: readonly Command[] = [
  command(verify, () => import('../commands/verify.ts')),
  command(verifyAttestation, () => import('../commands/verify-attestation.ts')),
  command(verifyBlob, () => import('../commands/verify-blob.ts')),
  command(verifyBlobAttestation, () => import('../commands/verify-blob-attestation.ts')),
];
