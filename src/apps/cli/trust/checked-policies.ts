/** Policies and exceptions are understood before anybody signs them, and stand in the role that may sign them. */
import type { Work } from '../../../clients/trust/index.ts';
import { decodeUtf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { compileTrusted, loadPolicyCompiler, type PolicyProblem } from '../../../core/policy/index.ts';
import { effectiveKey, ownerOf, type SignedText } from '../../../core/trust/index.ts';
import type { Invocation } from '../invocation.ts';
import { visible } from '../visible.ts';
import { denialsOf, keysOf } from './content.ts';

/** Only where they change: a policy that is broken must not stand in the way of a denial. */
export async function checkPolicies({ terminal }: Pick<Invocation, 'terminal'>, work: Work): Promise<void> {
  if (!work.staged.has('policy') && !work.staged.has('exceptions')) return;
  const denials = denialsOf(work);
  const keys = keysOf(work).map((key) => effectiveKey(key, denials));
  const compiled = compileTrusted({ policies: textsOf(work, 'policy'), exceptions: textsOf(work, 'exceptions'), keys }, await loadPolicyCompiler());
  if (!compiled.ok) refuse(terminal, compiled.problems);
}

function textsOf({ plan }: Work, role: 'policy' | 'exceptions'): SignedText[] {
  return [...plan.files]
    .filter(([path]) => ownerOf(path) === role)
    .map(([path, bytes]) => ({ path: `content/${path}`, digest: '', text: decodeUtf8(bytes, path) }));
}

function refuse(terminal: Invocation['terminal'], problems: readonly PolicyProblem[]): never {
  const said = problems.map(({ source, line, column, message, hint }) => `${source}:${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`);
  for (const problem of said.slice(1)) terminal.say(visible(problem));
  const [first] = problems;
  throw new SealwardError(first?.code ?? 'ERR_POLICY_INVALID', said[0] ?? 'a policy cannot be understood', {
    hint: 'Mend the file, and add it again; what is in force stays in force.',
  });
}
