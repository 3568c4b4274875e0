/** Signing of digests and messages as an HSM does it: of a digest only the digest is known. */
import { constants, createHash, type KeyObject, privateEncrypt, randomBytes, sign } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';

type HashName = 'sha256' | 'sha384' | 'sha512';

/** DigestInfo without the digest (RFC 8017 section 9.2, note 1). */
const DIGEST_INFO: Readonly<Record<HashName, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521 };

/** r || s over a digest. Node signs no bare digests, so this is noble's arithmetic with Node's key. */
export function signDigestRaw(key: KeyObject, digest: Uint8Array): Uint8Array {
  const jwk = key.export({ format: 'jwk' });
  const curve = CURVES[jwk.crv as keyof typeof CURVES];
  return curve.sign(digest, new Uint8Array(Buffer.from(jwk.d as string, 'base64url')), { prehash: false, lowS: false, format: 'compact' });
}

export function signDigestDer(key: KeyObject, digest: Uint8Array): Uint8Array {
  const jwk = key.export({ format: 'jwk' });
  const curve = CURVES[jwk.crv as keyof typeof CURVES];
  return curve.sign(digest, new Uint8Array(Buffer.from(jwk.d as string, 'base64url')), { prehash: false, lowS: false, format: 'der' });
}

/** RSASSA-PKCS1-v1_5 over a digest. */
export function signDigestRsa(key: KeyObject, digest: Uint8Array, hash: HashName): Uint8Array {
  if (digest.length !== { sha256: 32, sha384: 48, sha512: 64 }[hash]) throw new Error(`a digest of ${digest.length} bytes is none of ${hash}`);
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest]));
}

/** RSASSA-PSS over a SHA-256 digest, with a salt as long as it (RFC 8017 section 9.1.1). */
export function signDigestPss(key: KeyObject, digest: Uint8Array): Uint8Array {
  const size = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const salt = randomBytes(32);
  const h = createHash('sha256').update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const db = Buffer.concat([Buffer.alloc(size - 66), Buffer.of(1), salt]);
  const blocks = Array.from({ length: Math.ceil(db.length / 32) }, (_, i) =>
    createHash('sha256')
      .update(h)
      .update(Buffer.of(0, 0, 0, i))
      .digest(),
  );
  const mask = Buffer.concat(blocks);
  const masked = db.map((byte, i) => byte ^ (mask[i] as number));
  masked[0] = (masked[0] as number) & 0x7f;
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, Buffer.concat([masked, h, Buffer.of(0xbc)]));
}

export function signMessage(key: KeyObject, message: Uint8Array): Uint8Array {
  return sign(null, message, key);
}

export function digestOf(hash: HashName, message: Uint8Array): Uint8Array {
  return createHash(hash).update(message).digest();
}
