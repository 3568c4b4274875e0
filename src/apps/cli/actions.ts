/** Commands whose first argument says what to do: each action in a file of its own, loaded only when it is asked for. */
import { SealwardError } from '../../core/errors.ts';
import { nearest } from './nearest.ts';

export type Actions<I> = Readonly<Record<string, () => Promise<(invocation: I) => Promise<number>>>>;

export async function runAction<I extends { readonly arguments: readonly string[] }>(command: string, actions: Actions<I>, invocation: I): Promise<number> {
  const [action = ''] = invocation.arguments;
  const load = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (load) return (await load())(invocation);
  const near = nearest(action, Object.keys(actions));
  throw new SealwardError('ERR_USAGE', `\`sealward ${command}\` cannot ${JSON.stringify(action.slice(0, 40))}`, {
    hint: near === undefined ? `See \`sealward ${command} --help\`.` : `Did you mean \`sealward ${command} ${near}\`?`,
  });
}
