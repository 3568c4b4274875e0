/** Members of objects that somebody else wrote: each refusal names the document, the member, and what is wrong with it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../encoding/index.ts';
import { Fields } from './fields.ts';

const of = (value: JsonValue | undefined, known?: readonly string[]): Fields => new Fields(value, 'the list', known);
const refusal = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  }
  return 'none';
};
const T = 'ERR_TRUST_INVALID the list';

describe('fields', () => {
  it('are those of an object, and of those that are known', () => {
    for (const value of [undefined, null, 1, 'x', true, []])
      assert.equal(
        refusal(() => of(value)),
        `${T} is not an object`,
      );
    assert.equal(
      refusal(() => of({ a: 1, b: 2 }, ['a'])),
      `${T}: "b" is not a field that is known`,
    );
    assert.equal(
      refusal(() => of({ ['x'.repeat(100)]: 1 }, [])),
      `${T}: "${'x'.repeat(80)}" is not a field that is known`,
    );
    assert.equal(
      refusal(() => of({ a: 1 }, ['a', 'b'])),
      'none',
    );
    assert.equal(
      refusal(() => of({ anything: 1 })),
      'none',
    );
    assert.equal(
      refusal(() => new Fields(1, 'it', undefined, 'ERR_TRUST_MISMATCH')),
      'ERR_TRUST_MISMATCH it is not an object',
    );
  });

  it('must be there, unless they may be missing', () => {
    assert.equal(
      refusal(() => of({}).value('a')),
      `${T}: a is missing`,
    );
    assert.equal(
      refusal(() => of({}).text('toString')),
      `${T}: toString is missing`,
      'what every object has is no member',
    );
    assert.deepEqual([of({}).has('toString'), of({ a: null }).has('a')], [false, true]);
    assert.deepEqual([of({}).optionalText('a'), of({ a: 'x' }).optionalText('a')], [undefined, 'x']);
    assert.deepEqual([of({}).optionalMoment('a'), of({ a: '2026-01-02T03:04:05Z' }).optionalMoment('a')], [undefined, Date.UTC(2026, 0, 2, 3, 4, 5)]);
    assert.equal(
      refusal(() => of({ a: null }).optionalText('a')),
      `${T}: a is not a string`,
    );
  });

  it('have their type, or are refused by it', () => {
    const others: readonly JsonValue[] = [null, 1.5, -1, '1', true, {}, []];
    const refuses = (read: (fields: Fields) => unknown, says: string, fine: JsonValue): void => {
      for (const value of others)
        assert.equal(
          refusal(() => read(of({ a: value }))),
          `${T}: a ${says}`,
          JSON.stringify(value),
        );
      assert.equal(
        refusal(() => read(of({ a: fine }))),
        'none',
      );
    };
    refuses((fields) => fields.integer('a', 1), 'is not a whole number from 1', 1);
    assert.equal(
      refusal(() => of({ a: 0 }).integer('a', 1)),
      `${T}: a is not a whole number from 1`,
    );
    assert.equal(
      refusal(() => of({ a: 2 ** 53 }).integer('a', 1)),
      `${T}: a is not a whole number from 1`,
    );
    assert.equal(of({ a: 2 ** 53 - 1 }).integer('a', 0), 2 ** 53 - 1);
    for (const value of [null, 1, 'true', {}, []])
      assert.equal(
        refusal(() => of({ a: value }).flag('a')),
        `${T}: a is neither true nor false`,
      );
    assert.deepEqual([of({ a: true }).flag('a'), of({ a: false }).flag('a')], [true, false]);
    for (const value of [null, 1, true, {}, []])
      assert.equal(
        refusal(() => of({ a: value }).text('a')),
        `${T}: a is not a string`,
      );
    for (const value of ['', 'now', '2026-02-30T00:00:00Z'])
      assert.equal(
        refusal(() => of({ a: value }).moment('a')),
        `${T}: a is not a time such as 2026-01-02T03:04:05Z`,
      );
    assert.equal(
      refusal(() => of({ a: 'c' }).oneOf('a', ['x', 'y'])),
      `${T}: a is none of x, y`,
    );
    assert.equal(of({ a: 'y' }).oneOf('a', ['x', 'y']), 'y');
    for (const value of [null, 1, 'x', {}])
      assert.equal(
        refusal(() => of({ a: value }).list('a', 1)),
        `${T}: a is not a list`,
      );
    assert.equal(
      refusal(() => of({ a: ['x', 1] }).texts('a', 2)),
      `${T}: a holds something other than strings`,
    );
    assert.deepEqual(of({ a: ['x', 'y'] }).texts('a', 2), ['x', 'y']);
  });

  it('are bounded, and told with their number', () => {
    const L = 'ERR_TOO_LARGE the list';
    assert.deepEqual(of({ a: [1, 2] }).list('a', 2), [1, 2]);
    assert.equal(
      refusal(() => of({ a: [1, 2, 3] }).list('a', 2)),
      `${L}, a has 3 members, the bound is 2`,
    );
    assert.deepEqual(of({ a: 1, b: 2 }).names(2), ['a', 'b']);
    assert.equal(
      refusal(() => of({ a: 1, b: 2 }).names(1)),
      `${L} has 2 members, the bound is 1`,
    );
    assert.equal(
      refusal(() => of({ a: { x: {}, y: {} } }).entries('a', 1)),
      `${L}, a has 2 members, the bound is 1`,
    );
  });

  it('within others are told by the way to them', () => {
    assert.equal(
      refusal(() =>
        of({ a: { b: 1 } })
          .object('a')
          .text('b'),
      ),
      `${T}, a: b is not a string`,
    );
    assert.equal(
      refusal(() => of({ a: { b: 1 } }).object('a', [])),
      `${T}, a: "b" is not a field that is known`,
    );
    assert.equal(
      refusal(() => of({ a: [{}, 1] }).objects('a', 2)),
      `${T}, a[1] is not an object`,
    );
    assert.equal(
      refusal(() => of({ a: [{ b: 1 }] }).objects('a', 2, [])),
      `${T}, a[0]: "b" is not a field that is known`,
    );
    const long = 'k'.repeat(100);
    assert.equal(
      refusal(() => of({ a: { [long]: 1 } }).entries('a', 2)),
      `${T}, a, "${'k'.repeat(80)}" is not an object`,
    );
    assert.deepEqual(
      of({ a: { k: { b: 'x' } } })
        .entries('a', 2)
        .map(([key, fields]) => [key, fields.text('b'), fields.what]),
      [['k', 'x', 'the list, a, "k"']],
    );
  });
});
