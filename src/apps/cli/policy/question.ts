/** By which policies and which trust images are judged: those that flags name, those of the trust state, or both. */
import { readBeside, readPolicyFiles } from '../../../clients/policies/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import {
  authoritiesOf,
  type CompiledPolicies,
  compileBeside,
  compileTrusted,
  loadPolicyCompiler,
  type Place,
  type PolicySet,
} from '../../../core/policy/index.ts';
import type { TrustState } from '../../../core/trust/index.ts';
import { trustOf } from '../../../sdk/index.ts';
import { anchorsOf } from '../anchors.ts';
import { momentFlag } from '../moment.ts';
import { visible } from '../visible.ts';
import type { ImageInvocation } from '../commands/verify-images.ts';
import type { FlagValues } from '../flag.ts';
import type { policyFlags } from '../table/policy-flags.ts';

export type PolicyInvocation = ImageInvocation & { readonly flags: FlagValues<typeof policyFlags> & { readonly record: string | undefined } };

export interface Question {
  readonly policies: PolicySet;
  readonly trust: TrustState;
  readonly place: Place;
  readonly now: number;
  /** Whether the image ran here before; not, when it is not said. */
  readonly admittedBefore?: boolean;
}

/**
 * As `sealward verify` is asked. The policies of the trust state hold; what --policy names is asked on top of them, and says
 * what holds where the state has none. Throws ERR_POLICY_INVALID with the first problem, ERR_FLAG_CONFLICT without any policy.
 */
export async function policyQuestion(invocation: PolicyInvocation): Promise<Question> {
  const { flags, terminal } = invocation;
  const state = await namedTrust(invocation);
  if (!state) return questionOf(invocation, await compileAlone(flags.policy, undefined), undefined);
  if (flags.policy.length === 0) return questionOf(invocation, await compileState(state, flags['trust-url'] ?? ''), state);
  if (state.policies.length > 0)
    terminal.say(`the policies of the trust state hold (${state.policies.length}), and what --policy names is asked on top of them`);
  const compiled = compileBeside(state, readPolicyFiles(flags.policy), await loadPolicyCompiler(), { readFile: readBeside });
  return questionOf(invocation, compiled, state);
}

/** Policies to be tried: they alone judge, in the place of those that the trust state has. */
export async function triedQuestion(invocation: PolicyInvocation, paths: readonly string[], given?: TrustState): Promise<Question> {
  const state = given ?? (await namedTrust(invocation));
  return questionOf(invocation, await compileAlone(paths, state), state);
}

/** The trust state of a place, judged by its own policies. */
export async function stateQuestion(invocation: PolicyInvocation, place: string): Promise<Question> {
  const state = await openState(invocation, place);
  return questionOf(invocation, await compileState(state, place), state);
}

async function namedTrust(invocation: PolicyInvocation): Promise<TrustState | undefined> {
  const from = invocation.flags['trust-url'];
  return from === undefined ? undefined : openState(invocation, from);
}

async function openState(invocation: PolicyInvocation, from: string): Promise<TrustState> {
  return (await import('../trust/trust-state.ts')).trustState(invocation, from, invocation.flags['trust-root'], 'warn');
}

async function compileAlone(paths: readonly string[], state: TrustState | undefined): Promise<CompiledPolicies> {
  const { compilePolicies } = await loadPolicyCompiler();
  return compilePolicies(readPolicyFiles(paths), { readFile: readBeside, ...(state ? { keys: state.keys } : {}) });
}

async function compileState(state: TrustState, place: string): Promise<CompiledPolicies> {
  if (state.policies.length === 0)
    throw new SealwardError('ERR_FLAG_CONFLICT', `nothing says who must have signed: the trust state of ${visible(place)} has no policies`, {
      hint: 'Put some into it with `sealward trust policy add`, name some with --policy, or say who must have signed with --key or --certificate-identity.',
    });
  return compileTrusted(state, await loadPolicyCompiler());
}

async function questionOf(invocation: PolicyInvocation, compiled: CompiledPolicies, state: TrustState | undefined): Promise<Question> {
  if (!compiled.ok) {
    const [first] = compiled.problems;
    const more = compiled.problems.length > 1 ? `; and ${compiled.problems.length - 1} more` : '';
    throw new SealwardError('ERR_POLICY_INVALID', `${first?.source ?? ''}:${first?.line ?? 1}:${first?.column ?? 1}: ${first?.message ?? ''}${more}`);
  }
  const { flags } = invocation;
  return {
    policies: compiled.policies,
    trust: state ?? trustOf(await anchorsOf(invocation, needed(compiled.policies))),
    place: placeOf(flags),
    now: flags.at === undefined ? Date.now() : momentFlag('at', flags.at),
  };
}

function placeOf(flags: PolicyInvocation['flags']): Place {
  const labels = flags['namespace-label'].map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at <= 0) throw new SealwardError('ERR_USAGE', `--namespace-label ${visible(text)} is not KEY=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return {
    ...(flags.cluster === undefined ? {} : { cluster: flags.cluster }),
    ...(flags.environment === undefined ? {} : { environment: flags.environment }),
    ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }),
    ...(labels.length === 0 ? {} : { namespaceLabels: Object.fromEntries(labels) }),
  };
}

/** A trusted root is looked for only where a policy cannot be judged without one. */
function needed({ policies }: PolicySet): Parameters<typeof anchorsOf>[1] {
  const keyless = policies.some(({ requirements }) => requirements.flatMap(authoritiesOf).some(({ kind }) => kind === 'keyless'));
  const dated = policies.some(({ strictness: { dated } }) => dated.logs + dated.timestamps + dated.any > 0);
  return {
    role: 'any',
    signer: { kind: keyless ? 'certificate' : 'key' },
    logs: dated || keyless ? 1 : 0,
    timestamps: 0,
    certificateLog: false,
    undated: 'refuse',
  };
}
