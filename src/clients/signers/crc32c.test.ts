import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../core/encoding/index.ts';
import { crc32c } from './crc32c.ts';

// RFC 3720 section B.4, and the check value of the algorithm.
test('CRC-32C of the published examples', () => {
  assert.equal(crc32c(utf8('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(new Uint8Array()), 0);
});
