import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeBase64, decodeBase64Url, decodeHex, decodeProtoBytes, encodeBase64, encodeBase64Url, encodeHex } from './index.ts';

const refused = { code: 'ERR_ENCODING_INVALID' };
const bytes = fc.uint8Array({ maxLength: 200 });
const same = (value: Uint8Array) => Uint8Array.from(value);

describe('base64 and hex', () => {
  it('decode what they encode', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        assert.deepEqual(same(decodeBase64(encodeBase64(value))), value);
        assert.deepEqual(same(decodeBase64Url(encodeBase64Url(value))), value);
        assert.deepEqual(same(decodeHex(encodeHex(value))), value);
        for (const text of [encodeBase64(value), encodeBase64Url(value), encodeBase64(value).replace(/=+$/, '')]) {
          assert.deepEqual(same(decodeProtoBytes(text)), value);
        }
      }),
    );
  });

  it('accept one spelling of a value and no other', () => {
    const decoders = [
      [decodeBase64, encodeBase64],
      [decodeBase64Url, encodeBase64Url],
      [decodeHex, encodeHex],
    ] as const;
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('AaBb019+/-_= \n.gfé')) }), (text) => {
        for (const [decode, encode] of decoders) {
          try {
            assert.equal(encode(decode(text)), text);
          } catch (error) {
            assert.equal((error as { code?: string }).code, refused.code);
          }
        }
      }),
    );
  });

  for (const text of ['AA', 'AAA', 'AA=', 'AB==', 'AA===', ' AA==', 'AA==\n', 'A-_=', 'AA==AA==', 'AÀ==', '=']) {
    it(`base64 refuses ${JSON.stringify(text)}`, () => assert.throws(() => decodeBase64(text), refused));
  }
  for (const text of ['AA==', 'AB', 'A', '+/8', 'AA\n']) {
    it(`base64url refuses ${JSON.stringify(text)}`, () => assert.throws(() => decodeBase64Url(text), refused));
  }
  for (const text of ['abcg12', 'ABCD', 'abc', '0x12', 'ab cd', 'ab\u{ff11}2']) {
    it(`hex refuses ${JSON.stringify(text)}`, () => assert.throws(() => decodeHex(text), refused));
  }
  for (const text of ['AB==', 'AB', '+_8', 'AA=', 'AAA==', 'AAAA=', 'AAAA==', '-_8=A', 'AA==\n']) {
    it(`a bytes field refuses ${JSON.stringify(text)}`, () => assert.throws(() => decodeProtoBytes(text), refused));
  }

  it('names the value in the message and does not repeat it', () => {
    assert.throws(() => decodeBase64('\u001b[2Jsecret', 'the signature'), { message: 'the signature is not strict base64' });
  });
});
