import assert from 'node:assert/strict';
import { constants, createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import fc from 'fast-check';
import { decodeHex, encodeHex, utf8 } from '../encoding/index.ts';
import {
  ALGORITHMS,
  algorithmByName,
  algorithmsFor,
  canVerifyDigest,
  ecdsaSignatureFromRaw,
  generateKeyPair,
  hash,
  parseEd25519PublicKey,
  parsePublicKey,
  signBytes,
  verifySignature,
} from './index.ts';
import type { Algorithm, EcCurve, HashName, KeyKind, KeyPair, PublicKey } from './index.ts';
import { verifyScheme } from './verify-signature.ts';

const KINDS: readonly KeyKind[] = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'rsa3072', 'ed25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'];
const pairs = new Map<KeyKind, KeyPair>(KINDS.map((kind) => [kind, generateKeyPair(kind)]));
const pair = (kind: KeyKind) => pairs.get(kind) as KeyPair;
const algorithm = (name: string) => algorithmByName(name) as Algorithm;
const message = utf8('a message');
const digestOf = (name: HashName, bytes: Uint8Array) => ({ digest: hash(name, bytes), hash: name });

describe('verifySignature', () => {
  for (const kind of KINDS) {
    for (const row of algorithmsFor(pair(kind).publicKey).filter(({ scheme }) => scheme !== 'ed25519ph')) {
      it(`accepts ${row.id} over the message and, where that is enough, over its digest`, () => {
        const { privateKey, publicKey } = pair(kind);
        const signature = signBytes(privateKey, row, message);
        assert.ok(verifySignature(publicKey, row, { bytes: message }, signature));
        assert.equal(verifySignature(publicKey, row, { bytes: utf8('another') }, signature), false);
        const name = row.hash ?? 'sha256';
        assert.equal(verifySignature(publicKey, row, digestOf(name, message), signature), canVerifyDigest(row));
        assert.equal(verifySignature(publicKey, row, digestOf(name, utf8('another')), signature), false);
        assert.equal(verifySignature(publicKey, row, digestOf(name === 'sha512' ? 'sha256' : 'sha512', message), signature), false);
        assert.equal(verifySignature(publicKey, row, { digest: hash(name, message).subarray(1), hash: name }, signature), false);
        assert.equal(verifySignature(generateKeyPair(kind).publicKey, row, { bytes: message }, signature), false);
      });
    }
  }

  it('accepts no signature under another row of the table', () => {
    for (const kind of KINDS) {
      const { privateKey, publicKey } = pair(kind);
      const own = algorithmsFor(publicKey)[0] as Algorithm;
      const signature = signBytes(privateKey, own, message);
      for (const other of ALGORITHMS) {
        if (
          other.scheme === own.scheme &&
          other.hash === own.hash &&
          other.curve === own.curve &&
          (other.bits ?? own.bits) === own.bits &&
          other.variant === own.variant
        )
          continue;
        assert.equal(verifySignature(publicKey, other, { bytes: message }, signature), false, `${own.id} as ${other.id}`);
      }
    }
  });

  it('answers hostile signatures with false, whatever they are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.uint8Array({ maxLength: 600 }), fc.boolean(), (kind, signature, digest) => {
        const { publicKey } = pair(kind);
        for (const row of algorithmsFor(publicKey)) {
          const signed = digest ? digestOf(row.hash ?? 'sha256', message) : { bytes: message };
          assert.equal(verifySignature(publicKey, row, signed, signature), false);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('answers damaged signatures with false on both paths', () => {
    const kinds: KeyKind[] = ['ecdsa-p256', 'rsa2048', 'ed25519', 'ml-dsa-44'];
    const good = kinds.flatMap((kind) =>
      algorithmsFor(pair(kind).publicKey)
        .filter(({ scheme }) => scheme !== 'ed25519ph')
        .map((row) => ({ key: pair(kind).publicKey, row, signature: signBytes(pair(kind).privateKey, row, message) })),
    );
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(), fc.integer({ min: 1, max: 255 }), ({ key, row, signature }, at, flip) => {
        const bad = Uint8Array.from(signature);
        bad[at % bad.length] = (bad[at % bad.length] as number) ^ flip;
        assert.equal(verifySignature(key, row, { bytes: message }, bad), false);
        if (row.hash) assert.equal(verifySignature(key, row, digestOf(row.hash, message), bad), false);
      }),
    );
  });
});

/** n of each curve, and the second opinion on it. */
const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521 } as const;
const HASHES: Readonly<Record<EcCurve, HashName>> = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' };

function ecKey(curve: EcCurve, secret: bigint): PublicKey {
  const point = CURVES[curve].Point.BASE.multiply(secret).toBytes(false);
  const prefix = {
    'P-256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
    'P-384': '3076301006072a8648ce3d020106052b81040022036200',
    'P-521': '30819b301006072a8648ce3d020106052b8104002303818600',
  };
  return parsePublicKey(decodeHex(prefix[curve] + encodeHex(point)));
}

