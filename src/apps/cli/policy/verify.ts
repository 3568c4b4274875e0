/** `sealward verify` and `gate` by policies: those of --policy, those of the trust state, or both. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GateAnswer } from '../ci-log.ts';
import { exitOfAll } from '../outcome.ts';
import { digestOf } from '../../../core/artifact/index.ts';
import { encodeDecision } from '../../../core/verify/index.ts';
import { fileError, replaceFile } from '../file.ts';
import { visible, visibleJson } from '../visible.ts';
import { decisionTree } from './explain.ts';
import { judgeByPolicy, type JudgedByPolicy, policyJson, policySentence } from './judged.ts';
import { policyQuestion, type Question, type PolicyInvocation } from './question.ts';

export async function verifyByPolicy(invocation: PolicyInvocation): Promise<number> {
  const question = await policyQuestion(invocation);
  const results = await judgeByPolicy(invocation, question, invocation.arguments);
  record(invocation, question, results);
  return print(invocation, question, results, true);
}

/** The answers in the words of CI systems, and how to print the result. */
export async function answersByPolicy(invocation: PolicyInvocation): Promise<{ readonly answers: readonly GateAnswer[]; readonly print: () => number }> {
  const question = await policyQuestion(invocation);
  const results = await judgeByPolicy(invocation, question, invocation.arguments);
  record(invocation, question, results);
  const answers = results.map(
    ({ name, digest, outcome, code, decision, error }): GateAnswer => ({
      name,
      digest,
      outcome,
      code,
      reason: decision?.message ?? error?.message ?? '',
      hint: outcome === 'verified' ? '' : (decision?.hint ?? error?.hint ?? ''),
    }),
  );
  return { answers, print: () => print(invocation, question, results, false) };
}

/** One file for each decision, named by the image's digest, the moment, and its own digest: one image may have several names. */
function record({ flags }: PolicyInvocation, { policies, trust }: Question, results: readonly JudgedByPolicy[]): void {
  const folder = flags.record;
  if (folder === undefined) return;
  for (const { decision, request, evidence, known } of results) {
    if (!decision || !request || evidence === undefined) continue;
    const bytes = encodeDecision(decision, { evidence, ...(known === undefined ? {} : { known }), policies, trust, request });
    const path = join(folder, `${request.digest.replace(':', '-').slice(0, 23)}-${request.now}-${digestOf(bytes).hex.slice(0, 8)}.json`);
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      throw fileError('written', folder, cause);
    }
    replaceFile(path, bytes);
  }
}

function print({ terminal, form, flags, given }: PolicyInvocation, question: Question, results: readonly JudgedByPolicy[], says: boolean): number {
  const text = flags.explain && !given.has('output') ? 'text' : form;
  if (text === 'text')
    terminal.print(results.map((result) => (flags.explain ? decisionTree(result, question, terminal) : policySentence(result, terminal))).join('\n'));
  else {
    terminal.print(visibleJson(results.map((result) => policyJson(result, question))));
    for (const { name, outcome, decision, error } of says ? results : []) {
      if (outcome === 'verified') continue;
      terminal.say(`${terminal.styleError('red', `sealward: ${outcome}`)} ${visible(name)}: ${visible(decision?.message ?? error?.message ?? '')}`);
      terminal.say(`  hint: ${visible(decision?.hint ?? error?.hint ?? '')}`);
    }
  }
  // What a mode or the default lets through is let through, and said; a verifier's exit code tells the outcome all the same.
  return exitOfAll(results);
}
