import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, LIMITS, parseJson, parseJsonObject, utf8 } from './index.ts';
import type { JsonValue } from './index.ts';

const limits = { what: 'the document' };
const refused = { code: 'ERR_JSON_INVALID' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('strict JSON', () => {
  it('reads what JSON.parse reads when nothing is ambiguous', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('"__proto__":') || /(^|[^"\w])-?\d{16,}/.test(text)) return;
        assert.deepEqual(parseJson(utf8(text), limits), JSON.parse(text));
        assert.deepEqual(parseJson(text, limits), JSON.parse(text));
      }),
    );
  });

  it('has one canonical form, which reads back as the same value (RFC 8785)', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = canonicalJson(value as JsonValue);
        assert.equal(canonicalJson(JSON.parse(text) as JsonValue), text);
        // -0 is written as 0, section 3.2.2.3.
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      }),
    );
    assert.equal(canonicalJson({ '\u20ac': 1, '\r': 2, '\ud83d\ude00': 3, '\ufb33': 4, 1: 5 }), '{"\\r":2,"1":5,"\u20ac":1,"\ud83d\ude00":3,"\ufb33":4}');
    assert.equal(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27]), '[333333333.3333333,1e+30,4.5,0.002,1e-27]');
  });

  const bad: [name: string, text: string][] = [
    ['a duplicate key', '{"a":1,"a":2}'],
    ['a duplicate key under an escape', '{"a":1,"\\u0061":2}'],
    ['a duplicate key deep inside', '{"x":[{"k":{"a":1,"b":2,"a":3}}]}'],
    ['a duplicate key after a string that ends in a backslash', '{"a":"\\\\","a":"\\""}'],
    ['the key __proto__', '{"__proto__":{}}'],
    ['the key __proto__ under an escape', '{"\\u005f_proto__":{}}'],
    ['2^53 + 1', '9007199254740993'],
    ['2^53, which 2^53 + 1 is rounded to', '{"n":9007199254740992}'],
    ['-(2^53 + 1)', '[-9007199254740993]'],
    ['a number beyond a double', '1e400'],
    ['a lone surrogate under an escape', '"\\ud800"'],
    ['a lone surrogate in a key', '{"\\uDFFF":1}'],
    ['a lone surrogate in a text', '"\ud800"'],
    ['bytes after the end', '{} {}'],
    ['a byte order mark', '\ufeff{}'],
    ['a comment', '{}//'],
    ['a trailing comma', '[1,]'],
    ['a single quote', "{'a':1}"],
    ['NaN', 'NaN'],
    ['nothing', ''],
    ['truncation', '{"a":'],
    ['65 levels', nested(65)],
    ['a hundred thousand levels', nested(100_000)],
    ['a hundred thousand open levels', '['.repeat(100_000)],
  ];
  for (const [name, text] of bad) it(`refuses ${name}`, () => assert.throws(() => parseJson(text, limits), refused));

  it('refuses bytes that are not UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xff, 0xfe, 0x7b, 0x00],
    ]) {
      assert.throws(() => parseJson(Uint8Array.from(bytes), limits), { code: 'ERR_ENCODING_INVALID' });
    }
  });

  it('accepts what lies on the edge', () => {
    assert.equal(parseJson('9007199254740991', limits), Number.MAX_SAFE_INTEGER);
    assert.deepEqual(parseJson('{"a":{"a":1},"b":[{"a":1},{"a":2}]}', limits), { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }] });
    assert.deepEqual(parseJson('["9007199254740993","a","a",1e2,-0.5]', limits), ['9007199254740993', 'a', 'a', 100, -0.5]);
    assert.equal(parseJson('"\\ud83d\\ude00"', limits), '\u{1f600}');
    assert.ok(parseJson(nested(LIMITS.jsonDepth), limits));
  });

  it('bounds the size before anything else, and the depth as asked', () => {
    const bytes = new Uint8Array(LIMITS.documentBytes + 1).fill(0x20);
    assert.throws(() => parseJson(bytes, limits), { code: 'ERR_TOO_LARGE' });
    assert.throws(() => parseJson('[1,2]', { ...limits, maxBytes: 4 }), { code: 'ERR_TOO_LARGE' });
    assert.throws(() => parseJson('[[1]]', { ...limits, maxDepth: 1 }), refused);
    bytes[0] = 0x30;
    assert.equal(parseJson(bytes.subarray(0, LIMITS.documentBytes), limits), 0);
  });

  it('takes only objects where an object is expected', () => {
    for (const text of ['[]', 'null', '1', '"a"']) assert.throws(() => parseJsonObject(text, limits), refused);
    assert.deepEqual(parseJsonObject('{"a":[]}', limits), { a: [] });
  });

  it('never repeats control characters of the document in its message', () => {
    assert.throws(
      () => parseJson('{"a":\u001b[2J}', limits),
      (error: Error) => {
        assert.doesNotMatch(error.message, /\p{Cc}/u);
        return true;
      },
    );
  });
});
