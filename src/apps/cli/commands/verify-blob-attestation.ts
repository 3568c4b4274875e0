import { parseDigest } from '../../../core/artifact/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { readSubject } from '../blob.ts';
import type { Run } from '../invocation.ts';
import { exitOfAll } from '../outcome.ts';
import type { verifyBlobAttestation } from '../table/verify.ts';
import { judgeBlob } from './judge-blob.ts';

export const run: Run<typeof verifyBlobAttestation> = async (invocation) => {
  const { digest, digestAlg } = invocation.flags;
  const [path] = invocation.arguments;
  if ((path === undefined) === (digest === undefined)) {
    throw new SealwardError('ERR_FLAG_CONFLICT', path === undefined ? 'nothing says which file it is about' : 'FILE and --digest contradict each other', {
      hint: 'Give FILE, or --digest HEX.',
    });
  }
  const named = digest === undefined ? undefined : parseDigest(`${digestAlg}:${digest}`);
  const name = path ?? `${digestAlg}:${digest}`;
  const subject = () => (named ? { digests: { [named.algorithm]: named.hex } } : readSubject(name));
  return exitOfAll([await judgeBlob(invocation, 'attestation', name, subject)]);
};
