/** Conditions in CEL: what they mean, what is refused when they are read, and what they may cost. Each is compiled anew, as in a fresh process. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import type { Statement } from '../../bundle/index.ts';
import { type JsonValue, LIMITS } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import type { Appraisal } from './appraisal.ts';
import { compileExpression } from './cel.ts';

const DIGEST = 'ab'.repeat(32);

function statement(predicate: unknown): Statement {
  return {
    version: 'v1',
    subjects: [{ name: 'registry.test/team/app', digest: { sha256: DIGEST } }],
    predicateType: 'https://example.test/any',
    predicate: predicate as JsonValue,
  };
}

const evaluate = (expression: string, of: Statement): Appraisal => compileExpression(expression)(of);

describe('a CEL condition', () => {
  const one = (): Statement => statement({ count: 3, name: 'app', list: [1, 2, 3], constructor: 'C', ['__proto__x']: 1, flags: { on: true } });
  const holding = [
    'predicate.count == 3',
    'predicate.list.all(x, x > 0) && predicate.list.exists(x, x == 2)',
    'size(subjects) == 1 && subjects[0].digest.sha256.size() == 64',
    'statement.predicateType == predicateType && statement.subject[0].name.startsWith("registry.test/")',
    'has(predicate.flags.on) && !has(predicate.flags.off)',
    'predicate.constructor == "C"',
    'predicate.name.matches("^a(p+)$")',
    'type(predicate) == map',
    'predicate.list.map(x, x * 2.0).filter(y, y > 2.0).size() == 2',
  ];
  for (const expression of holding) it(`holds: ${expression}`, () => assert.deepEqual(evaluate(expression, one()), { value: 'holds' }));

  it('fails when it is false', () => assert.deepEqual(evaluate('predicate.count == 4', one()), { value: 'fails', detail: 'it is not so' }));

  for (const expression of ['predicate.missing == 1', 'predicate.count', 'predicate.name > 3', 'subjects[7].name == "x"', '"yes"']) {
    it(`is inconclusive, never true: ${expression}`, () => {
      const appraisal = evaluate(expression, one());
      assert.equal(appraisal.value === 'inconclusive' && appraisal.code, 'ERR_CONDITION_FAILED');
    });
  }

  const REFUSED: readonly (readonly [expression: string, says: RegExp])[] = [
    ['predicate.count ==', /end of input/],
    ['image.tag == "x"', /it names "image"/],
    ['now() > timestamp("2026-01-01T00:00:00Z")', /there is no function "now"/],
    ['fetch("https://example.test")', /there is no function "fetch"/],
    ['predicate.name.matches("(")', /error parsing regexp/],
    ['google.protobuf.Timestamp{seconds: 1} == predicate', /messages of protocol buffers/],
    [`${'('.repeat(LIMITS.conditionDepth + 1)}1${')'.repeat(LIMITS.conditionDepth + 1)} == 1`, /nested deeper/],
    [`${'!'.repeat(LIMITS.conditionDepth + 1)}true`, /nested deeper/],
    [`predicate == "${'a'.repeat(LIMITS.conditionLength)}"`, /longer than/],
  ];
  for (const [expression, says] of REFUSED) {
    it(`is refused when it is read: ${expression.slice(0, 40)}`, () => {
      assert.throws(() => evaluate(expression, one()), { code: 'ERR_CONDITION_INVALID', message: says });
    });
  }

  const many = (): Statement => statement({ l: Array.from({ length: 120 }, (_, i) => i), s: ['aaaaaaaaaaaaaaaa'] });
  const loops = 'predicate.l.all(a, predicate.l.all(b, predicate.l.all(c, a + b + c >= 0.0)))';
  for (const expression of [
    loops,
    `predicate.l.exists(x, ${loops} || true)`,
    `predicate.s${'.map(x, x + x)'.repeat(40)} == []`,
    `[[1, 2]]${'.map(x, x + x)'.repeat(40)} == []`,
    `predicate.l.all(x, [${'1, '.repeat(900)}1].size() > 0)`,
    'predicate.l.all(x, predicate == predicate && predicate.l.all(y, predicate.l == predicate.l))',
  ]) {
    it(`stops at its budget: ${expression.slice(0, 60)}`, () => {
      const appraisal = evaluate(expression, many());
      assert.equal(appraisal.value === 'inconclusive' && appraisal.code, 'ERR_CONDITION_COST');
      assert.deepEqual(evaluate(expression, many()), appraisal);
    });
  }

  const words = (): Statement =>
    statement({
      l: Array.from({ length: 120 }, (_, i) => `${'a'.repeat(1000)}${i}`),
      p: Array.from({ length: 120 }, (_, i) => `(a|b${i})*c`),
      big: 'a{500}(b|c)',
    });
  for (const expression of [
    'predicate.l.exists(s, s.matches("(.*a){45}b"))',
    'predicate.l.exists(s, predicate.p.exists(p, s.matches(p)))',
    'predicate.l.all(s, s.matches("(a|ab|b|ba)*(a*b?)*c") || true)',
  ]) {
    it(`stops at its budget in regular expressions: ${expression}`, () => {
      const appraisal = evaluate(expression, words());
      assert.equal(appraisal.value === 'inconclusive' && appraisal.code, 'ERR_CONDITION_COST');
    });
  }
  it('looks for a pattern anywhere, within the same bounds as patterns of policies', () => {
    assert.deepEqual(evaluate('predicate.l.exists(s, s.matches("a119$"))', words()), { value: 'holds' });
    assert.equal(evaluate('predicate.l[0].matches(predicate.big)', words()).value, 'inconclusive');
    assert.throws(() => evaluate('"x".matches("(ab?){200}")', words()), { code: 'ERR_CONDITION_INVALID', message: /written out/ });
    assert.throws(() => evaluate(`"x".matches("[${'a'.repeat(LIMITS.patternLength)}]")`, words()), {
      code: 'ERR_CONDITION_INVALID',
      message: /longer than/,
    });
  });

  it('may look at every component of a large SBOM', () => {
    const large = (): Statement => statement({ components: Array.from({ length: 5000 }, (_, i) => ({ name: `n${i}`, version: `1.${i}` })) });
    assert.deepEqual(evaluate('predicate.components.all(c, !(c.name in ["log4j", "xz"]) && c.version != "2.0")', large()), { value: 'holds' });
  });

  test('whatever the statement holds, the answer is a value', () => {
    const anything = fc.jsonValue({ maxDepth: 4 });
    const expression = fc.constantFrom(
      'predicate.a == 1',
      'predicate.a.b.c',
      'predicate[0] == predicate[1]',
      'predicate.all(x, x == x)',
      'size(predicate) > 0',
      '"a" in predicate',
    );
    fc.assert(
      fc.property(anything, expression, (predicate, text) => {
        assert.ok(['holds', 'fails', 'inconclusive'].includes(evaluate(text, statement(predicate)).value));
      }),
    );
  });
});

describe('the bounds of a condition', () => {
  it('its length, its depth, and the signs before a value', () => {
    const brackets = (count: number): string => `${'('.repeat(count)}1${')'.repeat(count)} == 1`;
    const long = (length: number): string => `predicate == "${'a'.repeat(length - 'predicate == ""'.length)}"`;
    for (const most of [
      brackets(LIMITS.conditionDepth),
      `${'['.repeat(LIMITS.conditionDepth)}1${']'.repeat(LIMITS.conditionDepth)} == []`,
      `${'{1: '.repeat(LIMITS.conditionDepth)}1${'}'.repeat(LIMITS.conditionDepth)} == {}`,
      `${'!'.repeat(LIMITS.conditionDepth)}true`,
      `${'(1) == (1) && '.repeat(30)}true`,
      `${'!false && '.repeat(30)}true`,
      long(LIMITS.conditionLength),
    ])
      assert.notEqual(evaluate(most, statement(null)).value, 'inconclusive', most.slice(0, 60));
    for (const [over, says] of [
      [brackets(LIMITS.conditionDepth + 1), 'it is nested deeper than 24 levels'],
      [`${'['.repeat(LIMITS.conditionDepth + 1)}1${']'.repeat(LIMITS.conditionDepth + 1)} == []`, 'it is nested deeper than 24 levels'],
      [`${'{1: '.repeat(LIMITS.conditionDepth + 1)}1${'}'.repeat(LIMITS.conditionDepth + 1)} == {}`, 'it is nested deeper than 24 levels'],
      [`${'!'.repeat(LIMITS.conditionDepth + 1)}true`, 'it is nested deeper than 24 levels'],
      [long(LIMITS.conditionLength + 1), 'it is longer than 4096 characters'],
    ] as const)
      assert.throws(
        () => compileExpression(over),
        (error) =>
          error instanceof SealwardError &&
          error.code === 'ERR_CONDITION_INVALID' &&
          error.message.endsWith(`cannot be used: ${says}`) &&
          error.cause === undefined,
        over.slice(0, 60),
      );
  });

  it('what is wrong is told in at most 300 characters, and the cause is kept', () => {
    assert.throws(
      () => compileExpression(`"x".matches("(${'a'.repeat(400)}")`),
      (error) =>
        error instanceof SealwardError &&
        error.cause instanceof Error &&
        error.message.endsWith(`: ${error.cause.message.slice(0, 300)}`) &&
        error.cause.message.length > 301,
    );
  });

  it('why it cannot be said is told in at most 300 characters', () => {
    const appraisal = evaluate(`predicate.${'x'.repeat(400)} == 1`, statement({}));
    assert.ok(
      appraisal.value === 'inconclusive' && appraisal.detail.startsWith('field not found: xxx') && appraisal.detail.length === 300,
      JSON.stringify(appraisal),
    );
    assert.deepEqual(evaluate('"yes"', statement({})), { value: 'inconclusive', code: 'ERR_CONDITION_FAILED', detail: 'its value is neither true nor false' });
  });

  it('names that are not known are refused wherever they stand', () => {
    for (const hidden of [
      '{predicate: image}',
      '{image: 1}',
      '[1, [image]]',
      'predicate.all(x, [1].exists(y, image))',
      'image.all(x, true)',
      '[1].map(x, x)[x]',
      'predicate.all(x, true) && x',
    ])
      assert.throws(
        () => compileExpression(`${hidden} == 1`),
        { code: 'ERR_CONDITION_INVALID', message: /it names "(image|x)", and there are only statement, predicate, predicateType, subjects/ },
        hidden,
      );
    assert.equal(evaluate('{"a": 1}.a == 1 && {predicateType: 2}[predicateType] == 2', statement({})).value, 'holds');
  });

  /** The same work costs the same everywhere: so large may it be, and not one larger. */
  const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const five = Array.from({ length: 5 }, () => 'predicate == predicate').join(' && ');
  const LARGEST: readonly (readonly [what: string, size: number, make: (n: number) => readonly [expression: string, predicate: unknown]])[] = [
    ['two texts twice', 64191, (n) => ['predicate == predicate && predicate == predicate', 'a'.repeat(n)]],
    ['bytes', 21407, (n) => ['bytes(predicate) == bytes(predicate) && bytes(predicate) == bytes(predicate)', 'a'.repeat(n)]],
    ['lists', 2005, (n) => [five, numbers(n)]],
    ['maps', 2005, (n) => [five, Object.fromEntries(numbers(n).map((i) => [`k${i}`, i]))]],
    ['a loop', 617, (n) => ['predicate.all(x, x >= 0.0 && x + 1.0 > 0.0 && x + 1.0 > 0.0)', numbers(n)]],
    ['a loop in a loop', 26, (n) => ['predicate.all(x, predicate.all(y, x == y || true))', numbers(n)]],
    ['a list that grows', 40, (n) => ['predicate.map(x, [x, x, x, x]).size() > 0', numbers(n)]],
    ['a map in a loop', 86, (n) => ['predicate.filter(x, {"a": x, "b": [x, x]}.size() > 0).size() > 0', numbers(n)]],
    ['patterns out of the statement', 254, (n) => ['predicate.all(p, "x".matches(p) || true)', numbers(n).map((i) => `a{30}${i}`)]],
    ['patterns that are used again', 185, (n) => ['predicate.all(p, "x".matches(p) || predicate[0].matches(p) || true)', numbers(n).map((i) => `a{30}${i}`)]],
    ['a list that is written out', 84, (n) => [`[${'1, '.repeat(n)}1].map(x, x).size() > 0`, null]],
  ];
  for (const [what, size, make] of LARGEST)
    it(`${what}: up to ${size}`, () => {
      const code = (n: number): string => {
        const [expression, predicate] = make(n);
        const appraisal = evaluate(expression, { ...statement(predicate), subjects: [] });
        return appraisal.value === 'inconclusive' ? appraisal.code : appraisal.value;
      };
      assert.deepEqual([code(size), code(size + 1)], ['holds', 'ERR_CONDITION_COST']);
    });
  it('tells that it was the cost', () => {
    assert.deepEqual(evaluate('predicate.all(x, predicate.all(y, x == y || true))', statement(numbers(100))), {
      value: 'inconclusive',
      code: 'ERR_CONDITION_COST',
      detail: 'it takes more than the 8000 steps that a condition may take',
    });
  });
});
