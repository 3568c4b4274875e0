/** The identity tokens of the issuer: short, for one audience, signed with ES256 by a key that may be anywhere. */
import { randomUUID } from 'node:crypto';
import type { Signer } from '../../clients/signers/index.ts';
import { ecdsaSignatureToRaw, type PublicKey } from '../../core/crypto/index.ts';
import { encodeBase64Url, type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';

/** Long enough to be carried to the authority; it is good for one certificate. */
export const TOKEN_SECONDS = 300;

export interface TokenMintOptions {
  readonly issuer: string;
  readonly audience: string;
  /** ECDSA P-256. */
  readonly signer: Signer;
  /** Keys that signed before this one, and whose last tokens may still be on their way. */
  readonly former?: readonly PublicKey[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface TokenMint {
  keySet(): { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  token(subject: string, claims: JsonObject): Promise<string>;
}

export function createTokenMint({ issuer, audience, signer, former = [], now }: TokenMintOptions): TokenMint {
  if (signer.algorithm.id !== 'ecdsa-p256-sha256') throw new SealwardError('ERR_KEY_INVALID', 'tokens are signed with ECDSA P-256');
  const keys = [signer.publicKey(), ...former].map((key) => ({ ...key.object.export({ format: 'jwk' }), kid: kidOf(key), alg: 'ES256', use: 'sig' }));
  const header = encodeBase64Url(utf8(JSON.stringify({ alg: 'ES256', kid: kidOf(signer.publicKey()), typ: 'JWT' })));
  return {
    keySet: () => ({ keys }),
    async token(subject, claims) {
      const at = Math.floor(now() / 1000);
      const payload = { iss: issuer, aud: audience, sub: subject, iat: at, nbf: at, exp: at + TOKEN_SECONDS, jti: randomUUID(), ...claims };
      const signed = `${header}.${encodeBase64Url(utf8(JSON.stringify(payload)))}`;
      // RFC 7518 section 3.4: the two numbers side by side, not DER.
      const raw = ecdsaSignatureToRaw('P-256', await signer.sign(utf8(signed)));
      invariant(raw, 'a signature of the token key is not one of its curve');
      return `${signed}.${encodeBase64Url(raw)}`;
    },
  };
}

function kidOf({ fingerprint }: PublicKey): string {
  return fingerprint.slice(0, 32);
}
