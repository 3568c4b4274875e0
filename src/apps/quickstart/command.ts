/** What `sealward quickstart` is called and says of itself; what it does is loaded when it is called. */
import { type Command, defineCommand } from '../cli/index.ts';

export const quickstart: Command = {
  spec: defineCommand({
    name: 'quickstart',
    group: 'about',
    summary: 'See an image signed, admitted, tampered with and refused, on this machine',
    description: [
      'Starts a registry on this machine, pushes a small image, makes a key, signs and verifies, and makes attacks and shows the answer to each. Then the admission webhook of Kubernetes comes up: the signed image is admitted, the other refused, also when the registry is gone, and a revoked key ends it at once. Nothing leaves this machine and nothing stays behind.',
      'Exits with 0 only when every answer was as it must be.',
    ],
    examples: [{ does: 'all of it, in seconds', command: 'sealward quickstart' }],
    arguments: [],
    flags: {},
  }),
  load: async () => ({ run: (await import('./quickstart.ts')).run }),
};
