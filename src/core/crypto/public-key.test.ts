import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes, decodeHex, encodeDer, encodePem, parseDer, derSequence, TAG } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import {
  describeKey,
  encodePublicKeyPem,
  generateKeyPair,
  parseEd25519PublicKey,
  parsePublicKey,
  parsePublicKeyPem,
  parseRsaPublicKey,
  sha256,
} from './index.ts';
import type { KeyKind, PublicKey } from './index.ts';

const refused = { code: 'ERR_KEY_INVALID' };
const KINDS: readonly [kind: KeyKind, described: string][] = [
  ['ecdsa-p256', 'ECDSA P-256'],
  ['ecdsa-p384', 'ECDSA P-384'],
  ['ecdsa-p521', 'ECDSA P-521'],
  ['rsa2048', 'RSA 2048'],
  ['ed25519', 'Ed25519'],
  ['ml-dsa-44', 'ML-DSA-44'],
  ['ml-dsa-65', 'ML-DSA-65'],
  ['ml-dsa-87', 'ML-DSA-87'],
];
const keys = new Map<KeyKind, PublicKey>(KINDS.map(([kind]) => [kind, generateKeyPair(kind).publicKey]));
const p256 = keys.get('ecdsa-p256') as PublicKey;

/** SubjectPublicKeyInfo from an AlgorithmIdentifier in hex and the key proper. */
function spki(identifier: string, raw: Uint8Array): Uint8Array {
  return encodeDer(TAG.sequence, decodeHex(identifier), encodeDer(TAG.bitString, Uint8Array.of(0), raw));
}
const RSA = '300d06092a864886f70d0101010500';
const P256 = '301306072a8648ce3d020106082a8648ce3d030107';

function rsa(modulus: Uint8Array, exponent: string): Uint8Array {
  return spki(RSA, encodeDer(TAG.sequence, encodeDer(TAG.integer, modulus), encodeDer(TAG.integer, decodeHex(exponent))));
}
/** An odd number with exactly so many bits, as the contents of a DER INTEGER. */
function modulus(bits: number): Uint8Array {
  const bytes = new Uint8Array(randomBytes(Math.ceil(bits / 8)));
  const top = (bits - 1) % 8;
  bytes[0] = ((bytes[0] as number) & ((1 << top) - 1)) | (1 << top);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) | 1;
  return top === 7 ? concatBytes(Uint8Array.of(0), bytes) : bytes;
}

