import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealwardError } from '../errors.ts';
import { attachmentTag, DIGEST_HEX_LENGTH, type DigestAlgorithm, digestFrom, digestOf, formatDigest, parseDigest, referrersTag, sameDigest } from './index.ts';

const HEX = { sha256: 'a'.repeat(64), sha384: 'b'.repeat(96), sha512: 'c'.repeat(128) };

test('a digest is parsed and written the same way for each algorithm', () => {
  for (const [algorithm, hex] of Object.entries(HEX)) {
    const digest = parseDigest(`${algorithm}:${hex}`);
    assert.deepEqual(digest, { algorithm, hex });
    assert.equal(formatDigest(digest), `${algorithm}:${hex}`);
  }
});

test('what is not exactly a digest is refused before it is used anywhere', () => {
  const bad = [
    '',
    'sha256',
    'sha256:',
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha256:${'A'.repeat(64)}`,
    `SHA256:${HEX.sha256}`,
    `sha1:${'a'.repeat(40)}`,
    `md5:${'a'.repeat(32)}`,
    `sha384:${HEX.sha256}`,
    `sha512:${HEX.sha384}`,
    ` sha256:${HEX.sha256}`,
    `sha256:${HEX.sha256}\n`,
    `sha256:../../../../etc/passwd`,
    `sha256:${'a'.repeat(60)}/../`,
    `sha256+b64:${HEX.sha256}`,
    'a'.repeat(10_000_000),
  ];
  for (const text of bad) {
    assert.equal(digestFrom(text), undefined, text.slice(0, 100));
    assert.throws(
      () => parseDigest(text),
      (error) => error instanceof SealwardError && error.code === 'ERR_REFERENCE_INVALID' && error.message.length < 500,
    );
  }
});

test('the digest of bytes is the one that the field computes', () => {
  assert.equal(formatDigest(digestOf(new Uint8Array())), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  for (const algorithm of Object.keys(DIGEST_HEX_LENGTH) as DigestAlgorithm[]) {
    assert.equal(digestOf(new Uint8Array([1]), algorithm).hex.length, DIGEST_HEX_LENGTH[algorithm]);
  }
  assert.equal(sameDigest(parseDigest(`sha256:${HEX.sha256}`), parseDigest(`sha256:${HEX.sha256}`)), true);
  assert.equal(sameDigest(parseDigest(`sha256:${HEX.sha256}`), parseDigest(`sha256:${'b'.repeat(64)}`)), false);
});

test('tags that stand for a digest follow the schemes of their inventors', () => {
  assert.equal(referrersTag(parseDigest(`sha256:${HEX.sha256}`)), `sha256-${HEX.sha256}`);
  // distribution-spec: the encoded part is cut to 64 characters.
  assert.equal(referrersTag(parseDigest(`sha512:${HEX.sha512}`)), `sha512-${'c'.repeat(64)}`);
  assert.equal(attachmentTag(parseDigest(`sha256:${HEX.sha256}`), 'sig'), `sha256-${HEX.sha256}.sig`);
  assert.equal(attachmentTag(parseDigest(`sha384:${HEX.sha384}`), 'att'), `sha384-${HEX.sha384}.att`);
  assert.equal(attachmentTag(parseDigest(`sha256:${HEX.sha256}`), 'sbom'), `sha256-${HEX.sha256}.sbom`);
  assert.equal(attachmentTag(parseDigest(`sha512:${HEX.sha512}`), 'sig'), undefined, 'no tag is that long');
});
