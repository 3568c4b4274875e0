/** What the actions of `sealward policy` get, and the policies that their words and flags name. */
import { readBeside, readPolicyFiles } from '../../../clients/policies/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type CompiledPolicies, compileTrusted, loadPolicyCompiler, type PolicySource } from '../../../core/policy/index.ts';
import type { TrustState } from '../../../core/trust/index.ts';
import type { Invocation } from '../invocation.ts';
import type { policy } from '../table/policy.ts';
import { visible } from '../visible.ts';

export type PolicyAsked = Invocation<(typeof policy)['flags']>;

/** Compiles what lies under the paths, with the keys of the trust state where --trust names one; without paths, the policies of that state. */
export async function compileFiles(
  invocation: PolicyAsked,
  paths: readonly string[],
): Promise<{ readonly sources: readonly PolicySource[]; readonly compiled: CompiledPolicies; readonly state: TrustState | undefined }> {
  const { trust, 'trust-root': root } = invocation.flags;
  if (root !== undefined && trust === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--trust-root says nothing without --trust', { hint: 'Give --trust, or leave it out.' });
  if (paths.length === 0 && trust === undefined)
    throw new SealwardError('ERR_USAGE', 'no policies are named', {
      hint: 'Name files, or folders with .yaml, .yml and .json files; or with --trust the trust state whose own policies are to be checked.',
    });
  const files = paths.length === 0 ? undefined : readPolicyFiles(paths);
  const state = trust === undefined ? undefined : await (await import('../trust/trust-state.ts')).trustState(invocation, trust, root, 'warn');
  const compiler = await loadPolicyCompiler();
  if (files) return { sources: files, state, compiled: compiler.compilePolicies(files, { readFile: readBeside, ...(state ? { keys: state.keys } : {}) }) };
  if (!state || state.policies.length === 0) throw new SealwardError('ERR_USAGE', `the trust state of ${visible(trust ?? '')} has no policies`);
  return {
    sources: [...state.policies, ...state.exceptions].map(({ path, text }) => ({ name: path, text })),
    state,
    compiled: compileTrusted(state, compiler),
  };
}
