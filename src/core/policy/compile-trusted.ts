/** The policies of a trust state: each role's documents count for what the role may say, and for nothing else. */
import type { TrustState } from '../trust/index.ts';
import type { CompileContext, CompiledPolicies, PolicyCompiler, PolicyProblem, PolicySource } from './compiled.ts';
import type { PolicySet } from './policy.ts';

type Signed = Pick<TrustState, 'policies' | 'exceptions' | 'keys'>;

/**
 * Whoever signs policies does not lift them, and whoever signs exceptions does not say what holds: a document in the wrong
 * role is a problem like any other, and then there is no set. @param compiler as loadPolicyCompiler gives it.
 */
export function compileTrusted({ policies, exceptions, keys }: Signed, { compilePolicies }: Pick<PolicyCompiler, 'compilePolicies'>): CompiledPolicies {
  const problems = (alone: PolicySet): PolicyProblem[] =>
    alone.exceptions.map(({ source, name }) =>
      misplaced(source, `the ImageException ${name} is signed by the role of policies`, 'Move it to the exceptions, with `sealward trust except`.'),
    );
  return withExceptions(named(policies), exceptions, { keys }, compilePolicies, problems);
}

/**
 * Policies that somebody brings beside a trust state. Where the state has policies, those that are brought are asked on top
 * of them and can only ask for more: exceptions and the default are what the state's roles signed. Where it has none, what
 * is brought says what holds, exceptions and default included, and the exceptions of the state count as well.
 */
export function compileBeside(
  trust: Signed,
  brought: readonly PolicySource[],
  { compilePolicies, withMore }: Pick<PolicyCompiler, 'compilePolicies' | 'withMore'>,
  context: Pick<CompileContext, 'readFile'> = {},
): CompiledPolicies {
  const { keys, exceptions } = trust;
  if (trust.policies.length === 0) return withExceptions(brought, exceptions, { ...context, keys }, compilePolicies, () => []);
  const signed = compileTrusted(trust, { compilePolicies });
  const more = compilePolicies(brought, { ...context, keys });
  if (!signed.ok || !more.ok) return { ok: false, problems: [signed, more].flatMap((one) => (one.ok ? [] : one.problems)) };
  const lifts = 'Leave it out, or let the roles of the trust state sign it.';
  const problems = [
    ...more.policies.exceptions.map(({ source, name }) =>
      misplaced(source, `the ImageException ${name} stands beside the policies of a trust state, whose roles alone make exceptions`, lifts),
    ),
    ...(more.policies.defaultRule.stated
      ? [misplaced(brought[0]?.name ?? '', 'a DefaultRule stands beside the policies of a trust state, which alone say what the default is', lifts)]
      : []),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, policies: withMore(signed.policies, more.policies) };
}

function named(texts: TrustState['policies']): PolicySource[] {
  return texts.map(({ path, text }) => ({ name: path, text }));
}

/** Policies, and the documents of the role of exceptions, which may be nothing but exceptions. */
function withExceptions(
  policies: readonly PolicySource[],
  exceptions: TrustState['exceptions'],
  context: CompileContext,
  compilePolicies: PolicyCompiler['compilePolicies'],
  more: (alone: PolicySet) => PolicyProblem[],
): CompiledPolicies {
  const all = compilePolicies([...policies, ...named(exceptions)], context);
  if (!all.ok) return all;
  const alone = compilePolicies(policies, context);
  if (!alone.ok) return alone;
  const known = new Set(alone.policies.policies.map(({ name }) => name));
  const problems = [
    ...more(alone.policies),
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
