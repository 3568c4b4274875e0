/** `sealward policy diff`: which images would get another answer by other policies, after a revocation, or at another time. */
import { SealwardError } from '../../../core/errors.ts';
import { supposeRevoked } from '../../../core/trust/index.ts';
import { momentFlag } from '../moment.ts';
import { visible, visibleJson } from '../visible.ts';
import { judgeByPolicy, type JudgedByPolicy, type PolicyInvocation, policyQuestion, type Question } from './judged.ts';

export async function diffPolicies(
  invocation: PolicyInvocation & { readonly flags: { readonly image: readonly string[]; readonly revoke: readonly string[] } },
): Promise<number> {
  const { terminal, form, flags } = invocation;
  const [, before, given] = invocation.arguments;
  if (before === undefined)
    throw new SealwardError('ERR_USAGE', 'no policies are named', { hint: 'Name the old and the new ones: sealward policy diff OLD NEW --image IMAGE.' });
  const after = given ?? before;
  if (flags.image.length === 0)
    throw new SealwardError('ERR_USAGE', 'no images are named', {
      hint: 'Name those that matter with --image; with --evidence and --offline no registry is asked.',
    });
  if (after === before && flags.revoke.length === 0 && flags.at === undefined)
    throw new SealwardError('ERR_USAGE', 'nothing differs', { hint: 'Name other policies, a revocation with --revoke, or a moment with --at.' });
  const now = { ...invocation, flags: { ...flags, at: undefined } };
  const old = await policyQuestion(now, [before]);
  const changed = supposing(await policyQuestion(invocation, [after]), flags.revoke);
  const [was, is] = [await judgeByPolicy(now, old, flags.image), await judgeByPolicy(invocation, changed, flags.image)];
  const rows = was.map((one, i) => ({ name: one.name, was: one, is: is[i] as JudgedByPolicy }));
  const differing = rows.filter(
    (row) => row.was.outcome !== row.is.outcome || row.was.code !== row.is.code || row.was.decision?.action !== row.is.decision?.action,
  );
  if (form === 'json') {
    const answer = ({ outcome, code, decision, error }: JudgedByPolicy): object => ({
      outcome,
      code,
      action: decision?.action ?? null,
      message: decision?.message ?? error?.message ?? '',
    });
    terminal.print(visibleJson(differing.map((row) => ({ image: row.name, before: answer(row.was), after: answer(row.is) }))));
  } else {
    for (const row of differing)
      terminal.print(
        `${visible(row.name)}: ${said(row.was)} -> ${terminal.style(row.is.outcome === 'verified' ? 'green' : 'red', said(row.is))}: ${visible(row.is.decision?.message ?? row.is.error?.message ?? '')}`,
      );
    terminal.print(`${differing.length} of ${rows.length} ${rows.length === 1 ? 'image' : 'images'} would get another answer`);
  }
  return 0;
}

function said({ outcome, code }: JudgedByPolicy): string {
  return outcome === 'verified' ? 'verified' : `${outcome} (${code})`;
}

/** `KEY`, or `KEY@TIME`: as if it had been revoked from then on. */
function supposing(question: Question, revoked: readonly string[]): Question {
  return revoked.reduce((so, text) => {
    const at = text.lastIndexOf('@');
    const time = at < 0 ? undefined : momentFlag('revoke', text.slice(at + 1));
    return { ...so, trust: supposeRevoked(so.trust, at < 0 ? text : text.slice(0, at), time) };
  }, question);
}
