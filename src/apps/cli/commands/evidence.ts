import { type Actions, runAction } from '../actions.ts';
import type { EvidenceAsked } from '../evidence/asked.ts';
import type { Run } from '../invocation.ts';
import type { evidence } from '../table/evidence.ts';

const ACTIONS: Actions<EvidenceAsked> = {
  gather: async () => (await import('../evidence/gather.ts')).gather,
  list: async () => (await import('../evidence/look.ts')).list,
  show: async () => (await import('../evidence/look.ts')).show,
  export: async () => (await import('../evidence/carry.ts')).exportArchive,
  import: async () => (await import('../evidence/carry.ts')).importArchive,
  prune: async () => (await import('../evidence/tidy.ts')).pruneStore,
  verify: async () => (await import('../evidence/tidy.ts')).verifyStore,
};

export const run: Run<typeof evidence> = (invocation) => runAction('evidence', ACTIONS, invocation);
