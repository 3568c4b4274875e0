/** Reading an identity token: size, shape, issuer, key, signature, times, in this order; each step needs the one before. */
import { compactVerify, importJWK } from 'jose';
import { decodeBase64Url, decodeUtf8, type JsonObject, type JsonValue, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { IssuerRule } from './issuer.ts';
import type { IssuerKeys, TokenKey } from './issuer-keys.ts';

export interface VerifiedToken {
  readonly rule: IssuerRule;
  readonly payload: JsonObject;
  /** When it ends, in milliseconds since 1970. */
  readonly expires: number;
}

/** A clock elsewhere may be this much ahead of ours. A token that has ended has ended. */
const SKEW_MS = 60_000;
/** Header members that would let a token bring its own key, or change how it is read (RFC 7515 section 4.1). */
const REFUSED_MEMBERS = ['jwk', 'jku', 'x5c', 'x5u', 'crit', 'b64', 'zip', 'enc'];

function invalid(why: string, hint?: string): SealwardError {
  return new SealwardError('ERR_TOKEN_INVALID', `the identity token ${why}`, hint === undefined ? {} : { hint });
}

export interface TokenVerifier {
  readonly rules: ReadonlyMap<string, IssuerRule>;
  readonly keys: IssuerKeys;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Throws ERR_TOKEN_INVALID, ERR_ISSUER_UNKNOWN, ERR_TOO_LARGE or ERR_SERVICE_UNAVAILABLE. */
export async function verifyToken(token: string, { rules, keys, now }: TokenVerifier): Promise<VerifiedToken> {
  const { header, payload } = readUnverified(token);
  const rule = typeof payload.iss === 'string' ? rules.get(payload.iss) : undefined;
  if (!rule) throw new SealwardError('ERR_ISSUER_UNKNOWN', `no certificate is issued for tokens of ${shown(payload.iss)}`);
  const algorithm = rule.algorithms.find((name) => name === header.alg);
  if (algorithm === undefined) throw invalid(`is signed with ${shown(header.alg)}; its issuer signs with ${rule.algorithms.join(' or ')}`);
  const kid = typeof header.kid === 'string' ? header.kid : undefined;
  const candidates = (await keys.find(rule, kid)).filter((key) => mayVerify(key, algorithm));
  if (!(await isSignedByOne(token, candidates, algorithm))) throw invalid('is not signed by a key of its issuer');
  checkAudience(payload, rule);
  return { rule, payload, expires: checkTimes(payload, rule, now()) };
}

/** Nothing in it is believed yet; what it says only chooses whom to ask. */
function readUnverified(token: string): { readonly header: JsonObject; readonly payload: JsonObject } {
  // Before anything is split: ten megabytes of dots would be ten million strings (CVE-2025-66506).
  if (token.length > LIMITS.jwtBytes) throw new SealwardError('ERR_TOO_LARGE', `the identity token is larger than ${LIMITS.jwtBytes} bytes`);
  const parts = token.split('.', 4);
  const [head = '', body = '', signature = ''] = parts;
  if (parts.length !== 3 || head === '' || body === '' || signature === '') throw invalid('is not a signed JWT');
  const header = readPart(head, 'header');
  const member = REFUSED_MEMBERS.find((name) => Object.hasOwn(header, name));
  if (member !== undefined) throw invalid(`has ${member} in its header, which is refused`);
  return { header, payload: readPart(body, 'payload') };
}

function readPart(text: string, name: string): JsonObject {
  try {
    const what = `the ${name} of the identity token`;
    return parseJsonObject(decodeUtf8(decodeBase64Url(text, what), what), { what, maxBytes: LIMITS.jwtBytes, maxDepth: 8 });
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
    throw new SealwardError('ERR_TOKEN_INVALID', cause.message, { cause });
  }
}

/** A key that says what it is for is used for nothing else (RFC 7517 sections 4.2 to 4.4). */
function mayVerify(key: TokenKey, algorithm: string): boolean {
  const operations = key['key_ops'];
  return (
    (key['use'] === undefined || key['use'] === 'sig') &&
    (key['alg'] === undefined || key['alg'] === algorithm) &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify'))) &&
    // A secret shared with nobody: a symmetric key in a public set is a mistake that must not verify anything.
    key['kty'] !== 'oct'
  );
}

async function isSignedByOne(token: string, keys: readonly TokenKey[], algorithm: string): Promise<boolean> {
  // A few stand side by side while an issuer changes its keys; each costs a signature to verify.
  for (const jwk of keys.slice(0, 8)) {
    try {
      await compactVerify(token, await importJWK(jwk, algorithm), { algorithms: [algorithm] });
      return true;
    } catch {
      // Of another kind, malformed, or not the key: the next may be the one.
    }
  }
  return false;
}

/** Of something that an attacker may have written. */
function shown(value: JsonValue | undefined): string {
  return JSON.stringify(value ?? null).slice(0, 200);
}

function checkAudience({ aud }: JsonObject, { audience }: IssuerRule): void {
  const audiences = Array.isArray(aud) ? aud : [aud];
  // One audience: a token that is good elsewhere, too, is in the hands of whoever it was shown to there.
  if (audiences.length !== 1 || audiences[0] !== audience) {
    throw invalid(`is for the audience ${shown(aud)}`, `Ask for a token with the audience ${JSON.stringify(audience)} alone.`);
  }
}

function checkTimes(payload: JsonObject, { maxAgeMs }: IssuerRule, now: number): number {
  const at = (name: 'exp' | 'iat' | 'nbf'): number | undefined => {
    const value = payload[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > 1e11) throw invalid(`has a claim ${name} that is not a time`);
    return value * 1000;
  };
  const [exp, iat, nbf] = [at('exp'), at('iat'), at('nbf')];
  if (exp === undefined || iat === undefined) throw invalid('does not say when it was issued and when it ends');
  if (now >= exp) throw invalid(`ended ${Math.ceil((now - exp) / 1000)} s ago`, 'Get a new token.');
  if (iat > now + SKEW_MS || (nbf !== undefined && nbf > now + SKEW_MS))
    throw invalid('is not valid yet', 'Check the clocks of the issuer and of this server.');
  if (now - iat > maxAgeMs) throw invalid(`is ${Math.round((now - iat) / 60_000)} minutes old`, 'Get a new token.');
  return exp;
}
