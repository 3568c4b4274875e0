import { existsSync } from 'node:fs';
import { KEY_FILE_MAX_BYTES, keyPairPaths, parsePrivateKeyPem, writeKeyPairFiles } from '../../../clients/signers/index.ts';
import { describeKey } from '../../../core/crypto/index.ts';
import { decodeUtf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { readBytes } from '../file.ts';
import type { Run } from '../invocation.ts';
import { askFor, passwordFor } from '../password.ts';
import type { importKeyPair } from '../table/keys.ts';
import { visible } from '../visible.ts';

export const run: Run<typeof importKeyPair> = async (invocation) => {
  const { flags, terminal } = invocation;
  const path = flags.key;
  if (path === undefined)
    throw new SealwardError('ERR_USAGE', '`sealward import-key-pair` needs --key', { hint: 'Write `sealward import-key-pair --key FILE`.' });
  const prefix = flags['output-key-prefix'];
  const paths = keyPairPaths(prefix);
  for (const taken of [paths.privatePath, paths.publicPath].filter((name) => existsSync(name)))
    throw new SealwardError('ERR_FILE_EXISTS', `${taken} exists already, and a key is never overwritten`, {
      hint: 'Move it away, or choose other names with --output-key-prefix.',
    });
  const what = `the key file ${visible(path)}`;
  const pem = decodeUtf8(readBytes(path, KEY_FILE_MAX_BYTES, 'the key file'), what);
  const privateKey = await parsePrivateKeyPem(pem, what, () => askFor(invocation, flags['import-password-file'], `Password of ${visible(path)} as it is`));
  const password = await passwordFor(invocation, flags['password-file'], paths.privatePath, true);
  if (password === '') terminal.warn('the password is empty: whoever can read the private key file can sign with it');
  const { privatePath, publicPath, publicKey } = await writeKeyPairFiles(prefix, privateKey, password, invocation.signal);
  terminal.say(`Private key written to ${visible(privatePath)}, encrypted. ${visible(path)} is as it was: put it where nobody finds it, or destroy it.`);
  terminal.say(`Public key written to ${visible(publicPath)} (${describeKey(publicKey)}, SHA-256 ${publicKey.fingerprint.slice(0, 16)}...).`);
  return 0;
};
