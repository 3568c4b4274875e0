/** The keys that sign, as --key names them. */
import { openSigner, type Signer } from '../../clients/signers/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type KeyAsked, keyOptions } from './key-options.ts';

/** Opens every key before anything is signed. The first is the signer; the others sign beside it. */
export async function signersFor(
  invocation: KeyAsked,
  keys: readonly string[],
  passwordFile: string | undefined,
  command: string,
): Promise<[Signer, ...Signer[]]> {
  const [first, ...rest] = keys;
  if (first === undefined) {
    throw new SealwardError('ERR_FLAG_CONFLICT', `\`sealward ${command}\` needs --key`, {
      hint: 'Make a key with `sealward generate-key-pair`, then give --key cosign.key; or name services that sign without one with --signing-config.',
    });
  }
  const options = keyOptions(invocation, passwordFile);
  const signers: [Signer, ...Signer[]] = [await openSigner(first, options)];
  for (const key of rest) signers.push(await openSigner(key, options));
  return signers;
}