describe('public keys', () => {
  for (const [kind, described] of KINDS) {
    it(`reads ${described}, whose one encoding gives it its name`, () => {
      const key = keys.get(kind) as PublicKey;
      assert.equal(describeKey(key), described);
      assert.ok(key.object.export({ format: 'der', type: 'spki' }).equals(key.spki));
      assert.equal(key.fingerprint, Buffer.from(sha256(key.spki)).toString('hex'));
      assert.equal(parsePublicKeyPem(encodePublicKeyPem(key)).fingerprint, key.fingerprint);
    });
  }

  it('keeps a copy, so that the caller cannot change a key under its name', () => {
    const bytes = Buffer.from(p256.spki);
    const key = parsePublicKey(bytes);
    bytes.fill(0);
    assert.ok(Buffer.from(p256.spki).equals(key.spki));
  });

  it('reads RSA keys that stand bare, in PEM and in DER', () => {
    const key = keys.get('rsa2048') as PublicKey;
    const bare = key.object.export({ format: 'der', type: 'pkcs1' });
    assert.equal(parseRsaPublicKey(bare).fingerprint, key.fingerprint);
    assert.equal(parsePublicKeyPem(encodePem('RSA PUBLIC KEY', bare)).fingerprint, key.fingerprint);
    assert.throws(() => parseRsaPublicKey(key.spki), refused);
  });

  it('reads a raw Ed25519 key', () => {
    const key = keys.get('ed25519') as PublicKey;
    assert.equal(parseEd25519PublicKey(key.raw).fingerprint, key.fingerprint);
    assert.throws(() => parseEd25519PublicKey(key.raw.subarray(1)), refused);
  });

  it('takes RSA from 2048 to 4096 bits', () => {
    for (const bits of [2048, 2049, 3000, 4095, 4096]) assert.equal(parsePublicKey(rsa(modulus(bits), '010001')).bits, bits);
    for (const bits of [512, 1024, 2047, 4097, 8192]) assert.throws(() => parsePublicKey(rsa(modulus(bits), '010001')), refused, String(bits));
  });

  it('takes odd RSA exponents from 3 to 2^31 - 1', () => {
    for (const exponent of ['03', '11', '010001', '7fffffff']) assert.ok(parsePublicKey(rsa(modulus(2048), exponent)));
    for (const exponent of ['00', '01', '02', '010000', '008000000b', '81'])
      assert.throws(() => parsePublicKey(rsa(modulus(2048), exponent)), refused, exponent);
    const even = modulus(2048);
    even[even.length - 1] = 2;
    assert.throws(() => parsePublicKey(rsa(even, '010001')), refused);
  });

  it('refuses other kinds and curves', () => {
    const others = [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ec', { namedCurve: 'secp224r1' }),
      generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }),
      generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }),
      generateKeyPairSync('ed448'),
      generateKeyPairSync('x25519'),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
      generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }),
    ];
    for (const { publicKey } of others) {
      assert.throws(() => parsePublicKey(publicKey.export({ format: 'der', type: 'spki' })), refused, publicKey.asymmetricKeyType);
    }
  });

  it('refuses second spellings of a key', () => {
    const point = p256.raw;
    const compressed = concatBytes(Uint8Array.of(2 + ((point[64] as number) & 1)), point.subarray(1, 33));
    const hybrid = concatBytes(Uint8Array.of(6 + ((point[64] as number) & 1)), point.subarray(1));
    const ber = Uint8Array.from([0x30, 0x81, ...p256.spki.subarray(1)]);
    const bare = derSequence(parseDer((keys.get('rsa2048') as PublicKey).raw), 'the key');
    const padded = spki(
      RSA,
      encodeDer(TAG.sequence, encodeDer(TAG.integer, Uint8Array.of(0), (bare[0] as { value: Uint8Array }).value), (bare[1] as { raw: Uint8Array }).raw),
    );
    const cases: Record<string, Uint8Array> = {
      'a compressed point': spki(P256, compressed),
      'a hybrid point': spki(P256, hybrid),
      'a length in its long form': ber,
      'bytes after the end': concatBytes(p256.spki, Uint8Array.of(0)),
      'a bit string with unused bits': encodeDer(TAG.sequence, decodeHex(P256), encodeDer(TAG.bitString, Uint8Array.of(1), point)),
      'RSA without its NULL': spki('300b06092a864886f70d010101', (keys.get('rsa2048') as PublicKey).raw),
      'Ed25519 with a NULL': spki('300706032b65700500', (keys.get('ed25519') as PublicKey).raw),
      'a modulus with a leading zero too many': padded,
    };
    // OpenSSL reads most of these, which is why its word is not enough.
    assert.ok(createPublicKey({ key: Buffer.from(cases['a compressed point'] as Uint8Array), format: 'der', type: 'spki' }));
    for (const [name, bytes] of Object.entries(cases)) assert.throws(() => parsePublicKey(bytes), refused, name);
  });

  it('refuses points that are not on the curve, and infinity', () => {
    const off = Uint8Array.from(p256.spki);
    off[off.length - 1] = (off[off.length - 1] as number) ^ 1;
    assert.throws(() => parsePublicKey(off), refused);
    assert.throws(() => parsePublicKey(spki(P256, Uint8Array.of(0))), refused);
    assert.throws(() => parsePublicKey(spki(P256, concatBytes(Uint8Array.of(4), new Uint8Array(64)))), refused);
  });

  it('refuses a key that is larger than any, before it looks at it', () => {
    assert.throws(() => parsePublicKey(new Uint8Array(4097)), refused);
    assert.throws(() => parseRsaPublicKey(new Uint8Array(4097)), refused);
  });

  it('refuses PEM of other kinds', () => {
    for (const text of ['', encodePem('CERTIFICATE', p256.spki), encodePem('PRIVATE KEY', p256.spki), encodePublicKeyPem(p256).repeat(2)]) {
      assert.throws(() => parsePublicKeyPem(text), { code: 'ERR_PEM_INVALID' });
    }
  });

  it('answers damaged keys with its own error, or reads them as another key with another name', () => {
    fc.assert(
      fc.property(fc.constantFrom(...keys.values()), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (key, at, flip, cut) => {
        const bytes = Uint8Array.from(key.spki);
        const i = at % bytes.length;
        bytes[i] = (bytes[i] as number) ^ flip;
        try {
          const other = parsePublicKey(cut ? bytes.subarray(0, i) : bytes);
          assert.ok(other.object.export({ format: 'der', type: 'spki' }).equals(bytes));
          assert.notEqual(other.fingerprint, key.fingerprint);
        } catch (error) {
          assert.ok(error instanceof SealwardError, String(error));
          assert.equal(error.code, 'ERR_KEY_INVALID');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
