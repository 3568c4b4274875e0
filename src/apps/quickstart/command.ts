/** What `sealward quickstart` is called and says of itself; what it does is loaded when it is called. */
import { type Command, defineCommand } from '../cli/index.ts';

export const quickstart: Command = {
  spec: defineCommand({
    name: 'quickstart',
    group: 'about',
    summary: 'See an image signed, verified, attacked and refused, on this machine',
    description: [
      'Starts a registry on this machine, pushes a small image, makes a key, signs and verifies, and then makes four attacks and shows the answer to each. Nothing leaves this machine and nothing stays behind.',
      'Exits with 0 only when every answer was as it must be.',
    ],
    examples: [{ does: 'all of it, in seconds', command: 'sealward quickstart' }],
    arguments: [],
    flags: {},
  }),
  load: async () => ({ run: (await import('./quickstart.ts')).run }),
};
