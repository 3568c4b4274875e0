import { SealwardError } from '../../../core/errors.ts';
import type { EvidenceAsked } from '../evidence/asked.ts';
import type { Run } from '../invocation.ts';
import { nearest } from '../nearest.ts';
import type { evidence } from '../table/evidence.ts';

const ACTIONS: Readonly<Record<string, () => Promise<(invocation: EvidenceAsked) => Promise<number>>>> = {
  gather: async () => (await import('../evidence/gather.ts')).gather,
  list: async () => (await import('../evidence/look.ts')).list,
  show: async () => (await import('../evidence/look.ts')).show,
  export: async () => (await import('../evidence/carry.ts')).exportArchive,
  import: async () => (await import('../evidence/carry.ts')).importArchive,
  prune: async () => (await import('../evidence/tidy.ts')).pruneStore,
  verify: async () => (await import('../evidence/tidy.ts')).verifyStore,
};

export const run: Run<typeof evidence> = async (invocation) => {
  const [action = ''] = invocation.arguments;
  const load = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (load) return (await load())(invocation);
  const near = nearest(action, Object.keys(ACTIONS));
  throw new SealwardError('ERR_USAGE', `\`sealward evidence\` cannot ${JSON.stringify(action.slice(0, 40))}`, {
    hint: near === undefined ? 'See `sealward evidence --help`.' : `Did you mean \`sealward evidence ${near}\`?`,
  });
};
