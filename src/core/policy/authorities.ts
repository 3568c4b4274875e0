import type { Authority, Combination, Requirement } from './policy.ts';

/** Everybody whom a requirement names: who must sign or attest, and whose VEX statements excuse a finding. */
export function authoritiesOf(requirement: Requirement): readonly Authority[] {
  if (requirement.kind === 'signatures') return inCombination(requirement.combination);
  if (requirement.kind !== 'attestation') return [];
  return [...requirement.from, ...requirement.conditions.flatMap((condition) => (condition.kind === 'scan' ? condition.vex : []))];
}

/** Each as often as it stands there. */
export function inCombination(combination: Combination): readonly Authority[] {
  return combination.kind === 'authority' ? [combination.authority] : combination.of.flatMap(inCombination);
}
