import { type Actions, runAction } from '../actions.ts';
import type { Run } from '../invocation.ts';
import type { trust } from '../table/trust.ts';
import { type Asked, usage } from '../trust/desk.ts';

const ACTIONS: Actions<Asked> = {
  init: async () => (await import('../trust/set-up.ts')).init,
  role: async () => (await import('../trust/set-up.ts')).role,
  anchor: async () => (await import('../trust/edit-files.ts')).anchor,
  key: async () => (await import('../trust/edit-keys.ts')).key,
  deny: async () => (await import('../trust/edit-denials.ts')).deny,
  principal: async () => (await import('../trust/edit-denials.ts')).principal,
  policy: async () => {
    const { texts } = await import('../trust/edit-files.ts');
    return (invocation) => texts(invocation, 'policy');
  },
  except: async () => {
    const { texts } = await import('../trust/edit-files.ts');
    return (invocation) => texts(invocation, 'exceptions');
  },
  sign: async () => (await import('../trust/put-into-force.ts')).sign,
  publish: async () => (await import('../trust/put-into-force.ts')).publish,
  rollback: async () => (await import('../trust/put-into-force.ts')).rollback,
  show: async () => (await import('../trust/look.ts')).show,
  diff: async () => (await import('../trust/look.ts')).diff,
  verify: async () => (await import('../trust/look.ts')).verify,
};

/** A ceremony for the root alone, in the words of one: the same steps as for everything else. */
function rootCeremony(invocation: Asked): Asked {
  const [, step = '', ...rest] = invocation.arguments;
  if (step === 'init' || step === 'publish') return { ...invocation, arguments: [step, ...rest] };
  if (step === 'rotate') return { ...invocation, arguments: ['role', 'root', ...rest] };
  if (step === 'sign') return { ...invocation, arguments: ['sign', ...rest], flags: { ...invocation.flags, role: ['root'] } };
  throw usage(`\`sealward trust root\` cannot ${JSON.stringify(step.slice(0, 40))}`, 'It can init, sign, publish and rotate.');
}

export const run: Run<typeof trust> = (given) => runAction('trust', ACTIONS, given.arguments[0] === 'root' ? rootCeremony(given) : given);
