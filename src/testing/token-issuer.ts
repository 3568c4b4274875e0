/** An OIDC issuer for tests: signs any claims, honest or not, and says under which keys. */
import { SignJWT } from 'jose';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { encodePrivateKeyPkcs8, type KeyKind } from '../core/crypto/index.ts';
import { encodeBase64Url, utf8 } from '../core/encoding/index.ts';
import { createTestKey } from './test-key.ts';

export interface TokenOptions {
  /** Members of the header beside `alg` and `kid`, or instead of them. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Claims beside `iss`, `aud`, `sub`, `iat`, `exp` and `jti`, or instead of them; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface TestTokenIssuer {
  readonly url: string;
  /** The key set as the issuer publishes it. */
  readonly keySet: () => { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  /** A token for this subject, ten minutes from now, for the audience `sigstore`. */
  token(subject: string, options?: TokenOptions): Promise<string>;
  /** The same, signed by nobody. */
  unsignedToken(subject: string, options?: TokenOptions): string;
}

export interface TokenIssuerOptions {
  readonly url?: string;
  readonly now: () => number;
  /** `rsa2048` signs with RS256, `ecdsa-p256` with ES256. */
  readonly kind?: Extract<KeyKind, 'rsa2048' | 'ecdsa-p256'>;
}

export function createTestTokenIssuer({ url = 'https://accounts.sealward.test', now, kind = 'ecdsa-p256' }: TokenIssuerOptions): TestTokenIssuer {
  const key = createPrivateKey({ key: Buffer.from(encodePrivateKeyPkcs8(createTestKey(kind).privateKey)), format: 'der', type: 'pkcs8' });
  const alg = kind === 'rsa2048' ? 'RS256' : 'ES256';
  let issued = 0;
  const payloadOf = (subject: string, claims: TokenOptions['claims']): Record<string, unknown> => {
    const seconds = Math.floor(now() / 1000);
    return { iss: url, aud: 'sigstore', sub: subject, iat: seconds, exp: seconds + 600, jti: `token ${++issued} of ${url}`, ...claims };
  };
  return {
    url,
    keySet: () => ({ keys: [{ ...createPublicKey(key).export({ format: 'jwk' }), kid: 'first', alg, use: 'sig' }] }),
    token: (subject, { header, claims } = {}) => new SignJWT(payloadOf(subject, claims)).setProtectedHeader({ alg, kid: 'first', ...header }).sign(key),
    unsignedToken(subject, { header, claims } = {}) {
      const part = (value: unknown): string => encodeBase64Url(utf8(JSON.stringify(value)));
      return `${part({ alg: 'none', ...header })}.${part(payloadOf(subject, claims))}.`;
    },
  };
}
