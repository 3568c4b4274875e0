/** The one place where an outcome becomes an exit code; the table is in docs/reference/errors.md. */
import { ERRORS, type ErrorCode, SealwardError } from '../../core/errors.ts';
import type { FlagDecision, Outcome } from '../../core/verify/index.ts';
import { outcomeOfError } from '../../sdk/index.ts';

export interface Answer {
  readonly outcome: Outcome;
  readonly code: FlagDecision['code'] | ErrorCode;
}

const REJECTED_EXIT: Readonly<Partial<Record<Answer['code'], number>>> = {
  // Every place answered, and nothing is signed.
  NO_SIGNATURE: 10,
  ERR_NOT_FOUND: ERRORS.ERR_NOT_FOUND.exit,
  CERTIFICATE_MISSING: 13,
};

/** What an exception about one artifact means for that artifact; anything else is about the whole call and is thrown on. */
export function answerOfError(error: unknown): Answer & { readonly error: SealwardError } {
  if (!(error instanceof SealwardError)) throw error;
  const outcome = outcomeOfError(error);
  if (!outcome) throw error;
  return { outcome, code: error.code, error };
}

export function exitOf({ outcome, code }: Answer): number {
  if (outcome === 'verified') return 0;
  if (outcome === 'rejected') return REJECTED_EXIT[code] ?? 1;
  const row = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : undefined;
  return row?.family === 'AccessError' ? row.exit : ERRORS.ERR_REGISTRY_FAILED.exit;
}

/** Of several artifacts: what is wrong with all of them alike, else that one was rejected, else that one is not known. */
export function exitOfAll(answers: readonly Answer[]): number {
  // No answer at all is never a pass.
  if (answers.length === 0) return ERRORS.ERR_INVARIANT.exit;
  const exits = new Set(answers.filter(({ outcome }) => outcome !== 'verified').map(exitOf));
  if (exits.size === 0) return 0;
  if (exits.size === 1) return [...exits][0] as number;
  return answers.some(({ outcome }) => outcome === 'rejected') ? 1 : ERRORS.ERR_REGISTRY_FAILED.exit;
}
