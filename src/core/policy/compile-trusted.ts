/** The policies of a trust state: each role's documents count for what the role may say, and for nothing else. */
import type { TrustState } from '../trust/index.ts';
import type { CompiledPolicies, PolicyCompiler, PolicyProblem } from './compiled.ts';

/**
 * Whoever signs policies does not lift them, and whoever signs exceptions does not say what holds: a document in the wrong
 * role is a problem like any other, and then there is no set. @param compiler as loadPolicyCompiler gives it.
 */
export function compileTrusted(
  { policies, exceptions, keys }: Pick<TrustState, 'policies' | 'exceptions' | 'keys'>,
  { compilePolicies }: Pick<PolicyCompiler, 'compilePolicies'>,
): CompiledPolicies {
  const named = (texts: TrustState['policies']) => texts.map(({ path, text }) => ({ name: path, text }));
  const all = compilePolicies([...named(policies), ...named(exceptions)], { keys });
  if (!all.ok) return all;
  const alone = compilePolicies(named(policies), { keys });
  if (!alone.ok) return alone;
  const known = new Set(alone.policies.policies.map(({ name }) => name));
  const problems = [
    ...alone.policies.exceptions.map(({ source, name }) =>
      misplaced(source, `the ImageException ${name} is signed by the role of policies`, 'Move it to the exceptions, with `sealward trust except`.'),
    ),
    ...all.policies.policies
      .filter(({ name }) => !known.has(name))
      .map(({ source, name }) =>
        misplaced(source, `the ImagePolicy ${name} is signed by the role of exceptions`, 'Move it to the policies, with `sealward trust policy`.'),
      ),
  ];
  if (all.policies.defaultRule.stated && !alone.policies.defaultRule.stated)
    problems.push(
      misplaced(
        exceptions[0]?.path ?? 'exceptions',
        'a DefaultRule is signed by the role of exceptions',
        'Move it to the policies, with `sealward trust policy`.',
      ),
    );
  return problems.length > 0 ? { ok: false, problems } : all;
}

/** @param source a file, or a file and a line as a policy names where it was written. */
function misplaced(source: string, message: string, hint: string): PolicyProblem {
  const [, file = source, line = '1'] = /^(.*):(\d+)$/.exec(source) ?? [];
  return { source: file, line: Number(line), column: 1, code: 'ERR_POLICY_INVALID', message, hint };
}
