/** Test results (in-toto/attestation spec/predicates/test-result.md) and approvals (docs/reference/policy.md). */
import { APPROVAL, type Statement, TEST_RESULT } from '../../bundle/index.ts';
import { type JsonValue, memberOf, stringOf } from '../../encoding/index.ts';
import type { Condition } from '../policy.ts';
import { type Appraisal, fails, HOLDS, inconclusive } from './appraisal.ts';

export function appraiseTests({ predicateType, predicate }: Statement, { required }: Extract<Condition, { kind: 'tests' }>): Appraisal {
  if (predicateType !== TEST_RESULT) return inconclusive('it is no test result that is read');
  const result = stringOf(memberOf(predicate, 'result'));
  if (result !== 'PASSED' && result !== 'WARNED') return fails(`the result of the tests is ${result?.slice(0, 40) ?? 'not stated'}`);
  const passed = names(memberOf(predicate, 'passedTests'));
  const missing = required.find((name) => !passed.includes(name));
  if (missing !== undefined) return fails(`the test ${missing} is not among those that passed`);
  return result === 'WARNED' && required.length === 0 ? fails('the tests passed with warnings') : HOLDS;
}

export function appraiseApproval({ predicateType, predicate }: Statement, { environment }: Extract<Condition, { kind: 'approval' }>): Appraisal {
  if (predicateType !== APPROVAL) return inconclusive('it is no approval');
  const decision = stringOf(memberOf(predicate, 'decision'));
  if (decision !== 'approved') return fails(`its decision is ${decision?.slice(0, 40) ?? 'not stated'}`);
  const given = stringOf(memberOf(predicate, 'environment'));
  return environment === undefined || given === environment ? HOLDS : fails(`it is for ${given?.slice(0, 100) ?? 'no environment'}, wanted was ${environment}`);
}

function names(list: JsonValue | undefined): readonly (string | undefined)[] {
  return Array.isArray(list) ? list.map(stringOf) : [];
}
