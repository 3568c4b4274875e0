import type { Run } from '../invocation.ts';
import { readSubject } from '../blob.ts';
import { exitOfAll } from '../outcome.ts';
import type { verifyBlob } from '../table/verify.ts';
import { judgeBlob } from './judge-blob.ts';

export const run: Run<typeof verifyBlob> = async (invocation) => {
  const path = invocation.arguments[0] as string;
  return exitOfAll([await judgeBlob(invocation, 'signature', path, () => readSubject(path))]);
};
