/** Kyverno's conditions over a predicate: what has a form in CEL, and that nothing passes here which they would refuse. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imported, quotedPem, refusalOf } from '../../../../test/imports.ts';
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { compileExpression } from '../appraise/cel.ts';

const document = (conditions: string): string =>
  `{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: r, verifyImages: [{attestations: [{type: vuln, attestors: [{entries: [{keys: {publicKeys: ${quotedPem}}}]}], conditions: ${conditions}}]}]}]}}`;
const term = (operator: string, value: string, key = 'a.b'): string => `{key: '{{ ${key} }}', operator: ${operator}, value: ${value}}`;

function written(conditions: string): readonly JsonValue[] {
  const [spec] = imported(document(conditions)).specs;
  const [attestation] = (spec as JsonObject)['attestations'] as JsonObject[];
  return attestation?.['conditions'] as JsonValue[];
}

/** What one condition says of a predicate. */
function says(operator: string, value: string, b: JsonValue): string {
  const [expression] = written(`[{all: [${term(operator, value)}]}]`);
  return compileExpression(expression as string)({ version: 'v1', predicateType: 'https://acme.test/x', predicate: { a: { b } }, subjects: [] }).value;
}

describe("Kyverno's conditions", () => {
  it('all of these and any of those, for each block', () => {
    assert.deepEqual(
      written(
        `[{all: [${term('Equals', 'x')}, ${term('AnyIn', '[1, y]')}], any: [${term('Equal', 'true')}, ${term('LessThan', '3')}]}, {any: [${term('In', '[z]')}]}]`,
      ),
      ['predicate.a.b == "x" && predicate.a.b in [1,"y"] && (predicate.a.b == true || predicate.a.b < 3)', '(predicate.a.b in ["z"])'],
    );
    assert.deepEqual(written(`{all: [${term('Equals', 'x', 'Data')}]}`), ['predicate.Data == "x"']);
    assert.ok(
      imported(document(`{all: [${term('Equals', 'x')}]}`)).report.includes(
        'different spec.rules[0].verifyImages[0].attestations[0].conditions: written in CEL; a member that is missing makes it inconclusive',
      ),
    );
  });

  const COMPARED: readonly (readonly [operator: string, value: string, b: JsonValue, says: string])[] = [
    ['Equals', 'x', 'x', 'holds'],
    ['Equals', 'x', 'y', 'fails'],
    ['Equals', '"1.5"', '1.5', 'holds'],
    ['Equals', '5', 5, 'holds'],
    ['NotEquals', 'x', 'y', 'holds'],
    ['NotEquals', 'x', 'x', 'fails'],
    ['NotEqual', '5', 6, 'holds'],
    ['NotEqual', '5', 5, 'fails'],
    ['NotEqual', 'true', false, 'holds'],
    ['GreaterThan', '5', 6, 'holds'],
    ['GreaterThan', '5', 5, 'fails'],
    ['GreaterThanOrEquals', '5', 5, 'holds'],
    ['GreaterThanOrEquals', '5', 4, 'fails'],
    ['LessThan', '5', 4, 'holds'],
    ['LessThan', '5', 5, 'fails'],
    ['LessThanOrEquals', '5', 5, 'holds'],
    ['LessThanOrEquals', '5', 6, 'fails'],
    ['In', '[x, y]', 'y', 'holds'],
    ['AnyIn', '[x, y]', 'z', 'fails'],
    ['NotIn', '[x, y]', 'z', 'holds'],
    ['AllNotIn', '[x, y]', 'y', 'fails'],
    // A number is its text to them, and each item of a list is looked for.
    ['NotEquals', 'x', 5, 'fails'],
    ['NotEquals', '5', '5', 'fails'],
    ['NotEquals', 'true', 'true', 'fails'],
    ['AllNotIn', '["5"]', 5, 'fails'],
    ['AllNotIn', '[GPL]', ['GPL'], 'fails'],
    ['NotIn', '[GPL]', ['GPL', 'MIT'], 'fails'],
    ['In', '[GPL]', ['GPL'], 'fails'],
    ['GreaterThan', '5', '10s', 'inconclusive'],
  ];
  for (const [operator, value, b, expected] of COMPARED)
    it(`${JSON.stringify(b)} ${operator} ${value}: ${expected}`, () => assert.equal(says(operator, value, b), expected));

  const WITHOUT_FORM: readonly (readonly [what: string, conditions: string])[] = [
    ['no condition', '[]'],
    ['a block that asks for nothing', `[{all: [${term('Equals', 'x')}]}, {all: []}]`],
    ['a block with something else in it', `[{all: [${term('Equals', 'x')}], none: []}]`],
    ['a term without a form among others in all', `[{all: [${term('Equals', 'x')}, {key: x}]}]`],
    ['a term without a form among others in any', `[{any: [${term('Equals', 'x')}, {key: x}]}]`],
    ['a key that is no path', `[{all: [${term('Equals', 'x', 'a.b | c')}]}]`],
    ['a key with more around it', `[{all: [{key: 'v{{ a }}', operator: Equals, value: x}]}]`],
    ['an operator that is not known', `[{all: [${term('DurationGreaterThan', '5')}]}]`],
    ['an operator that every object has', `[{all: [${term('constructor', '5')}]}]`],
    ['a value that is not there', "[{all: [{key: '{{ a }}', operator: Equals}]}]"],
    ['a value that is a map', `[{all: [${term('Equals', '{a: b}')}]}]`],
    ['a value that is a list', `[{all: [${term('Equals', '[a]')}]}]`],
    ['a list that is none', `[{all: [${term('In', 'a')}]}]`],
    ['a list of exclusions that is none', `[{all: [${term('NotIn', 'a')}]}]`],
    ['exclusions that are no texts', `[{all: [${term('NotIn', '[a, 5]')}]}]`],
    ['wildcards', `[{all: [${term('Equals', "'a*'")}]}]`],
    ['wildcards in a list', `[{all: [${term('AllNotIn', "[a, 'GPL-?']")}]}]`],
    ['a duration that may be written in several ways', `[{all: [${term('NotEquals', '60m')}]}]`],
    ['a comparison of texts', `[{all: [${term('LessThan', 'x')}]}]`],
    ['a comparison with true', `[{all: [${term('GreaterThan', 'true')}]}]`],
  ];
  for (const [what, conditions] of WITHOUT_FORM)
    it(`${what}: refused`, () =>
      assert.equal(
        refusalOf(document(conditions)),
        'This policy could not be carried over: spec.rules[0].verifyImages[0].attestations[0].conditions: these conditions have no simple form in CEL; write them by hand.',
      ));
});
