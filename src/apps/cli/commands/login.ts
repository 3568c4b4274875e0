import { explicitCredentials, RegistryClient, storeCredentials } from '../../../clients/registry/index.ts';
import { decodeUtf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Invocation, Run } from '../invocation.ts';
import { credentialsFile, registryNamed } from '../login-place.ts';
import { askPassword } from '../prompt.ts';
import { connectionOf } from '../registry.ts';
import type { login } from '../table/login.ts';
import { visible } from '../visible.ts';

const MAX_PASSWORD_BYTES = 16 * 1024;

export const run: Run<typeof login> = async (invocation) => {
  const { flags, config, terminal, signal, deadline } = invocation;
  const registry = registryNamed(invocation.arguments[0] ?? '');
  const { username } = flags;
  if (username === undefined)
    throw new SealwardError('ERR_USAGE', '`sealward login` needs --username', { hint: `Write \`sealward login --username NAME ${registry}\`.` });
  const password = await passwordOf(invocation, `Password of ${visible(username)} at ${registry}`);
  const client = new RegistryClient({
    ...connectionOf(flags, invocation),
    credentials: explicitCredentials({ kind: 'password', username, password }, [registry]),
  });
  terminal.progress(`asking ${registry}`);
  // What is wrong is not kept: it would only fail later, where nobody remembers why.
  const access = await client.checkAccess(registry, { deadline, signal });
  const file = credentialsFile(config);
  const kept = await storeCredentials(file, registry, { username, password }, { signal });
  if (access === 'not-asked') terminal.warn(`${registry} did not ask who is there, so it is not known whether the password is right`);
  terminal.say(
    kept.kind === 'helper'
      ? `Logged in to ${registry}; the password is kept by docker-credential-${kept.helper}.`
      : `Logged in to ${registry}; the password is kept unencrypted in ${visible(file)}, readable by you alone.`,
  );
  return 0;
};

async function passwordOf({ flags, terminal, signal, debug }: Invocation<(typeof login)['flags']>, question: string): Promise<string> {
  const { io } = terminal;
  if (!flags['password-stdin']) {
    if (io.stdin.isTTY !== true)
      throw new SealwardError('ERR_USAGE', 'nobody can be asked for the password: stdin is not a terminal', { hint: 'Give --password-stdin.' });
    return askPassword(io, { question, signal, debug });
  }
  // Whole, as docker reads it; the last line break is that of `echo`.
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of io.stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk as Buffer);
    length += bytes.length;
    if (length > MAX_PASSWORD_BYTES) throw new SealwardError('ERR_TOO_LARGE', `the password is larger than ${MAX_PASSWORD_BYTES} bytes`);
    chunks.push(bytes);
  }
  const password = decodeUtf8(Uint8Array.from(Buffer.concat(chunks)), 'the password').replace(/\r?\n$/, '');
  if (password === '')
    throw new SealwardError('ERR_USAGE', 'stdin holds no password', { hint: 'Write `printf %s "$TOKEN" | sealward login --password-stdin`.' });
  return password;
}
