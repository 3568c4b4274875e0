import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PublicKeyDetails } from '@sigstore/protobuf-specs';
import { ALGORITHMS, algorithmByName, algorithmsFor, canVerifyDigest, defaultAlgorithm, generateKeyPair } from './index.ts';
import type { KeyKind } from './index.ts';

const names = (kind: KeyKind) => algorithmsFor(generateKeyPair(kind).publicKey).map((algorithm) => algorithm.id);

describe('the table of algorithms', () => {
  it('has the names and numbers of the registry', () => {
    for (const { id, keyDetails, keyDetailsNumber } of ALGORITHMS) {
      assert.equal((PublicKeyDetails as unknown as Record<string, number>)[keyDetails], keyDetailsNumber, id);
    }
    for (const column of ['id', 'keyDetails', 'keyDetailsNumber'] as const) {
      assert.equal(new Set(ALGORITHMS.map((algorithm) => algorithm[column])).size, ALGORITHMS.length);
    }
  });

  it('leaves out of the registry only what is refused on purpose', () => {
    // A keyed hash where a signature should be, and stateful hash-based signatures that nobody makes in this field.
    const refused = ['PUBLIC_KEY_DETAILS_UNSPECIFIED', 'PKIX_ECDSA_P256_HMAC_SHA_256', 'LMS_SHA256', 'LMOTS_SHA256'];
    const all = Object.keys(PublicKeyDetails).filter((name) => !/^(\d+|UNRECOGNIZED)$/.test(name));
    assert.deepEqual(all.filter((name) => !algorithmByName(name)).sort(), refused.sort());
  });

  it('is read by name and by number', () => {
    assert.equal(algorithmByName('PKIX_ED25519')?.id, 'ed25519');
    assert.equal(algorithmByName(5)?.id, 'ecdsa-p256-sha256');
    for (const name of ['', 'ed25519', 'pkix_ed25519', '5', 0, 6, 99, -1, Number.NaN]) assert.equal(algorithmByName(name), undefined);
  });

  it('gives every key the default of the registry', () => {
    const defaults: [KeyKind, string][] = [
      ['ecdsa-p256', 'PKIX_ECDSA_P256_SHA_256'],
      ['ecdsa-p384', 'PKIX_ECDSA_P384_SHA_384'],
      ['ecdsa-p521', 'PKIX_ECDSA_P521_SHA_512'],
      ['rsa2048', 'PKIX_RSA_PKCS1V15_2048_SHA256'],
      ['rsa3072', 'PKIX_RSA_PKCS1V15_3072_SHA256'],
      ['ed25519', 'PKIX_ED25519'],
      ['ml-dsa-65', 'ML_DSA_65'],
    ];
    for (const [kind, keyDetails] of defaults) {
      const algorithm = defaultAlgorithm(generateKeyPair(kind).publicKey);
      assert.equal(algorithm.keyDetails, keyDetails);
      assert.equal(algorithm.deprecated, false);
    }
  });

  it('lists every way in which a key may have signed, each once', () => {
    assert.deepEqual(names('ecdsa-p256'), ['ecdsa-p256-sha256']);
    assert.deepEqual(names('ecdsa-p384'), ['ecdsa-p384-sha384', 'ecdsa-p384-sha256']);
    assert.deepEqual(names('ecdsa-p521'), ['ecdsa-p521-sha512', 'ecdsa-p521-sha256']);
    assert.deepEqual(names('rsa2048'), ['rsa2048-pkcs1-sha256', 'rsa2048-pss-sha256']);
    assert.deepEqual(names('ed25519'), ['ed25519', 'ed25519ph']);
    assert.deepEqual(names('ml-dsa-44'), ['ml-dsa-44']);
  });

  it('knows where a digest is enough', () => {
    const without = ALGORITHMS.filter((algorithm) => !canVerifyDigest(algorithm)).map((algorithm) => algorithm.id);
    assert.deepEqual(without, ['ed25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87']);
  });
});
