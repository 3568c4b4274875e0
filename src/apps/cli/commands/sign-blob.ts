import { SealwardError } from '../../../core/errors.ts';
import { signBlob } from '../../../sdk/index.ts';
import { readSubject } from '../blob.ts';
import { replaceFile } from '../file.ts';
import type { Run } from '../invocation.ts';
import { oneKey } from '../signed.ts';
import { endorsementFor } from '../endorsement.ts';
import type { signBlob as spec } from '../table/attest.ts';
import { visible } from '../visible.ts';

export const run: Run<typeof spec> = async (invocation) => {
  const { flags, terminal } = invocation;
  const [path = ''] = invocation.arguments;
  const { bytes, digests } = readSubject(path);
  if (!bytes)
    throw new SealwardError('ERR_TOO_LARGE', `${visible(path)} is too large to be signed in memory, or only its digest is given`, {
      hint: 'Sign a file of at most 256 MiB, or attest to its digest with `sealward attest-blob`.',
    });
  oneKey(flags.key, 'sign-blob');
  const { signer, endorser } = await endorsementFor(invocation, 'sign-blob');
  const bundle = await signBlob(signer, bytes, digests, endorser);
  if (flags.bundle === undefined) terminal.print(new TextDecoder().decode(bundle));
  else {
    replaceFile(flags.bundle, bundle);
    terminal.say(`The bundle is in ${visible(flags.bundle)}.`);
  }
  return 0;
};
