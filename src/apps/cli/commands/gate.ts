import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ciLines, ciSystem, type GateAnswer, summaryMarkdown } from '../ci-log.ts';
import { fileError } from '../file.ts';
import type { Run } from '../invocation.ts';
import { exitOfAll } from '../outcome.ts';
import { asksPolicies } from '../policy/asks.ts';
import { reasonOf, type Verified } from '../report.ts';
import { describeSigner } from '../signer-words.ts';
import type { gate } from '../table/gate.ts';
import { judgeImages, printResults } from './verify-images.ts';

export const run: Run<typeof gate> = async (invocation) => {
  const { flags, config, terminal } = invocation;
  const asked = asksPolicies(invocation.given) ? await (await import('../policy/verify.ts')).answersByPolicy(invocation) : undefined;
  const byFlags = asked ? undefined : await judgeImages(invocation, 'signature');
  const answers = asked?.answers ?? byFlags?.results.map(answerOf) ?? [];
  const system = ciSystem(config.environment);
  for (const line of ciLines(system, answers, Math.floor(Date.now() / 1000))) terminal.say(line);
  const summary = config.environment['GITHUB_STEP_SUMMARY'];
  if (system === 'github' && summary) write(summary, () => appendFileSync(summary, summaryMarkdown(answers)));
  if (flags.results !== undefined) writeResults(flags.results, answers);
  if (asked) return asked.print();
  if (byFlags) printResults(byFlags.results, { ...invocation, quiet: true }, byFlags.question, flags.explain);
  return exitOfAll(byFlags?.results ?? []);
};

function answerOf(result: Verified): GateAnswer {
  const counted = result.decision?.candidates.find(({ counts }) => counts);
  const reason = reasonOf(result);
  return {
    name: result.name,
    digest: result.digest,
    outcome: result.outcome,
    code: result.code,
    reason: reason?.message ?? (counted ? `signed by ${describeSigner(counted)}` : ''),
    hint: reason?.hint ?? '',
  };
}

/** tekton.dev, "Emitting Task results": one file for each. */
function writeResults(folder: string, answers: readonly GateAnswer[]): void {
  const worst = answers.find(({ outcome }) => outcome === 'rejected') ?? answers.find(({ outcome }) => outcome === 'inconclusive') ?? answers[0];
  for (const [name, value] of [
    ['outcome', worst?.outcome],
    ['code', worst?.code],
    ['digest', answers[0]?.digest],
  ] as const) {
    const path = join(folder, name);
    write(path, () => writeFileSync(path, value ?? ''));
  }
}

function write(path: string, run: () => void): void {
  try {
    run();
  } catch (cause) {
    throw fileError('written', path, cause);
  }
}
