import { defineCommand } from '../flag.ts';
import { connectionFlags } from './registry-flags.ts';

const HOST = { name: 'HOST', summary: 'the registry, as in registry.example or 127.0.0.1:5000; docker.io for Docker Hub', minimum: 1, maximum: 1 } as const;

const WHERE =
  "They are kept where Docker and cosign keep them: by the credential helper that Docker's config.json names, else in that file (in $DOCKER_CONFIG, else ~/.docker), or in the file of $REGISTRY_AUTH_FILE where that is set.";

export const login = defineCommand({
  name: 'login',
  group: 'settings',
  summary: 'Keep the credentials of a registry',
  description: [
    `Asks the registry whether it takes a user name and password, and keeps them. ${WHERE} In the file they stand unencrypted, readable by you alone. Everything else in it stays as it is.`,
  ],
  examples: [
    { does: 'the password is asked for', command: 'sealward login --username robot registry.example' },
    { does: 'without a prompt', command: 'sealward login --username robot --password-stdin registry.example < token.txt' },
  ],
  arguments: [HOST],
  flags: {
    username: { type: 'string', short: 'u', valueName: 'NAME', group: 'registry', summary: 'who you are to the registry' },
    'password-stdin': { type: 'boolean', group: 'registry', summary: 'read the password from stdin, which is read to its end' },
    ...connectionFlags,
  },
});

export const logout = defineCommand({
  name: 'logout',
  group: 'settings',
  summary: 'Forget the credentials of a registry',
  description: [`Removes what \`sealward login\` or \`docker login\` has kept for a registry. ${WHERE} The registry itself is not asked.`],
  examples: [{ does: 'when the job is done', command: 'sealward logout registry.example' }],
  arguments: [HOST],
  flags: {},
});
