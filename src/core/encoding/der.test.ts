import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SealwardError } from '../errors.ts';
import {
  checkDerDepth,
  decodeHex,
  derBits,
  derBoolean,
  derChildren,
  derOid,
  derSmallInteger,
  derTime,
  derUnsigned,
  encodeDer,
  encodeHex,
  LIMITS,
  parseDer,
  TAG,
  utf8,
} from './index.ts';
import { processorTime } from '../../../test/processor-time.ts';

const refused = { code: 'ERR_DER_INVALID' };
const der = (hex: string) => parseDer(decodeHex(hex));
const time = (text: string, tag: number = TAG.generalizedTime) => derTime(parseDer(encodeDer(tag, utf8(text))), 'the time');

describe('DER', () => {
  it('reads what it encodes, at every length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.uint8Array({ maxLength: 70_000, size: 'max' }), (tag, value) => {
        const raw = encodeDer(tag, value);
        const node = parseDer(raw);
        assert.equal(node.tag, tag);
        assert.ok(Buffer.from(node.value).equals(value));
        assert.ok(Buffer.from(node.raw).equals(raw));
      }),
      { numRuns: 50 },
    );
  });

  it('has one encoding per structure: what is read encodes to the same bytes', () => {
    const rebuild = (bytes: Uint8Array): Uint8Array => {
      const node = parseDer(bytes);
      if ((node.tag & 0x20) === 0) return encodeDer(node.tag, node.value);
      return encodeDer(node.tag, ...derChildren(node).map((child) => rebuild(child.raw)));
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        try {
          assert.equal(encodeHex(rebuild(bytes)), encodeHex(bytes));
        } catch (error) {
          assert.ok(error instanceof SealwardError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  const bad: [name: string, hex: string][] = [
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a length beyond the end', '300201'],
    ['bytes after the end', '050000'],
    ['an indefinite length', '30800000'],
    ['a long form for a short length', '04810100'],
    ['a length with leading zeros', '0482008001'],
    ['a length of five octets', '04850000000001'],
    ['a length whose octets are missing', '0482ff'],
    ['a high tag number', '1f8101'],
  ];
  for (const [name, hex] of bad) it(`refuses ${name}`, () => assert.throws(() => der(hex), refused));

  it('refuses a child that reaches beyond its parent', () => {
    assert.throws(() => derChildren(der('3003040301')), refused);
    // The child's length would fit the document, not the parent.
    const [parent] = derChildren(der('3006300204020000'));
    assert.throws(() => derChildren(parent as never), refused);
  });

  it('bounds the depth', () => {
    const nest = (depth: number) => Array.from({ length: depth }).reduce<Uint8Array>((inner) => encodeDer(TAG.sequence, inner), new Uint8Array());
    assert.doesNotThrow(() => checkDerDepth(parseDer(nest(LIMITS.derDepth))));
    assert.throws(() => checkDerDepth(parseDer(nest(LIMITS.derDepth + 2))), refused);
  });

  it('reads integers in their shortest form only', () => {
    assert.equal(derUnsigned(der('020100'), 'n'), 0n);
    assert.equal(derUnsigned(der('02020080'), 'n'), 128n);
    assert.equal(derUnsigned(der('0209008000000000000000'), 'n'), 2n ** 63n);
    for (const hex of ['0200', '0180', '020180', '0202007f', '02020000']) assert.throws(() => derUnsigned(der(hex), 'n'), refused);
    assert.throws(() => derSmallInteger(der('02050080000000'), 'n'), refused);
  });

  it('reads a giant integer in linear time', async () => {
    const bytes = new Uint8Array(4_000_000).fill(0x7f);
    assert.ok((await processorTime(() => derUnsigned(parseDer(encodeDer(TAG.integer, bytes)), 'n'))) < 2000);
  });

  it('reads booleans and bit strings in their one form', () => {
    assert.equal(derBoolean(der('0101ff'), 'b'), true);
    assert.equal(derBoolean(der('010100'), 'b'), false);
    for (const hex of ['010101', '0100', '0102ffff', '0201ff']) assert.throws(() => derBoolean(der(hex), 'b'), refused);
    assert.deepEqual([...derBits(der('03020080'), 'bits')], [0x80]);
    for (const hex of ['0300', '03020780', '030108']) assert.throws(() => derBits(der(hex), 'bits'), refused);
  });

  it('reads object identifiers', () => {
    const known = {
      '06032a0304': '1.2.3.4',
      '0603551d0f': '2.5.29.15',
      '06092b0601040183bf3002': '1.3.6.1.4.1.57264.2',
      '0603883703': '2.999.3',
      '060127': '0.39',
      '06014f': '1.39',
    };
    for (const [hex, oid] of Object.entries(known)) assert.equal(derOid(der(hex), 'oid'), oid);
    for (const hex of ['0600', '060180', '06032a8001', '06022a80', '060b2affffffffffffffffff7f', `0641${'01'.repeat(65)}`]) {
      assert.throws(() => derOid(der(hex), 'oid'), refused, hex);
    }
  });

  it('reads times to the millisecond', () => {
    assert.equal(time('20250806185136Z'), Date.UTC(2025, 7, 6, 18, 51, 36));
    assert.equal(time('20240229000000Z'), Date.UTC(2024, 1, 29));
    assert.equal(time('250806185136Z', TAG.utcTime), Date.UTC(2025, 7, 6, 18, 51, 36));
    assert.equal(time('500101000000Z', TAG.utcTime), Date.UTC(1950, 0, 1));
    assert.equal(time('491231235959Z', TAG.utcTime), Date.UTC(2049, 11, 31, 23, 59, 59));
    assert.equal(time('99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
    for (let ms = 1; ms < 1000; ms++) {
      const fraction = String(ms).padStart(3, '0').replace(/0+$/, '');
      assert.equal(time(`20250101000000.${fraction}Z`), Date.UTC(2025, 0, 1) + ms);
    }
  });

  for (const text of [
    '20250806185136',
    '20250806185136+0100',
    '202508061851Z',
    '20250806185136.Z',
    '20250806185136.10Z',
    '20250230000000Z',
    '20250001000000Z',
    '20251301000000Z',
    '20250101240000Z',
    '20250101006000Z',
    '20250101000060Z',
    '00500101000000Z',
    '2025010100000٣Z',
  ]) {
    it(`refuses the time ${text}`, () => assert.throws(() => time(text), refused));
  }
});
