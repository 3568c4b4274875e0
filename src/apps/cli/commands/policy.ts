import { type Actions, runAction } from '../actions.ts';
import type { Run } from '../invocation.ts';
import type { policy } from '../table/policy.ts';
import type { PolicyAsked } from '../policy/asked.ts';

const ACTIONS: Actions<PolicyAsked> = {
  check: async () => (await import('../policy/check.ts')).check,
  explain: async () => (await import('../policy/over-images.ts')).explain,
  test: async () => (await import('../policy/over-images.ts')).test,
  diff: async () => (await import('../policy/over-images.ts')).diff,
  compile: async () => (await import('../policy/compile.ts')).compile,
  import: async () => (await import('../policy/import.ts')).importFiles,
};

export const run: Run<typeof policy> = (invocation) => runAction('policy', ACTIONS, invocation);
