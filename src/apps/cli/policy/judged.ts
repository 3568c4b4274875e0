/** Images judged by policies, for `verify`, `gate` and the actions of `policy`: one way to ask, one sentence for an answer. */
import { readBeside, readPolicyFiles } from '../../../clients/policies/index.ts';
import { formatDigest } from '../../../core/artifact/index.ts';
import type { JsonObject } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { authoritiesOf, loadPolicyCompiler, type Place, type PolicySet } from '../../../core/policy/index.ts';
import type { TrustState } from '../../../core/trust/index.ts';
import type { Decision, Request } from '../../../core/verify/index.ts';
import { checkContent, inParallel, judgeImage, trustOf } from '../../../sdk/index.ts';
import { anchorsOf } from '../anchors.ts';
import type { FlagValues } from '../flag.ts';
import { judgingRegistry } from '../evidence/registry.ts';
import { momentFlag } from '../moment.ts';
import { type Answer, answerOfError } from '../outcome.ts';
import { parseImages, signatureRepository } from '../registry.ts';
import type { policyFlags } from '../table/policy-flags.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible.ts';
import type { ImageInvocation } from '../commands/verify-images.ts';

export type PolicyInvocation = ImageInvocation & { readonly flags: FlagValues<typeof policyFlags> & { readonly record: string | undefined } };

export interface JudgedByPolicy extends Answer {
  readonly name: string;
  readonly digest?: string;
  readonly decision?: Decision;
  readonly request?: Request;
  /** `sha256:hex` of what was known. */
  readonly evidence?: string;
  readonly error?: SealwardError;
}

export interface Question {
  readonly policies: PolicySet;
  readonly trust: TrustState;
  readonly place: Place;
  readonly now: number;
}

/** Compiles what --policy names and takes the trust that is named beside it. Throws ERR_POLICY_INVALID with the first problem. */
export async function policyQuestion(invocation: PolicyInvocation, paths: readonly string[] = invocation.flags.policy): Promise<Question> {
  const { flags } = invocation;
  const place = placeOf(flags);
  const from = flags['trust-url'];
  const state = from === undefined ? undefined : await (await import('../trust/trust-state.ts')).trustState(invocation, from, flags['trust-root'], 'warn');
  const { compilePolicies } = await loadPolicyCompiler();
  const compiled = compilePolicies(readPolicyFiles(paths), { readFile: readBeside, ...(state ? { keys: state.keys } : {}) });
  if (!compiled.ok) {
    const [first] = compiled.problems;
    const more = compiled.problems.length > 1 ? `; and ${compiled.problems.length - 1} more` : '';
    throw new SealwardError('ERR_POLICY_INVALID', `${first?.source ?? ''}:${first?.line ?? 1}:${first?.column ?? 1}: ${first?.message ?? ''}${more}`);
  }
  return {
    policies: compiled.policies,
    trust: state ?? trustOf(await anchorsOf(invocation, needed(compiled.policies))),
    place,
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

export async function judgeByPolicy(invocation: PolicyInvocation, question: Question, names: readonly string[]): Promise<JudgedByPolicy[]> {
  const { flags, config, terminal, signal, deadline } = invocation;
  const images = parseImages(names, flags['local-image']);
  const home = signatureRepository(config);
  const { registry, memory, finish } = judgingRegistry(images, invocation);
  for (const { reference } of images) registry.connectEarly(home ?? reference);
  terminal.progress(`judging ${images.length} ${images.length === 1 ? 'image' : 'images'}`);
  const results = await inParallel(images, flags['max-workers'], async ({ name, reference }): Promise<JudgedByPolicy> => {
    try {
      const { digest, decision, request, evidence } = await judgeImage({
        registry,
        reference,
        memory,
        workers: flags['max-workers'],
        deadline,
        signal,
        ...(home ? { signatureRepository: home } : {}),
        ...question,
      });
      if (flags['check-content'] && decision.outcome === 'verified')
        await checkContent(registry, reference, digest, { workers: flags['max-workers'], deadline, signal });
      return { name, digest: formatDigest(digest), decision, request, evidence, outcome: decision.outcome, code: decision.code as Answer['code'] };
    } catch (error) {
      return { name, ...answerOfError(error) };
    }
  });
  finish();
  signal.throwIfAborted();
  return results;
}

/** The same sentence as everywhere, and what to do about a refusal. */
export function policySentence({ name, digest, decision, outcome, error }: JudgedByPolicy, terminal: Terminal): string {
  const style = ({ verified: 'green', rejected: 'red', inconclusive: 'yellow' } as const)[outcome];
  const head = `${terminal.style(style, outcome)} ${visible(name)}${digest === undefined || name.includes('@') ? '' : `@${digest}`}`;
  const message = decision?.message ?? error?.message ?? '';
  const hint = decision ? (outcome === 'verified' ? '' : decision.hint) : (error?.hint ?? '');
  return `${head}: ${visible(message)}${hint === '' ? '' : `\n  hint: ${visible(hint)}`}`;
}

export function policyJson({ name, digest, decision, outcome, code, error, evidence }: JudgedByPolicy, { policies, trust }: Question): JsonObject {
  return {
    image: name,
    ...(digest === undefined ? {} : { digest }),
    outcome,
    code,
    ...(decision
      ? {
          action: decision.action,
          message: decision.message,
          hint: decision.hint,
          until: Number.isFinite(decision.until) ? new Date(decision.until).toISOString() : null,
          byDefault: decision.byDefault,
          exceptions: [...decision.exceptions],
          policies: decision.policies as unknown as JsonObject[],
        }
      : { message: error?.message ?? '', hint: error?.hint ?? '' }),
    from: { ...(evidence === undefined ? {} : { evidence }), policies: policies.digest, trust: trust.digest },
  };
}
