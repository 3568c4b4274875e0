/** Licence expressions, as people write them and as nobody should. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeLicence, type LicenceRule, type Verdict } from './licence.ts';

const listed: LicenceRule = { allowed: ['MIT', 'Apache-2.0', 'LGPL-2.1-only'], denied: ['GPL-3.0-only', 'Apache-2.0'] };
const onlyDenied: LicenceRule = { allowed: [], denied: ['GPL-3.0-only'] };

const CASES: readonly (readonly [expression: string, rule: LicenceRule, verdict: Verdict])[] = [
  ['MIT', listed, 'allowed'],
  ['mit', listed, 'allowed'],
  ['LGPL-2.1-only+', listed, 'allowed'],
  ['Apache-2.0', listed, 'denied'],
  ['GPL-3.0-only+', listed, 'denied'],
  ['BSD-3-Clause', listed, 'denied'],
  ['BSD-3-Clause', onlyDenied, 'allowed'],
  ['GPL-3.0-only', onlyDenied, 'denied'],
  ['NOASSERTION', onlyDenied, 'unknown'],
  ['none', onlyDenied, 'unknown'],
  ['MIT OR GPL-3.0-only', listed, 'allowed'],
  ['GPL-3.0-only or MIT', listed, 'allowed'],
  ['GPL-3.0-only OR NONE', listed, 'unknown'],
  ['NONE OR GPL-3.0-only', listed, 'unknown'],
  ['NONE OR NONE', listed, 'unknown'],
  ['MIT AND GPL-3.0-only', listed, 'denied'],
  ['GPL-3.0-only AND MIT', listed, 'denied'],
  ['MIT AND MIT', listed, 'allowed'],
  ['MIT and NONE', listed, 'unknown'],
  ['NONE AND MIT', listed, 'unknown'],
  ['MIT OR GPL-3.0-only AND GPL-3.0-only', listed, 'allowed'],
  ['(MIT OR GPL-3.0-only) AND GPL-3.0-only', listed, 'denied'],
  ['MIT AND (GPL-3.0-only OR MIT)', listed, 'allowed'],
  ['((MIT))', listed, 'allowed'],
  ['MIT WITH Classpath-exception-2.0', listed, 'allowed'],
  ['MIT WITH x AND GPL-3.0-only WITH y', listed, 'denied'],
  // What is no expression.
  ['', listed, 'unknown'],
  [' ', onlyDenied, 'unknown'],
  ['()', onlyDenied, 'unknown'],
  [')', listed, 'unknown'],
  ['(MIT', listed, 'unknown'],
  ['(MIT OR NONE', listed, 'unknown'],
  ['MIT)', listed, 'unknown'],
  ['MIT MIT', listed, 'unknown'],
  ['MIT OR', listed, 'unknown'],
  ['OR MIT', onlyDenied, 'unknown'],
  ['MIT WITH', listed, 'unknown'],
  ['(MIT MIT)', listed, 'unknown'],
];

describe('a licence expression', () => {
  for (const [expression, rule, verdict] of CASES)
    it(`${JSON.stringify(expression)} is ${verdict}${rule === listed ? '' : ' where all but some are'}`, () =>
      assert.equal(judgeLicence(expression, rule), verdict));
  it('has at most 256 words', () => {
    const of = (count: number): string => Array.from({ length: count }, () => 'MIT').join(' OR ');
    assert.deepEqual([judgeLicence(of(128), listed), judgeLicence(of(129), listed)], ['allowed', 'unknown']);
  });
});