/** The signature (r, s) under the key d over the number z with the nonce t: any z, not only one that is a digest. */
function signNumber(curve: EcCurve, d: bigint, z: bigint, t: bigint, r?: bigint): { r: bigint; s: bigint } {
  const { Fn, BASE } = CURVES[curve].Point;
  const x = r ?? Fn.create(BASE.multiply(t).toAffine().x);
  return { r: x, s: Fn.mul(Fn.inv(t), Fn.create(z + x * d)) };
}

function der(curve: EcCurve, { r, s }: { r: bigint; s: bigint }): Uint8Array {
  const size = CURVES[curve].Point.Fn.BYTES;
  const hex = (value: bigint) => value.toString(16).padStart(2 * size, '0');
  return ecdsaSignatureFromRaw(curve, decodeHex(hex(r) + hex(s))) as Uint8Array;
}

function digestFor(curve: EcCurve, z: bigint): { digest: Uint8Array; hash: HashName } {
  const name = HASHES[curve];
  const length = { sha256: 32, sha384: 48, sha512: 64 }[name];
  return { digest: decodeHex(z.toString(16).padStart(2 * length, '0')), hash: name };
}

describe('ECDSA over a digest', () => {
  const scalar = (n: bigint) => fc.bigInt({ min: 1n, max: n - 1n });

  for (const [curve, runs] of [
    ['P-256', 60],
    ['P-384', 15],
    ['P-521', 8],
  ] as const) {
    const { n } = CURVES[curve].Point.CURVE();
    const rowName = { 'P-256': 'PKIX_ECDSA_P256_SHA_256', 'P-384': 'PKIX_ECDSA_P384_SHA_384', 'P-521': 'PKIX_ECDSA_P521_SHA_512' }[curve];
    const row = algorithm(rowName);
    const verify = (d: bigint, z: bigint, signature: { r: bigint; s: bigint }) =>
      verifySignature(ecKey(curve, d), row, digestFor(curve, z), der(curve, signature));
    const maxDigest = 1n << (curve === 'P-521' ? 512n : BigInt(CURVES[curve].Point.Fn.BYTES * 8));

    it(`${curve}: agrees with another implementation on right and on wrong signatures`, () => {
      fc.assert(
        fc.property(scalar(n), scalar(n), fc.bigInt({ min: 0n, max: maxDigest - 1n }), fc.boolean(), (d, t, z, damage) => {
          const { r, s } = signNumber(curve, d, z, t);
          const signature = { r, s: damage ? (s % (n - 1n)) + 1n : s };
          const bytes = der(curve, signature);
          const { digest } = digestFor(curve, z);
          const other = CURVES[curve].verify(bytes, digest, CURVES[curve].Point.BASE.multiply(d).toBytes(), { prehash: false, lowS: false, format: 'der' });
          assert.equal(verify(d, z, signature), other);
          assert.equal(other, !damage);
        }),
        { numRuns: runs },
      );
    });

    it(`${curve}: has no blind spot where the addition is special`, () => {
      const [d, t] = [7n ** 80n % n, 5n ** 90n % n];
      const { Fn, BASE } = CURVES[curve].Point;
      // z = 0: nothing is added.
      assert.ok(verify(d, 0n, signNumber(curve, d, 0n, t)));
      // z/r = d: the key is added to itself. z has to be small enough to be a digest, so search for a nonce.
      let doubled = false;
      for (let nonce = t, i = 0; i < 4000 && !doubled; i++, nonce = Fn.create(nonce + 1n)) {
        const r = Fn.create(BASE.multiply(nonce).toAffine().x);
        const z = Fn.mul(r, d);
        if (z >= maxDigest) continue;
        doubled = true;
        assert.ok(verify(d, z, signNumber(curve, d, z, nonce, r)));
        // z/r = -d: the sum is infinity, and no s makes a signature of that.
        const negated = Fn.neg(z);
        if (negated < maxDigest) for (const s of [1n, 2n, t, n - 1n]) assert.equal(verify(d, negated, { r, s }), false);
      }
      assert.ok(doubled);
      const { r, s } = signNumber(curve, d, 1n, t);
      for (const bad of [
        { r: 0n, s },
        { r, s: 0n },
        { r: n, s },
        { r, s: n },
        { r: r + 1n, s },
        { r: s, s: r },
      ])
        assert.equal(verify(d, 1n, bad), false);
      // Both s and n - s are signatures; nothing here relies on there being only one.
      assert.ok(verify(d, 1n, { r, s: n - s }));
    });
  }

  it('cuts a digest that is longer than the order, and takes a shorter one whole, as OpenSSL does', () => {
    for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521'] as const) {
      const { privateKey, publicKey } = pair(kind);
      for (const name of ['sha256', 'sha384', 'sha512'] as const) {
        const signature = sign(name, message, { key: privateKey, dsaEncoding: 'der' });
        assert.ok(verifyScheme(publicKey, { scheme: 'ecdsa', hash: name }, digestOf(name, message), signature), `${kind} ${name}`);
      }
    }
  });
});

