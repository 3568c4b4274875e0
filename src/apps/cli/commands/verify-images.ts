/** What verify and verify-attestation share: images in, answers out, side by side. */
import { formatDigest, formatRepository, type Reference } from '../../../core/artifact/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Anchors } from '../../../core/trust/index.ts';
import type { FlagDecision, FlagRequirement } from '../../../core/verify/index.ts';
import { checkContent, inParallel, resolveOnce, verifyImage } from '../../../sdk/index.ts';
import { anchorsOf } from '../anchors.ts';
import type { FlagValues } from '../flag.ts';
import type { Invocation } from '../invocation.ts';
import { answerOfError, exitOfAll } from '../outcome.ts';
import { describeRequirement, type QuestionValues, requirementOf } from '../question.ts';
import { judgingRegistry } from '../evidence/registry.ts';
import { parseImages, signatureRepository } from '../registry.ts';
import { explanation, reasonOf, resultJson, sentence, type Verified } from '../report.ts';
import type { outputFlags } from '../table/global.ts';
import type { registryFlags } from '../table/registry-flags.ts';
import type { evidenceFlags, explainFlags } from '../table/trust-flags.ts';
import type { Terminal } from '../terminal.ts';
import { visible, visibleJson } from '../visible.ts';

export type ImageInvocation = Omit<Invocation, 'flags'> & {
  readonly flags: QuestionValues &
    FlagValues<typeof registryFlags & typeof evidenceFlags & typeof explainFlags & typeof outputFlags> & {
      readonly 'local-image': boolean;
      readonly 'check-content': boolean;
    };
};

/** Judges a signature that lies in a file instead of in the registry. */
export type FromFile = (digest: string, anchors: Anchors, requirement: FlagRequirement) => FlagDecision;

export async function verifyImages(invocation: ImageInvocation, role: FlagRequirement['role'], fromFile?: FromFile): Promise<number> {
  const { results, question } = await judgeImages(invocation, role, fromFile);
  printResults(results, invocation, question, invocation.flags.explain);
  return exitOfAll(results);
}

/** The answers alone, with one line that says what was asked. */
export async function judgeImages(
  invocation: ImageInvocation,
  role: FlagRequirement['role'],
  fromFile?: FromFile,
): Promise<{ readonly results: readonly Verified[]; readonly question: string }> {
  const { flags, config, terminal, signal, deadline } = invocation;
  const asked = await requirementOf(flags, role);
  const images = parseImages(invocation.arguments, flags['local-image']);
  const home = signatureRepository(config);
  const { registry, memory, finish } = judgingRegistry(images, invocation);
  // The handshakes take place while keys and roots are read.
  for (const { reference } of images) registry.connectEarly(home ?? reference);
  const anchors = await anchorsOf(invocation, asked);
  let done = 0;
  terminal.progress(`verifying ${images.length} ${images.length === 1 ? 'image' : 'images'}`);

  const results = await inParallel(images, flags['max-workers'], async ({ name, reference }): Promise<Verified> => {
    const requirement = forRepository(asked, flags['repository-claim'], reference);
    const result = await judged({ name, requirement, repository: formatRepository(reference) }, async () => {
      if (fromFile) {
        const digest = formatDigest(await resolveOnce(registry, reference, { deadline, signal }));
        return { digest, decision: fromFile(digest, anchors, requirement) };
      }
      const { digest, decision } = await verifyImage({
        registry,
        reference,
        anchors,
        requirement,
        memory,
        exhaustive: flags.explain,
        workers: flags['max-workers'],
        deadline,
        signal,
        ...(home ? { signatureRepository: home } : {}),
      });
      if (flags['check-content'] && decision.outcome === 'verified')
        await checkContent(registry, reference, digest, { workers: flags['max-workers'], deadline, signal });
      return { digest: formatDigest(digest), decision };
    });
    terminal.progress(`verifying: ${++done} of ${images.length}`);
    return result;
  });
  finish();
  signal.throwIfAborted();
  return { results, question: describeRequirement(asked, flags.key.join(' or ')) };
}

function forRepository(requirement: FlagRequirement, claim: 'any' | 'exact' | undefined, reference: Reference): FlagRequirement {
  return claim === 'exact' ? { ...requirement, repository: { rule: 'exact', name: formatRepository(reference) } } : requirement;
}

/** One image's answer; what goes wrong with it is its own answer and stops no other. */
async function judged(
  asked: Pick<Verified, 'name' | 'repository' | 'requirement'>,
  judge: () => Promise<{ digest: string; decision: FlagDecision }>,
): Promise<Verified> {
  try {
    const { digest, decision } = await judge();
    return { ...asked, digest, decision, outcome: decision.outcome, code: decision.code };
  } catch (error) {
    return { ...asked, ...answerOfError(error) };
  }
}

export function printResults(
  results: readonly Verified[],
  invocation: Pick<Invocation, 'terminal' | 'form'> & { readonly given: ReadonlySet<string>; readonly quiet?: boolean },
  question: string,
  explain: boolean,
): void {
  const { terminal, form } = invocation;
  const text = explain && !invocation.given.has('output') ? 'text' : form;
  if (text === 'text') {
    terminal.print(results.map((result) => (explain ? explanation(result, question, terminal) : sentence(result, terminal))).join(explain ? '\n\n' : '\n'));
    return;
  }
  terminal.print(visibleJson(results.map((result) => resultJson(result, explain))));
  if (!invocation.quiet) for (const result of results) sayRefusal(result, terminal);
}

/** Whoever reads the log of a script must not have to read its JSON to see why it stopped. */
function sayRefusal(result: Verified, terminal: Terminal): void {
  const reason = reasonOf(result);
  if (!reason) return;
  terminal.say(`${terminal.styleError('red', `sealward: ${result.outcome}`)} ${visible(result.name)}: ${visible(reason.message)}`);
  terminal.say(`  hint: ${visible(reason.hint)}`);
}

export function needTogether(...flags: readonly string[]): SealwardError {
  return new SealwardError('ERR_FLAG_CONFLICT', `${flags.map((flag) => `--${flag}`).join(' and ')} belong together`, { hint: 'Give both, or neither.' });
}
