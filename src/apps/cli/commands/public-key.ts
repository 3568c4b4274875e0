import { isKeyFile, KEY_FILE_MAX_BYTES, openKeyFile } from '../../../clients/signers/index.ts';
import { encodePublicKeyPem, parsePublicKeyPem, publicKeyOf } from '../../../core/crypto/index.ts';
import { decodeUtf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { readBytes } from '../file.ts';
import type { Run } from '../invocation.ts';
import { passwordFor } from '../password.ts';
import type { publicKey } from '../table/keys.ts';
import { visible } from '../visible.ts';

export const run: Run<typeof publicKey> = async (invocation) => {
  const path = invocation.flags.key;
  if (path === undefined) throw new SealwardError('ERR_USAGE', '`sealward public-key` needs --key', { hint: 'Write `sealward public-key --key cosign.key`.' });
  const what = `the key file ${visible(path)}`;
  const text = decodeUtf8(readBytes(path, KEY_FILE_MAX_BYTES, 'the key file'), what);
  const key = isKeyFile(text)
    ? publicKeyOf(await openKeyFile(text, await passwordFor(invocation, invocation.flags['password-file'], path), what))
    : text.includes('PRIVATE KEY')
      ? publicKeyOf(await openKeyFile(text, '', what))
      : parsePublicKeyPem(text, what);
  invocation.terminal.print(encodePublicKeyPem(key));
  return 0;
};
