/** The moment of a decision, and how long it holds: until the first of the moments that it was compared with. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Clock } from './clock.ts';

describe('the clock', () => {
  it('knows the moment itself as come, and as not passed', () => {
    assert.deepEqual([new Clock(5).reached(5), new Clock(5).reached(6)], [true, false]);
    assert.deepEqual([new Clock(5).notAfter(5), new Clock(5).notAfter(4)], [true, false]);
    assert.deepEqual(
      [new Clock(5).in({ from: 5, to: 5 }), new Clock(5).in({ from: 6 }), new Clock(5).in({ from: 0, to: 4 }), new Clock(5).in({ from: 0 })],
      [true, false, false, true],
    );
    assert.equal(new Clock(5).notAfter(Number.NaN), false);
  });

  it('holds for ever where it was compared with nothing that comes', () => {
    const clock = new Clock(5);
    clock.reached(5);
    clock.notAfter(4);
    assert.equal(clock.until, Number.POSITIVE_INFINITY);
  });

  it('gives every answer again until the moment that it names, and then at least one is another', () => {
    const question = fc.record({ kind: fc.constantFrom('reached', 'notAfter'), moment: fc.integer({ min: 0, max: 12 }) });
    let ends = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.array(question, { maxLength: 5 }), (now, questions) => {
        const ask = (clock: Clock): boolean[] => questions.map(({ kind, moment }) => (kind === 'reached' ? clock.reached(moment) : clock.notAfter(moment)));
        const clock = new Clock(now);
        const answers = ask(clock);
        for (let later = now; later < Math.min(clock.until, 15); later++) assert.deepEqual(ask(new Clock(later)), answers);
        if (!Number.isFinite(clock.until)) return;
        ends++;
        assert.notDeepEqual(ask(new Clock(clock.until)), answers);
      }),
      { numRuns: 500 },
    );
    assert.ok(ends > 100, String(ends));
  });
});
