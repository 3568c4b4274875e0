/** The proof that a client holds the private key that it wants certified: a request signed by it, or a signature over its subject. */
import { algorithmsFor, type PublicKey, parsePublicKeyPem, verifyCertificateRequest, verifySignature } from '../../core/crypto/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export type KeyProof =
  | { readonly kind: 'request'; readonly bytes: Uint8Array }
  | { readonly kind: 'signature'; readonly publicKeyPem: string; readonly signature: Uint8Array };

/** The key that is proven. @param challenges what the client may have signed. Throws ERR_PROOF_INVALID, ERR_KEY_INVALID or what a parser throws. */
export function verifyProof(proof: KeyProof, challenges: readonly string[]): PublicKey {
  if (proof.kind === 'request') return verifyCertificateRequest(proof.bytes);
  const key = parsePublicKeyPem(proof.publicKeyPem, 'the public key of the request');
  for (const challenge of challenges) {
    for (const algorithm of algorithmsFor(key)) {
      if (verifySignature(key, algorithm, { bytes: utf8(challenge) }, proof.signature)) return key;
    }
  }
  throw new SealwardError('ERR_PROOF_INVALID', 'the proof of possession is not a signature of the public key over the subject of the token');
}

/** Bits of classical strength (NIST SP 800-57 part 1, table 2); of ML-DSA its category's. */
const STRENGTH: Readonly<Record<string, number>> = {
  'P-256': 128,
  'P-384': 192,
  'P-521': 256,
  ed25519: 128,
  '44': 128,
  '65': 192,
  '87': 256,
};

export function strengthOf({ kind, curve, variant, bits = 0 }: PublicKey): number {
  if (kind === 'rsa') return bits >= 7680 ? 192 : bits >= 3072 ? 128 : 112;
  return STRENGTH[curve ?? variant ?? kind] ?? 0;
}
