/** Keys of TUF metadata: which records are read, and which are names that never count. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey } from '../../../testing/index.ts';
import { encodePublicKeyPem } from '../../crypto/index.ts';
import { encodeHex } from '../../encoding/index.ts';
import { Fields } from '../fields.ts';
import { composeMetadataKey, readMetadataKey } from './metadata-key.ts';

const read = (keytype: string, scheme: string, text: string) => readMetadataKey('id', new Fields({ keytype, scheme, keyval: { public: text } }, 'the key'));

describe('a key of TUF metadata', () => {
  const [p256, p384, ed25519] = [createTestKey('ecdsa-p256'), createTestKey('ecdsa-p384'), createTestKey('ed25519')].map(({ publicKey }) => publicKey);
  it('counts in a scheme of its own type alone', () => {
    const pem = encodePublicKeyPem(p256 as NonNullable<typeof p256>);
    assert.equal(read('ecdsa', 'ecdsa-sha2-nistp256', pem).usable?.algorithm.id, 'ecdsa-p256-sha256');
    assert.equal(read('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', pem).usable?.algorithm.id, 'ecdsa-p256-sha256');
    assert.equal(read('ecdsa', 'ecdsa-sha2-nistp384', encodePublicKeyPem(p384 as NonNullable<typeof p384>)).usable?.algorithm.id, 'ecdsa-p384-sha384');
    for (const [type, scheme] of [
      ['ed25519', 'ecdsa-sha2-nistp256'],
      ['rsa', 'ed25519'],
      ['ecdsa', 'ecdsa-sha2-nistp521'],
      ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp256'],
      ['ml-dsa', 'ml-dsa-45'],
      ['constructor', 'name'],
      ['of tomorrow', 'of tomorrow'],
    ] as const)
      assert.deepEqual(read(type, scheme, pem), { id: 'id' }, `${type} ${scheme}`);
  });
  it('that does not fit to its scheme, or cannot be read, is refused', () => {
    const raw = ed25519?.kind === 'ed25519' ? encodeHex(ed25519.raw) : '';
    assert.equal(read('ed25519', 'ed25519', raw).usable?.key.fingerprint, ed25519?.fingerprint);
    assert.throws(() => read('ecdsa', 'ecdsa-sha2-nistp384', encodePublicKeyPem(p256 as NonNullable<typeof p256>)), {
      code: 'ERR_TRUST_INVALID',
      message: 'the key: the key does not fit to its scheme ecdsa-sha2-nistp384',
    });
    assert.throws(() => read('rsa', 'rsassa-pss-sha256', raw), {
      code: 'ERR_TRUST_INVALID',
      message: 'the key, keyval: public cannot be read: it is not in PEM',
    });
    assert.throws(() => read('ed25519', 'ed25519', 'zz'), { code: 'ERR_TRUST_INVALID', message: /^the key, keyval: public cannot be read: / });
  });
  it('of a kind that stock clients do not read is not written', () => {
    for (const kind of ['ecdsa-p521', 'rsa2048'] as const)
      assert.throws(
        () => composeMetadataKey(createTestKey(kind).publicKey),
        { code: 'ERR_KEY_INVALID', message: 'a key of this kind does not sign metadata' },
        kind,
      );
  });
});
