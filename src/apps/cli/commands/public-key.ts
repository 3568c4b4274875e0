import { openPublicKey } from '../../../clients/signers/index.ts';
import { encodePublicKeyPem } from '../../../core/crypto/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Run } from '../invocation.ts';
import { keyOptions } from '../key-options.ts';
import type { publicKey } from '../table/keys.ts';

export const run: Run<typeof publicKey> = async (invocation) => {
  const reference = invocation.flags.key;
  if (reference === undefined)
    throw new SealwardError('ERR_USAGE', '`sealward public-key` needs --key', { hint: 'Write `sealward public-key --key cosign.key`.' });
  const key = await openPublicKey(reference, keyOptions(invocation, invocation.flags['password-file']));
  invocation.terminal.print(encodePublicKeyPem(key));
  return 0;
};
