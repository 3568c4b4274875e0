/** Scans and VEX documents are appraised one by one; what they say together is comparison, and belongs to the judge. */
import { type Appraisal, type Excuse, fails } from './appraisal.ts';
import { describeFindings, withoutExcused } from './scan.ts';

/** The id of a condition under which the value of a VEX document is kept: it depends on the statement alone. @public */
export const VEX_CONDITION_ID = 'vex';

/** A scan's value once the VEX documents of those who may excuse its findings are known. */
export function excuse(appraisal: Appraisal, excuses: readonly Excuse[]): Appraisal {
  if (appraisal.value !== 'fails' || !appraisal.findings) return appraisal;
  const left = withoutExcused(appraisal.findings, excuses);
  const at = appraisal.statedAt === undefined ? {} : { statedAt: appraisal.statedAt };
  return left.length === 0 ? { value: 'holds', ...at } : { ...fails(`it lists ${describeFindings(left)}`), findings: left, ...at };
}
