import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, decodeUtf8, equalBytes, utf8 } from './index.ts';

describe('bytes', () => {
  it('turn text into UTF-8 and back', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => assert.equal(decodeUtf8(utf8(text), 'the text'), text)));
    assert.equal(decodeUtf8(utf8('\ufeffa'), 'the text'), '\ufeffa');
  });

  it('refuse what is not UTF-8', () => {
    for (const bytes of [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      assert.throws(() => decodeUtf8(Uint8Array.from(bytes), 'the text'), { code: 'ERR_ENCODING_INVALID' });
    }
  });

  it('join and compare', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.uint8Array(), (parts, other) => {
        const joined = concatBytes(...parts);
        assert.ok(Buffer.concat(parts).equals(joined));
        assert.equal(equalBytes(joined, other), Buffer.compare(joined, other) === 0);
        assert.ok(equalBytes(other, Uint8Array.from(other)));
      }),
    );
  });
});
