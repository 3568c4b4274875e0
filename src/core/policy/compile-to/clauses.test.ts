import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Authority, Combination } from '../policy.ts';
import { clausesOf } from './clauses.ts';

const by = (name: string, ...keys: string[]): Authority => ({ kind: 'key', name, anchors: keys.length > 0 ? keys : [name] });
const one = (authority: Authority): Combination => ({ kind: 'authority', authority });
const of = (count: number, ...parts: Combination[]): Combination => ({ kind: 'at-least', count, of: parts });
const keysOf = (authority: Authority): readonly string[] => authority.anchors;
const alone = (key: string): string => key;
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => one(by(name))) as [Combination, Combination, Combination, Combination];

describe('who must have signed, as demands of one of some keys each', () => {
  it('is said for each, for one of some, and for so many of some', () => {
    assert.deepEqual(clausesOf(a, keysOf, alone), [['a']]);
    assert.deepEqual(clausesOf(one(by('r', 'r1', 'r2')), keysOf, alone), [['r1', 'r2']]);
    assert.deepEqual(clausesOf(of(2, a, b), keysOf, alone), [['a'], ['b']]);
    assert.deepEqual(clausesOf(of(1, a, b), keysOf, alone), [['a', 'b']]);
    assert.deepEqual(clausesOf(of(2, a, b, c), keysOf, alone), [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
    ]);
    assert.deepEqual(clausesOf(of(1, of(2, a, b), c), keysOf, alone), [
      ['a', 'c'],
      ['b', 'c'],
    ]);
  });

  it('is not said where one person could meet two parts, where there is no key, or where there would be too many', () => {
    const says = (tree: Combination, personOf = alone): string => {
      const clauses = clausesOf(tree, keysOf, personOf);
      assert.equal(typeof clauses, 'string');
      return clauses as string;
    };
    assert.match(says(of(2, a, a)), /a stands for several signers/);
    assert.match(says(of(2, a, one(by('other', 'a')))), /other and a may be met by one person/);
    assert.match(
      says(of(2, a, b), () => 'maria'),
      /b and a may be met by one person/,
    );
    const nobody = one({ kind: 'key', name: 'x', anchors: [] });
    assert.match(says(of(2, nobody, a)), /nobody who can be asked for/);
    assert.deepEqual(clausesOf(of(1, nobody, a), keysOf, alone), [['a']]);
    assert.deepEqual(clausesOf(of(2, nobody, a, b), keysOf, alone), [['a'], ['b'], ['a', 'b']]);
    assert.match(says(of(10, ...Array.from({ length: 20 }, (_, i) => one(by(`k${i}`))))), /more than 64 demands/);
    assert.match(says(of(1, ...Array.from({ length: 9 }, (_, i) => of(2, one(by(`x${i}`)), one(by(`y${i}`)))))), /more than 64 demands/);
  });

  it('is met by exactly the same signers as the tree, whatever the tree', () => {
    const tree = fc.shuffledSubarray([a, b, c, d, one(by('e'))], { minLength: 2 }).chain((leaves) =>
      fc.tuple(fc.integer({ min: 1, max: leaves.length - 1 }), fc.nat(9), fc.nat(9), fc.nat(9)).map(([cut, x, y, z]) => {
        const [left, right] = [leaves.slice(0, cut), leaves.slice(cut)];
        const group = (parts: Combination[], n: number): Combination => of(1 + (n % parts.length), ...parts);
        return of(1 + (x % 2), group(left, y), group(right, z));
      }),
    );
    fc.assert(
      fc.property(tree, fc.subarray(['a', 'b', 'c', 'd', 'e']), (combination, signers) => {
        const clauses = clausesOf(combination, keysOf, alone);
        assert.ok(typeof clauses !== 'string');
        const met = (part: Combination): boolean =>
          part.kind === 'authority' ? signers.includes(part.authority.name) : part.of.filter(met).length >= part.count;
        assert.equal(
          clauses.every((keys) => keys.some((key) => signers.includes(key))),
          met(combination),
        );
      }),
      { numRuns: 500 },
    );
  });
});
