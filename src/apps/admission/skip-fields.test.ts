import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonObject, type JsonValue, utf8 } from '../../core/encoding/index.ts';
import { imagesOf, podSpecsOf } from './images.ts';
import { readQuestion } from './question.ts';
import { withoutManagedFields } from './skip-fields.ts';

const skipped = (text: string): JsonValue => JSON.parse(withoutManagedFields(Buffer.from(text)).toString()) as JsonValue;

/** What should be left: each list of that name, if it is long enough, is empty. */
function expected(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(expected);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isLong = key === 'managedFields' && Array.isArray(inner) && Buffer.byteLength(JSON.stringify(inner)) - 2 >= 256;
      return [key, isLong ? [] : expected(inner)];
    }),
  );
}

const NASTY = fc.constantFrom(
  '"managedFields":[',
  ',"managedFields":[',
  '\\"managedFields":[',
  'managedFields',
  '\\',
  '"',
  ']',
  '[',
  '{"managedFields":[1]}',
  'é',
  '\u2028',
);
const key = fc.oneof(fc.constant('managedFields'), NASTY, fc.string());
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(NASTY, fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant('x'.repeat(300))),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

test('what is left is the same object with these lists empty, whatever stands in names and texts', () => {
  fc.assert(
    fc.property(tree, (value) => {
      const object = { value, managedFields: [value, 'y'.repeat(300)] };
      assert.deepEqual(skipped(JSON.stringify(object)), expected(JSON.parse(JSON.stringify(object)) as JsonValue));
    }),
    { numRuns: 500 },
  );
});

test('bytes that are no JSON stay bytes that are none', () => {
  for (const text of [
    '{"managedFields":[',
    `{"managedFields":["${'x'.repeat(400)}`,
    `{"managedFields":[${'['.repeat(400)}`,
    '"managedFields":[]',
    // Each of these lists would be looked through to the end of all of them: minutes.
    `{${'"a":1,"managedFields":['.repeat(60_000)}`,
    '{"a":"\\',
    '',
  ])
    assert.throws(() => skipped(text), SyntaxError);
});

const LONG = [{ manager: 'x'.repeat(300) }];
const review = (object: JsonObject, more: JsonObject = {}): Uint8Array =>
  utf8(
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u', kind: { group: 'x.example', version: 'v1', kind: 'Thing' }, operation: 'CREATE', object, ...more },
    }),
  );
const rules = { custom: new Map([['x.example/Thing', ['spec']]]), isServed: true };
const container = { containers: [{ name: 'a', image: 'r.example/a:1' }] };

test('in metadata nothing is missed; in a pod spec of a custom kind, where it would hide something, it is refused by its name', () => {
  const plain = readQuestion(review({ metadata: { managedFields: LONG }, spec: container }), rules);
  assert.deepEqual(plain.images, [{ path: 'spec.containers[0].image', image: 'r.example/a:1', name: 'a' }]);
  const hiding = { ...container, managedFields: [{ image: 'r.example/evil:1', more: 'x'.repeat(300) }] };
  const hidden = readQuestion(review({ spec: hiding }), rules);
  assert.match(hidden.unreadable?.message ?? '', /"managedFields" is no field of a pod spec/);
  const changed = readQuestion(review({ spec: hiding }, { operation: 'UPDATE', oldObject: { spec: { ...hiding, managedFields: LONG } } }), rules);
  assert.match(changed.unreadable?.message ?? '', /"managedFields"/, 'and two of them are not taken for the same');
  assert.throws(() => imagesOf('x.example/Thing', podSpecsOf('x.example/Thing', { spec: hiding }, rules.custom)), { code: 'ERR_IMAGES_UNREADABLE' });
});
