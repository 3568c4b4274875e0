/** Where the password of a private key comes from: --password-file, then COSIGN_PASSWORD, then a prompt or a pipe. */
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { readBytes } from './file.ts';
import type { Invocation } from './invocation.ts';
import { visible } from './visible.ts';

const MAX_PASSWORD_FILE_BYTES = 16 * 1024;

type Asked = Pick<Invocation, 'config' | 'terminal' | 'signal' | 'debug'>;

export async function passwordFor(invocation: Asked, file: string | undefined, keyName: string, twice = false): Promise<string> {
  if (file === undefined && invocation.config.password !== undefined) return invocation.config.password;
  return askFor(invocation, file, twice ? `New password for ${visible(keyName)}` : `Password for ${visible(keyName)}`, twice);
}

/** From the file when one is given, else from a prompt or a pipe. */
export async function askFor(invocation: Asked, file: string | undefined, question: string, twice = false): Promise<string> {
  if (file !== undefined) {
    const text = decodeUtf8(readBytes(file, MAX_PASSWORD_FILE_BYTES, 'the password file'), 'the password file');
    // An editor ends the last line; whoever wants a line break in a password gives it in COSIGN_PASSWORD.
    return text.replace(/\r?\n$/, '');
  }
  const { askPassword } = await import('./prompt.ts');
  return askPassword(invocation.terminal.io, { question, twice, signal: invocation.signal, debug: invocation.debug });
}
