/** What the actions of `sealward policy` get, and the policies that their words and flags name. */
import { readBeside, readPolicyFiles } from '../../../clients/policies/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type CompiledPolicies, loadPolicyCompiler, type PolicySource } from '../../../core/policy/index.ts';
import type { Invocation } from '../invocation.ts';
import type { policy } from '../table/policy.ts';

export type PolicyAsked = Invocation<(typeof policy)['flags']>;

/** Compiles what lies under the paths, with the keys of the trust state where --trust names one. */
export async function compileFiles(
  invocation: PolicyAsked,
  paths: readonly string[],
): Promise<{ sources: readonly PolicySource[]; compiled: CompiledPolicies }> {
  if (paths.length === 0) throw new SealwardError('ERR_USAGE', 'no policies are named', { hint: 'Name files, or folders with .yaml, .yml and .json files.' });
  const sources = readPolicyFiles(paths);
  const { trust, 'trust-root': root } = invocation.flags;
  const state = trust === undefined ? undefined : await (await import('../trust/trust-state.ts')).trustState(invocation, trust, root, 'warn');
  const { compilePolicies } = await loadPolicyCompiler();
  return { sources, compiled: compilePolicies(sources, { readFile: readBeside, ...(state ? { keys: state.keys } : {}) }) };
}
