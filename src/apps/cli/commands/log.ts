import { type Actions, runAction } from '../actions.ts';
import type { Run } from '../invocation.ts';
import type { Asked } from '../log/asked.ts';
import type { log } from '../table/log.ts';

const ACTIONS: Actions<Asked> = {
  verify: async () => (await import('../log/verify.ts')).verify,
  prove: async () => (await import('../log/prove.ts')).prove,
  'prove-continuity': async () => (await import('../log/prove.ts')).proveContinuity,
  watch: async () => (await import('../log/watch.ts')).watch,
  export: async () => (await import('../log/verify.ts')).exportTo,
};

export const run: Run<typeof log> = (invocation) => runAction('log', ACTIONS, invocation);
