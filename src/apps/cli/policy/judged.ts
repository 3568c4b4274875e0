/** Images judged by policies, for `verify`, `gate` and the actions of `policy`: one way to ask, one sentence for an answer. */
import { FolderStore, keepPinned } from '../../../clients/evidence/index.ts';
import { formatDigest } from '../../../core/artifact/index.ts';
import type { JsonObject } from '../../../core/encoding/index.ts';
import type { SealwardError } from '../../../core/errors.ts';
import { type Decision, encodeEvidence, type Request } from '../../../core/verify/index.ts';
import { checkContent, inParallel, judgeImage } from '../../../sdk/index.ts';
import { judgingRegistry } from '../evidence/registry.ts';
import { type Answer, answerOfError } from '../outcome.ts';
import { parseImages, signatureRepository } from '../registry.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible.ts';
import type { PolicyInvocation, Question } from './question.ts';

export interface JudgedByPolicy extends Answer {
  readonly name: string;
  readonly digest?: string;
  readonly decision?: Decision;
  readonly request?: Request;
  /** `sha256:hex` of what was known. */
  readonly evidence?: string;
  /** Where that is kept, as long as the record of the decision. */
  readonly known?: string;
  readonly error?: SealwardError;
}

export async function judgeByPolicy(invocation: PolicyInvocation, question: Question, names: readonly string[]): Promise<JudgedByPolicy[]> {
  const { flags, config, terminal, signal, deadline } = invocation;
  const images = parseImages(names, flags['local-image']);
  const home = signatureRepository(config);
  const { registry, store, memory, finish } = judgingRegistry(images, invocation);
  for (const { reference } of images) registry.connectEarly(home ?? reference);
  terminal.progress(`judging ${images.length} ${images.length === 1 ? 'image' : 'images'}`);
  const results = await inParallel(images, flags['max-workers'], async ({ name, reference }): Promise<JudgedByPolicy> => {
    try {
      const { digest, decision, request, evidence, known } = await judgeImage({
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
      // Of what was recorded, everything stays that it was made from.
      const kept = store instanceof FolderStore && flags.record !== undefined ? keepPinned(store, encodeEvidence(known)) : undefined;
      const { outcome, code } = decision;
      const answer = { name, digest: formatDigest(digest), decision, request, evidence, outcome, code: code as Answer['code'] };
      return kept === undefined ? answer : { ...answer, known: kept };
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
    name,
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
