import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, type JsonValue, parseJson } from '../../encoding/index.ts';
import { canonicalBytes } from './canonical.ts';

const canonical = (value: JsonValue): string => decodeUtf8(canonicalBytes(value), 'it');

test('canonical JSON sorts by code points and escapes only what it must', () => {
  assert.equal(canonical({ b: [1, 'x', null, true], a: { '': -5 } }), '{"a":{"":-5},"b":[1,"x",null,true]}');
  assert.equal(canonical('a"b\\c\n\u0000é'), '"a\\"b\\\\c\n\u0000é"');
  // U+FF61 comes before U+1F600, although its UTF-16 does not.
  assert.equal(canonical({ '\u{1f600}': 1, '\uff61': 2 }), '{"\uff61":2,"\u{1f600}":1}');
});

test('canonical JSON holds no fractions', () => {
  for (const value of [0.5, Number.NaN, 2 ** 53]) assert.throws(() => canonical(value), { code: 'ERR_TRUST_INVALID' });
});

test('canonical JSON of what has no control characters is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value, (_, member: unknown) =>
        typeof member === 'number' ? Math.trunc(member % 1e6) + 0 : typeof member === 'string' ? member.replace(/\p{Cc}/gu, '') : member,
      );
      const plain = JSON.parse(text) as JsonValue;
      if (/"__proto__"/.test(text) || !text.isWellFormed() || /\\u/.test(text)) return;
      assert.deepEqual(JSON.parse(JSON.stringify(parseJson(canonicalBytes(plain), { what: 'it' }))), plain);
    }),
  );
});
