/** What `sealward verify` said, read as a script would read it. */
import assert from 'node:assert/strict';
import type { CliResult } from '../cli.ts';

export interface SignatureAnswer {
  readonly place: string;
  readonly format: string;
  readonly key?: { readonly algorithm: string };
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly predicateType?: string;
  readonly log: readonly { readonly name: string; readonly index: string; readonly included: boolean }[];
  readonly time?: { readonly from: string; readonly to: string; readonly datedBy: readonly string[] };
  readonly certificate?: { readonly identity: string | null };
}

export interface ImageAnswer {
  readonly name: string;
  readonly digest?: string;
  readonly outcome: 'verified' | 'rejected' | 'inconclusive';
  readonly code: string;
  readonly reason?: string;
  readonly hint?: string;
  readonly signatures: readonly SignatureAnswer[];
  readonly others?: readonly SignatureAnswer[];
  readonly places?: readonly { readonly name: string; readonly state: string }[];
}

/** The answer about the one image that was asked about; holds it against the exit code. */
export function answerOf({ code, stdout, stderr }: CliResult): ImageAnswer {
  let answers: readonly ImageAnswer[];
  try {
    answers = JSON.parse(stdout) as readonly ImageAnswer[];
  } catch {
    return assert.fail(`not an answer, exit ${code}: ${stdout}${stderr}`);
  }
  assert.equal(answers.length, 1, stdout);
  const [answer] = answers as [ImageAnswer];
  assert.equal(code === 0, answer.outcome === 'verified', stdout);
  return answer;
}

/** Demands that it was verified, and says by which signature. */
export function verifiedBy(result: CliResult): SignatureAnswer {
  const answer = answerOf(result);
  assert.equal(answer.outcome, 'verified', `${result.stdout}${result.stderr}`);
  const [signature] = answer.signatures;
  assert.ok(signature, result.stdout);
  return signature;
}

/** Demands that it was not, with this code; says why. */
export function refusedWith(result: CliResult, exit: number, code: string): ImageAnswer {
  const answer = answerOf(result);
  assert.deepEqual([result.code, answer.code], [exit, code], `${result.stdout}${result.stderr}`);
  assert.deepEqual(answer.signatures, []);
  // Whoever reads only the log of a script sees it too.
  assert.match(result.stderr, /^sealward: (?:rejected|inconclusive) /m);
  assert.ok(answer.reason && answer.hint, result.stdout);
  return answer;
}