describe('RSA over a digest', () => {
  it('agrees with OpenSSL for every hash, salt length and size of modulus', () => {
    // 2049 bits: the encoded message of PSS is then a byte shorter than the modulus (RFC 8017 section 8.1.2).
    for (const modulusLength of [2048, 2049, 2050, 2055]) {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
      const key = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }));
      for (const name of ['sha256', 'sha384', 'sha512'] as const) {
        const plain = sign(name, message, privateKey);
        assert.ok(verifyScheme(key, { scheme: 'rsa-pkcs1', hash: name }, digestOf(name, message), plain));
        assert.equal(verifyScheme(key, { scheme: 'rsa-pss', hash: name }, digestOf(name, message), plain), false);
        for (const saltLength of [0, 1, 20, 32, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
          const pss = sign(name, message, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
          assert.ok(verifyScheme(key, { scheme: 'rsa-pss', hash: name }, digestOf(name, message), pss), `${modulusLength} ${name} ${saltLength}`);
          assert.ok(verifyScheme(key, { scheme: 'rsa-pss', hash: name }, { bytes: message }, pss));
          for (const signed of [digestOf(name, message), { bytes: message }]) {
            if (saltLength >= 0) assert.ok(verifyScheme(key, { scheme: 'rsa-pss', hash: name, saltLength }, signed, pss));
            assert.equal(verifyScheme(key, { scheme: 'rsa-pss', hash: name, saltLength: 33 }, signed, pss), false);
          }
        }
      }
    }
  });

  it('refuses a signature with a byte too many or too few, and one that is not below the modulus', () => {
    const { privateKey, publicKey } = pair('rsa2048');
    const row = algorithm('PKIX_RSA_PKCS1V15_2048_SHA256');
    const good = signBytes(privateKey, row, message);
    const modulus = publicKey.raw.subarray(9, 9 + 256);
    for (const bad of [good.subarray(1), Buffer.concat([Buffer.alloc(1), good]), Buffer.alloc(0), Buffer.alloc(256), Buffer.alloc(256, 0xff), modulus]) {
      assert.equal(verifySignature(publicKey, row, digestOf('sha256', message), bad), false);
    }
  });
});

describe('Ed25519ph', () => {
  const row = algorithm('PKIX_ED25519_PH');

  it('accepts the example of RFC 8032 section 7.3', () => {
    const key = parseEd25519PublicKey(decodeHex('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf'));
    const signature = decodeHex(
      '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
    );
    assert.ok(verifySignature(key, row, { bytes: utf8('abc') }, signature));
    assert.ok(verifySignature(key, row, digestOf('sha512', utf8('abc')), signature));
    assert.equal(verifySignature(key, algorithm('PKIX_ED25519'), { bytes: utf8('abc') }, signature), false);
  });

  it('agrees with another implementation on right and on damaged signatures', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 100 }), fc.option(fc.nat(511)), (secret, bytes, bit) => {
        const raw = ed25519ph.getPublicKey(secret);
        const signature = ed25519ph.sign(bytes, secret);
        if (bit !== null) signature[bit >> 3] = (signature[bit >> 3] as number) ^ (1 << (bit & 7));
        const other = ed25519ph.verify(signature, bytes, raw, { zip215: false });
        assert.equal(verifySignature(parseEd25519PublicKey(raw), row, { bytes }, signature), other);
        assert.equal(other, bit === null);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a second spelling of the same signature, and a key that is no point', () => {
    const { privateKey, publicKey } = pair('ed25519');
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
    const signature = ed25519ph.sign(message, seed);
    assert.ok(verifySignature(publicKey, row, { bytes: message }, signature));
    // S + L (RFC 8032 section 5.1.7 step 1)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const again = Buffer.from(signature);
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse().copy(again, 32);
    assert.equal(verifySignature(publicKey, row, { bytes: message }, again), false);
    for (const raw of ['02'.padEnd(64, '0'), 'ff'.repeat(32), 'ed'.padEnd(62, 'f') + '7f', `01${'0'.repeat(60)}80`]) {
      assert.equal(verifySignature(parseEd25519PublicKey(decodeHex(raw)), row, { bytes: message }, signature), false, raw);
    }
  });

  it('hashes with SHA-512 and nothing else', () => {
    assert.equal(createHash('sha512').update('abc').digest('hex'), encodeHex(hash('sha512', utf8('abc'))));
    assert.equal(row.hash, 'sha512');
  });
});
