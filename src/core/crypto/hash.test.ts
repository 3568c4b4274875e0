import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fingerprintOf, HASH_BYTES, hash, sha256 } from './index.ts';

describe('hash', () => {
  it('hashes parts as if they stood in one piece, however long they are', () => {
    const parts = fc.array(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 5000, maxLength: 9000, size: 'max' })), { maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom('sha256', 'sha384', 'sha512'), parts, (name, pieces) => {
        const expected = createHash(name).update(Buffer.concat(pieces)).digest();
        const digest = hash(name, ...pieces);
        assert.ok(expected.equals(digest));
        assert.equal(digest.length, HASH_BYTES[name]);
        if (name === 'sha256') assert.ok(expected.equals(sha256(...pieces)));
        if (name === 'sha256') assert.equal(fingerprintOf(Buffer.concat(pieces)), expected.toString('hex'));
      }),
    );
  });

  it('gives a value of its own, which shares memory with nothing', () => {
    const digest = sha256(new Uint8Array(1));
    assert.equal(digest.buffer.byteLength, 32);
  });
});
