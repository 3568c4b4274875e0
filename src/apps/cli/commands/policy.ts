import type { Run } from '../invocation.ts';
import { nearest } from '../nearest.ts';
import type { policy } from '../table/policy.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { PolicyAsked } from '../policy/asked.ts';

const ACTIONS: Readonly<Record<string, () => Promise<(invocation: PolicyAsked) => Promise<number>>>> = {
  check: async () => (await import('../policy/check.ts')).check,
  explain: async () => (await import('../policy/over-images.ts')).explain,
  test: async () => (await import('../policy/over-images.ts')).test,
  diff: async () => (await import('../policy/over-images.ts')).diff,
  import: async () => (await import('../policy/import.ts')).importFiles,
};

export const run: Run<typeof policy> = async (invocation) => {
  const [action = ''] = invocation.arguments;
  const load = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (load) return (await load())(invocation);
  const near = nearest(action, Object.keys(ACTIONS));
  throw new SealwardError('ERR_USAGE', `\`sealward policy\` cannot ${JSON.stringify(action.slice(0, 40))}`, {
    hint: near === undefined ? 'See `sealward policy --help`.' : `Did you mean \`sealward policy ${near}\`?`,
  });
};
