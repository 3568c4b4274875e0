/** What to do about an image of which not even the digest is known, because nobody could say what its tag stands for. */
import { type Place, type PolicySet, selectPolicies } from '../policy/index.ts';
import type { TrustState } from '../trust/index.ts';
import { modeOf } from './decide.ts';
import type { Action } from './decision.ts';

/**
 * verification.md, the row of what is inconclusive: by the strictest mode of the policies about the name. That it was
 * admitted before nobody can know of a tag. Where no policy speaks of it the default rule decides, unless some digest is denied:
 * it may be this one.
 */
export function actionUnresolved(
  policies: PolicySet,
  trust: Pick<TrustState, 'denials'>,
  image: { readonly repository: string; readonly tag?: string },
  place: Place,
): Action {
  const selected = selectPolicies(policies, { ...image, digest: '' }, place).filter(({ policy }) => policy.namespace === undefined);
  const modes = selected.map(({ policy }) => modeOf(policy, { place }));
  if (modes.includes('enforce') || trust.denials.some(({ kind }) => kind === 'digest')) return 'deny';
  if (selected.length === 0) return policies.defaultRule.action;
  return modes.includes('warn') ? 'warn' : 'allow';
}
