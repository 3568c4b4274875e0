/** The keys that sign, as --key names them. */
import { KEY_FILE_MAX_BYTES, keySigner, openKeyFile, type Signer } from '../../clients/signers/index.ts';
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { readBytes } from './file.ts';
import type { Invocation } from './invocation.ts';
import { passwordFor } from './password.ts';
import { visible } from './visible.ts';

type Asked = Pick<Invocation, 'config' | 'terminal' | 'signal' | 'debug'>;

/** Opens every key before anything is signed. The first is the signer; the others sign beside it. */
export async function signersFor(
  invocation: Asked,
  keys: readonly string[],
  passwordFile: string | undefined,
  command: string,
): Promise<[Signer, ...Signer[]]> {
  const [first, ...rest] = keys;
  if (first === undefined) {
    throw new SealwardError('ERR_FLAG_CONFLICT', `\`sealward ${command}\` needs --key`, {
      hint: 'Make a key with `sealward generate-key-pair`, then give --key cosign.key.',
    });
  }
  const signers: [Signer, ...Signer[]] = [await openKey(invocation, first, passwordFile)];
  for (const key of rest) signers.push(await openKey(invocation, key, passwordFile));
  return signers;
}

async function openKey(invocation: Asked, path: string, passwordFile: string | undefined): Promise<Signer> {
  if (/^(?:[a-z0-9-]+:\/\/|pkcs11:)/i.test(path))
    throw new SealwardError('ERR_KEY_INVALID', `--key must be an encrypted key file, and is ${visible(path.slice(0, 80))}`);
  const what = `the key file ${visible(path)}`;
  const text = decodeUtf8(readBytes(path, KEY_FILE_MAX_BYTES, 'the key file'), what);
  return keySigner(await openKeyFile(text, await passwordFor(invocation, passwordFile, path), what));
}
