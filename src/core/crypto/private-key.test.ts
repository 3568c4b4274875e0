import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { utf8 } from '../encoding/index.ts';
import {
  algorithmByName,
  algorithmsFor,
  defaultAlgorithm,
  encodePrivateKeyPkcs8,
  generateKeyPair,
  parsePrivateKeyPkcs8,
  publicKeyOf,
  signBytes,
  verifySignature,
} from './index.ts';
import type { Algorithm, KeyKind } from './index.ts';

const refused = { code: 'ERR_KEY_INVALID' };
const message = utf8('a message');

describe('private keys', () => {
  it('survive PKCS#8, and sign as before', () => {
    for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'ed25519', 'ml-dsa-44'] satisfies KeyKind[]) {
      const { privateKey, publicKey } = generateKeyPair(kind);
      const again = parsePrivateKeyPkcs8(encodePrivateKeyPkcs8(privateKey));
      assert.equal(publicKeyOf(again).fingerprint, publicKey.fingerprint);
      const algorithm = defaultAlgorithm(publicKey);
      assert.ok(verifySignature(publicKey, algorithm, { bytes: message }, signBytes(again, algorithm, message)));
    }
  });

  it('are refused where no verifier would accept what they sign', () => {
    const weak = [
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
      generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 0x10001 }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed448'),
    ].map(({ privateKey }) => privateKey.export({ format: 'der', type: 'pkcs8' }));
    assert.ok(parsePrivateKeyPkcs8(weak[1] as Buffer));
    for (const der of [weak[0], weak[2], weak[3]]) assert.throws(() => parsePrivateKeyPkcs8(der as Buffer), refused);
  });

  it('that cannot be read are refused in a sentence that holds nothing of them', () => {
    for (const bytes of [
      new Uint8Array(),
      utf8('secret'),
      generateKeyPair('ecdsa-p256').publicKey.spki,
      encodePrivateKeyPkcs8(generateKeyPair('ed25519').privateKey).subarray(1),
    ]) {
      assert.throws(
        () => parsePrivateKeyPkcs8(bytes, 'cosign.key'),
        (error: Error) => {
          assert.equal(error.message, 'cosign.key is not a private key in PKCS#8');
          assert.equal(error.cause, undefined);
          return true;
        },
      );
    }
  });

  it('sign only with what fits them', () => {
    const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
    for (const name of ['PKIX_ECDSA_P384_SHA_384', 'PKIX_ED25519', 'ML_DSA_44', 'PKIX_RSA_PKCS1V15_2048_SHA256']) {
      assert.throws(() => signBytes(privateKey, algorithmByName(name) as Algorithm, message), refused);
    }
    assert.equal(algorithmsFor(publicKey).length, 1);
    assert.throws(() => signBytes(generateKeyPair('ed25519').privateKey, algorithmByName('PKIX_ED25519_PH') as Algorithm, message), refused);
  });
});
