import { eraseCredentials } from '../../../clients/registry/index.ts';
import type { Run } from '../invocation.ts';
import { credentialsFile, registryNamed } from '../login-place.ts';
import type { logout } from '../table/login.ts';
import { visible } from '../visible.ts';

export const run: Run<typeof logout> = async ({ arguments: [host = ''], config, terminal, signal }) => {
  const registry = registryNamed(host);
  const file = credentialsFile(config);
  const forgotten = await eraseCredentials(file, registry, { signal });
  if (!forgotten) terminal.say(`Nothing is kept for ${registry}.`);
  else terminal.say(`Logged out of ${registry}: removed from ${forgotten.kind === 'helper' ? `docker-credential-${forgotten.helper}` : visible(file)}.`);
  return 0;
};
