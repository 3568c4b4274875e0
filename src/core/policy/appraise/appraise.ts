/**
 * The stage between proving and deciding: what a condition says of a statement. Pure and synchronous once loaded; the
 * value may be kept under the digest of the statement, the id of the condition and `APPRAISER_VERSION`.
 */
import type { loadPredicates, Statement } from '../../bundle/index.ts';
import type { Condition } from '../policy.ts';
import type { Appraisal } from './appraisal.ts';
import { type CompiledExpression, compileExpression } from './cel.ts';
import { appraiseSbom } from './sbom.ts';
import { appraiseScan, appraiseVex } from './scan.ts';
import { appraiseSlsa } from './slsa.ts';
import { appraiseApproval, appraiseTests } from './tests-and-approvals.ts';

export interface Appraiser {
  readonly appraise: (statement: Statement, condition: Condition) => Appraisal;
  /** What a VEX document excuses; of other statements inconclusive. */
  readonly excuses: (statement: Statement) => Appraisal;
}

/** Expressions are compiled once for each appraiser. */
export function createAppraiser(predicates: Awaited<ReturnType<typeof loadPredicates>>): Appraiser {
  const compiled = new Map<string, CompiledExpression>();
  const evaluate = (statement: Statement, expression: string): Appraisal => {
    const known = compiled.get(expression) ?? compileExpression(expression);
    compiled.set(expression, known);
    return known(statement);
  };
  return {
    appraise: (statement, condition) => {
      switch (condition.kind) {
        case 'cel':
          return evaluate(statement, condition.expression);
        case 'slsa':
          return appraiseSlsa(statement, condition);
        case 'sbom':
          return appraiseSbom(statement, condition);
        case 'scan':
          return appraiseScan(statement, condition, predicates);
        case 'tests':
          return appraiseTests(statement, condition);
        case 'approval':
          return appraiseApproval(statement, condition);
      }
    },
    excuses: (statement) => appraiseVex(statement, predicates),
  };
}
