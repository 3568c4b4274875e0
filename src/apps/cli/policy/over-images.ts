/** The actions of `sealward policy` that look at images: they are asked as `sealward verify --policy` is. */
import { SealwardError } from '../../../core/errors.ts';
import type { Flag, Flags } from '../flag.ts';
import type { Invocation } from '../invocation.ts';
import { exitOfAll } from '../outcome.ts';
import { verify } from '../table/verify.ts';
import { isTrustPlace } from '../trust/trust-state.ts';
import { visibleJson } from '../visible.ts';
import type { PolicyAsked } from './asked.ts';
import { oneTrust } from './asks.ts';
import { diffPolicies } from './diff.ts';
import { decisionTree } from './explain.ts';
import { judgeByPolicy, policyJson } from './judged.ts';
import { policyQuestion, type PolicyInvocation } from './question.ts';
import { testPolicies } from './test.ts';

/** What `verify` would have been given: the flags that are not known here as if they had not been. */
export function asVerify<I extends Omit<Invocation, 'flags'> & { readonly flags: { readonly trust: string | undefined } }>(
  invocation: I,
): PolicyInvocation & I {
  const { trust, ...flags } = invocation.flags;
  oneTrust(invocation.given, 'trust');
  needsTrust(invocation);
  const unset = Object.fromEntries(Object.entries<Flag>(verify.flags as Flags).map(([name, spec]) => [name, unsetValue(spec)]));
  return { ...invocation, flags: { ...unset, ...flags, trust, ...(trust === undefined ? {} : { 'trust-url': trust }) } } as unknown as PolicyInvocation & I;
}

/** A root says nothing without a trust state whose root it is; of diff the places may be some. */
function needsTrust({ given, arguments: [action, ...places] }: Pick<Invocation, 'given' | 'arguments'>): void {
  if (!given.has('trust-root') || given.has('trust') || (action === 'diff' && places.some(isTrustPlace))) return;
  throw new SealwardError('ERR_FLAG_CONFLICT', '--trust-root says nothing without --trust', { hint: 'Give --trust, or leave it out.' });
}

function unsetValue(spec: Flag): unknown {
  if ('default' in spec) return spec.default;
  return spec.type === 'strings' ? [] : spec.type === 'boolean' ? false : undefined;
}

export async function explain(given: PolicyAsked): Promise<number> {
  const invocation = asVerify(given);
  const images = invocation.arguments.slice(1);
  if (images.length === 0 || (invocation.flags.policy.length === 0 && invocation.flags.trust === undefined))
    throw new SealwardError('ERR_USAGE', 'an image must be given, and by which policies it is judged', {
      hint: 'sealward policy explain IMAGE --policy FILE, or --trust PLACE for those that are in force.',
    });
  const question = await policyQuestion(invocation);
  const results = await judgeByPolicy(invocation, question, images);
  const { terminal, form } = invocation;
  terminal.print(
    form === 'json'
      ? visibleJson(results.map((result) => policyJson(result, question)))
      : results.map((result) => decisionTree(result, question, terminal)).join('\n'),
  );
  return exitOfAll(results);
}

export async function test(invocation: PolicyAsked): Promise<number> {
  return testPolicies(asVerify(invocation));
}

export async function diff(invocation: PolicyAsked): Promise<number> {
  return diffPolicies(asVerify(invocation));
}
