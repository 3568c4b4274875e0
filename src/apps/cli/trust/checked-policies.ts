/** Policies and exceptions are understood before anybody signs them, and stand in the role that may sign them. */
import type { Work } from '../../../clients/trust/index.ts';
import { decodeUtf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { loadPolicyCompiler, type PolicyProblem, type PolicySource } from '../../../core/policy/index.ts';
import { effectiveKey, ownerOf } from '../../../core/trust/index.ts';
import type { Invocation } from '../invocation.ts';
import { visible } from '../visible.ts';
import { denialsOf, keysOf } from './content.ts';

/** Only where they change: a policy that is broken must not stand in the way of a denial. */
export async function checkPolicies({ terminal }: Pick<Invocation, 'terminal'>, work: Work): Promise<void> {
  if (!work.staged.has('policy') && !work.staged.has('exceptions')) return;
  const { compilePolicies } = await loadPolicyCompiler();
  const [policies, exceptions] = [sourcesOf(work, 'policy'), sourcesOf(work, 'exceptions')];
  const denials = denialsOf(work);
  const context = { keys: keysOf(work).map((key) => effectiveKey(key, denials)) };
  const all = compilePolicies([...policies, ...exceptions], context);
  if (!all.ok) refuse(terminal, all.problems);
  // Whoever signs policies does not lift them, and the other way round.
  const alone = compilePolicies(policies, context);
  if (!alone.ok) refuse(terminal, alone.problems);
  if (alone.policies.exceptions.length > 0) throw misplaced('an ImageException stands in content/policy');
  const same = alone.policies.policies.length === all.policies.policies.length && alone.policies.defaultRule.stated === all.policies.defaultRule.stated;
  if (!same) throw misplaced('something other than an ImageException stands in content/exceptions');
}

function sourcesOf({ plan }: Work, role: 'policy' | 'exceptions'): PolicySource[] {
  return [...plan.files].filter(([path]) => ownerOf(path) === role).map(([path, bytes]) => ({ name: `content/${path}`, text: decodeUtf8(bytes, path) }));
}

function refuse(terminal: Invocation['terminal'], problems: readonly PolicyProblem[]): never {
  const said = problems.map(({ source, line, column, message, hint }) => `${source}:${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`);
  for (const problem of said.slice(1)) terminal.say(visible(problem));
  const [first] = problems;
  throw new SealwardError(first?.code ?? 'ERR_POLICY_INVALID', said[0] ?? 'a policy cannot be understood', {
    hint: 'Mend the file, and add it again; what is in force stays in force.',
  });
}

function misplaced(message: string): SealwardError {
  return new SealwardError('ERR_TRUST_PLAN', message, {
    hint: 'Policies, authorities and the default rule are added with `sealward trust policy`, exceptions with `sealward trust except`.',
  });
}
