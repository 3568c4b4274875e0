/** The tool that measures the tests: all mutants of a file stand in it at once, and each does what the changed file does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { mutantsOf } from '../tools/mutation/mutants.ts';
import { SWITCH, withSwitches } from '../tools/mutation/switches.ts';

const SOURCE = `
const table = { 1: 10, two: 2, ['three']: 3 };
function judge(all, limit) {
  const found = all.filter((one) => one > 1 && one !== 4).sort((a, b) => a - b).slice(0, 3);
  const { length = 7 } = found;
  if (length === 0) return { none: true, why: 'empty' };
  const more = { get first() { return found[0]; }, ...(limit === undefined ? {} : { limit }), length };
  const chain = (all.length > 3 ? all : undefined)?.filter((one) => one < 5).map((one) => one * 2).length;
  return { ...more, first: more.first, some: found.some((one) => one >= 3), chain, best: Math.max(...found, limit ?? 0), table, not: !limit };
}
answers.push(judge([]), judge([5, 1, 2]), judge([4, 3, 2, 9, 8], 2), judge([1, 1, 1, 1], 0));
`;

function answersOf(text: string, active: number): string {
  const answers: unknown[] = [];
  try {
    runInNewContext(text, { answers, [SWITCH]: (mutant: number) => mutant === active });
  } catch (error) {
    return `throws ${(error as Error).name}`;
  }
  return JSON.stringify(answers);
}

describe('mutants', () => {
  const mutants = mutantsOf('source.ts', SOURCE);

  it('stand in one text, and each does what the text with this one change does', () => {
    const together = withSwitches(SOURCE, mutants, 0);
    assert.equal(answersOf(together, -1), answersOf(SOURCE, -1));
    let noticed = 0;
    for (const [number, { start, end, replacement, place, change }] of mutants.entries()) {
      const alone = answersOf(SOURCE.slice(0, start) + replacement + SOURCE.slice(end), -1);
      if (place) assert.equal(answersOf(together, number), alone, change);
      noticed += Number(alone !== answersOf(SOURCE, -1));
    }
    assert.ok(noticed > mutants.length / 2, `${noticed} of ${mutants.length}`);
  });

  it('that cannot stand beside the others are named, and few', () => {
    const apart = mutants.filter(({ place }) => !place).map(({ change }) => change);
    assert.deepEqual(apart, [
      '1  →  2',
      'get first() { return found[0]; }  →  ...{}',
      '(all.length > 3 ? all : undefined)?.filter((one) => one < 5)  →  (all.length > 3 ? all : undefined)',
    ]);
  });

  it('that read the same are told apart by number', () => {
    const changes = mutants.map(({ change }) => change);
    assert.equal(new Set(changes).size, changes.length);
    assert.ok(changes.includes('0  →  1 (2)'));
  });
});
