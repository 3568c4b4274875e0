import { existsSync } from 'node:fs';
import { createKeyPairFiles, keyPairPaths } from '../../../clients/signers/index.ts';
import { describeKey } from '../../../core/crypto/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Run } from '../invocation.ts';
import { passwordFor } from '../password.ts';
import type { generateKeyPair } from '../table/keys.ts';
import { visible } from '../visible.ts';

export const run: Run<typeof generateKeyPair> = async (invocation) => {
  const { flags, terminal } = invocation;
  const prefix = flags['output-key-prefix'];
  const paths = keyPairPaths(prefix);
  // Said before the password is asked for; the writing itself checks again, without a gap.
  for (const path of [paths.privatePath, paths.publicPath]) {
    if (existsSync(path))
      throw new SealwardError('ERR_FILE_EXISTS', `${path} exists already, and a key is never overwritten`, {
        hint: 'Move it away, or choose other names with --output-key-prefix.',
      });
  }
  const password = await passwordFor(invocation, flags['password-file'], paths.privatePath, true);
  if (password === '') terminal.warn('the password is empty: whoever can read the private key file can sign with it');
  const { privatePath, publicPath, publicKey } = await createKeyPairFiles(prefix, flags.algorithm, password, invocation.signal);
  terminal.say(`Private key written to ${visible(privatePath)}, encrypted. Keep it and its password apart.`);
  terminal.say(`Public key written to ${visible(publicPath)} (${describeKey(publicKey)}, SHA-256 ${publicKey.fingerprint.slice(0, 16)}...).`);
  return 0;
};
