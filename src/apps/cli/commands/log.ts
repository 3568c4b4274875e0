import { SealwardError } from '../../../core/errors.ts';
import type { Run } from '../invocation.ts';
import type { Asked } from '../log/asked.ts';
import { nearest } from '../nearest.ts';
import type { log } from '../table/log.ts';

const ACTIONS: Readonly<Record<string, () => Promise<(invocation: Asked) => Promise<number>>>> = {
  verify: async () => (await import('../log/verify.ts')).verify,
  prove: async () => (await import('../log/prove.ts')).prove,
  'prove-continuity': async () => (await import('../log/prove.ts')).proveContinuity,
  watch: async () => (await import('../log/watch.ts')).watch,
  export: async () => (await import('../log/verify.ts')).exportTo,
};

export const run: Run<typeof log> = async (invocation) => {
  const [action = ''] = invocation.arguments;
  const load = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (load) return (await load())(invocation);
  const near = nearest(action, Object.keys(ACTIONS));
  throw new SealwardError('ERR_USAGE', `\`sealward log\` cannot ${JSON.stringify(action.slice(0, 40))}`, {
    hint: near === undefined ? 'See `sealward log --help`.' : `Did you mean \`sealward log ${near}\`?`,
  });
};
