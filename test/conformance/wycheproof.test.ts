/**
 * Every Wycheproof vector, over the message and, where a digest is enough, over the digest alone. All verdicts must
 * agree, without exception. Two rules where the suite leaves a choice or our profile is narrower:
 * - "acceptable" (a DigestInfo without its NULL parameter) is refused: one message has one encoding (RFC 8017 section 8.2.2).
 * - A key that is refused when it is read counts as "invalid" for each of its signatures.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Algorithm, HashName, PublicKey } from '../../src/core/crypto/index.ts';
import { algorithmByName, canVerifyDigest, ecdsaSignatureFromRaw, hash, parsePublicKey, verifySignature } from '../../src/core/crypto/index.ts';
import { decodeHex } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { requireVectors, vectorsPath } from '../vectors.ts';

interface Vector {
  readonly tcId: number;
  readonly msg: string;
  readonly sig: string;
  readonly ctx?: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}
interface Group {
  readonly publicKeyDer?: string | null;
  readonly tests: readonly Vector[];
}
interface Suite {
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
}

/** File, Sigstore's name for what it tests, and whether its signatures are r || s. */
const SUITES: readonly (readonly [file: string, keyDetails: string, raw?: boolean])[] = [
  ['ecdsa_secp256r1_sha256_test', 'PKIX_ECDSA_P256_SHA_256'],
  ['ecdsa_secp256r1_sha256_p1363_test', 'PKIX_ECDSA_P256_SHA_256', true],
  ['ecdsa_secp384r1_sha384_test', 'PKIX_ECDSA_P384_SHA_384'],
  ['ecdsa_secp521r1_sha512_test', 'PKIX_ECDSA_P521_SHA_512'],
  ['ed25519_test', 'PKIX_ED25519'],
  ['mldsa_44_verify_test', 'ML_DSA_44'],
  ['mldsa_65_verify_test', 'ML_DSA_65'],
  ['mldsa_87_verify_test', 'ML_DSA_87'],
  ['rsa_pss_3072_sha256_mgf1_32_test', 'PKIX_RSA_PSS_3072_SHA256'],
  ['rsa_signature_2048_sha256_test', 'PKIX_RSA_PKCS1V15_2048_SHA256'],
  ['rsa_signature_3072_sha256_test', 'PKIX_RSA_PKCS1V15_3072_SHA256'],
  ['rsa_signature_4096_sha256_test', 'PKIX_RSA_PKCS1V15_4096_SHA256'],
];

function readKey(der: string | null | undefined): PublicKey | undefined {
  if (!der) return undefined;
  try {
    return parsePublicKey(decodeHex(der));
  } catch (error) {
    assert.ok(error instanceof SealwardError, String(error));
    assert.equal(error.code, 'ERR_KEY_INVALID');
    return undefined;
  }
}

describe('Wycheproof', () => {
  for (const [file, keyDetails, raw] of SUITES) {
    it(file, (t) => {
      if (!requireVectors(t, 'wycheproof')) return;
      const suite = JSON.parse(readFileSync(vectorsPath('wycheproof', `${file}.json`), 'utf8')) as Suite;
      const algorithm = algorithmOf(keyDetails);
      let count = 0;
      let accepted = 0;
      for (const group of suite.testGroups) {
        const key = readKey(group.publicKeyDer);
        for (const vector of group.tests) {
          count++;
          const wanted = isWanted(vector);
          const message = decodeHex(vector.msg);
          const signature = signatureOf(vector, key, raw === true);
          const verdict = key !== undefined && signature !== undefined && verifySignature(key, algorithm, { bytes: message }, signature);
          assert.equal(verdict, wanted, `${file} ${vector.tcId}: over the message`);
          if (verdict) accepted++;
          if (!canVerifyDigest(algorithm) || !key || !signature) continue;
          const name = algorithm.hash as HashName;
          const digest = { digest: hash(name, message), hash: name };
          assert.equal(verifySignature(key, algorithm, digest, signature), wanted, `${file} ${vector.tcId}: over the digest`);
        }
      }
      assert.equal(count, suite.numberOfTests);
      assert.ok(accepted > 0 && accepted < count);
    });
  }

  it('leaves no file of the suite out', (t) => {
    if (!requireVectors(t, 'wycheproof')) return;
    const known = new Set(SUITES.map(([file]) => `${file}.json`));
    for (const file of readdirSync(vectorsPath('wycheproof'))) assert.ok(known.has(file), `${file} is not run`);
  });
});

/** The suite's signatures have a salt of 32 bytes and no other; Sigstore's own PSS rows take any length. */
function algorithmOf(keyDetails: string): Algorithm {
  const algorithm = algorithmByName(keyDetails);
  assert.ok(algorithm);
  return algorithm.scheme === 'rsa-pss' ? { ...algorithm, saltLength: 32 } : algorithm;
}

/** Signatures here are under the empty context; one under another context is not ours (FIPS 204 section 5.3). */
function isWanted(vector: Vector): boolean {
  return vector.result === 'valid' && !vector.ctx;
}

function signatureOf(vector: Vector, key: PublicKey | undefined, raw: boolean): Uint8Array | undefined {
  const bytes = decodeHex(vector.sig);
  return raw && key?.curve ? ecdsaSignatureFromRaw(key.curve, bytes) : bytes;
}
