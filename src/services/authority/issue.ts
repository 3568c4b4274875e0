/**
 * From a token and a proof to a certificate. Each step needs the one before; nothing is signed with the real key that was
 * not linted in full, and nothing leaves that was not verified and recorded.
 */
import type { Signer } from '../../clients/signers/index.ts';
import {
  type Algorithm,
  algorithmsFor,
  buildChain,
  createVerdictCache,
  type Certificate,
  EXTENSION,
  encodeCertificate,
  encodeExtension,
  encodeTbsCertificate,
  fingerprintOf,
  generateKeyPair,
  type KeyKind,
  mayIssue,
  parseCertificate,
  type PublicKey,
  signBytes,
  type VerdictCache,
} from '../../core/crypto/index.ts';
import { equalBytes, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { encodeSctList, parseSctList, precertificateTbs, verifySct } from '../../core/tlog/index.ts';
import type { CertificateLog } from './certificate-log.ts';
import { lint, type LintExpectations } from './lint.ts';
import { type Principal, principalOf } from './principal.ts';
import { certificateFields, poisonExtension } from './profile.ts';
import { type KeyProof, strengthOf, verifyProof } from './proof.ts';
import type { Rates } from './rates.ts';
import type { Issuance, Ledger, UsedTokens } from './records.ts';
import { type TokenVerifier, verifyToken } from './token.ts';

export interface IssuingKey {
  readonly signer: Signer;
  /** The certificate of `signer`, then those above it up to the root. */
  readonly chain: readonly Certificate[];
}

export interface AuthorityOptions {
  readonly issuing: IssuingKey;
  /** Chains of keys that no longer issue, and whose certificates may still be met. */
  readonly former?: readonly (readonly Certificate[])[];
  readonly tokens: TokenVerifier;
  readonly log: CertificateLog;
  readonly ledger: Ledger;
  readonly used: UsedTokens;
  readonly rates: Rates;
  /** Milliseconds since 1970. Throws where the clock cannot be believed. */
  readonly now: () => number;
}

export interface CertificateRequest {
  readonly token: string;
  readonly proof: KeyProof;
  readonly remote: string;
}

export interface CertificateAuthority {
  readonly chains: readonly (readonly Certificate[])[];
  readonly tokens: TokenVerifier;
  /** The certificate, then those above it. Throws SealwardError; what came of it stands in the ledger either way. */
  issue(request: CertificateRequest): Promise<readonly Certificate[]>;
}

export function createCertificateAuthority(options: AuthorityOptions): CertificateAuthority {
  const { issuing, former = [], tokens, ledger } = options;
  checkIssuing(issuing);
  const desk: Desk = { rehearsal: rehearsalOf(issuing.signer), chains: createVerdictCache() };
  return {
    chains: [issuing.chain, ...former],
    tokens,
    async issue(request) {
      // Filled in as it becomes known, so that a refusal says how far it came.
      const entry: { -readonly [Key in keyof Issuance]?: Issuance[Key] } = { remote: request.remote, token: fingerprintOf(utf8(request.token)) };
      try {
        const certificate = await issueOnce(options, desk, request, entry);
        return [certificate, ...issuing.chain];
      } catch (error) {
        const known = error instanceof SealwardError ? error : undefined;
        const outcome = known && known.http < 500 ? 'refused' : 'failed';
        const reason = known ? { code: known.code, message: known.message.slice(0, 500) } : { code: 'ERR_INVARIANT' };
        await ledger.record({ remote: request.remote, ...entry, at: options.tokens.now(), outcome, ...reason });
        throw error;
      }
    },
  };
}

/** What is made once, and lies ready for every certificate. */
interface Desk {
  readonly rehearsal: Rehearsal;
  /** The signatures of authorities over each other, which are the same for every certificate. */
  readonly chains: VerdictCache;
}

async function issueOnce(
  { issuing, tokens, log, ledger, used, rates, now }: AuthorityOptions,
  desk: Desk,
  request: CertificateRequest,
  entry: { -readonly [Key in keyof Issuance]?: Issuance[Key] },
): Promise<Certificate> {
  // A clock that cannot be believed says nothing of the token, either.
  now();
  const { rule, payload, expires } = await verifyToken(request.token, tokens);
  entry.issuer = rule.url;
  entry.subject = typeof payload.sub === 'string' ? payload.sub.slice(0, 500) : '';
  const principal = principalOf(rule, payload);
  entry.name = principal.name.value;
  entry.claims = principal.claims;
  const key = verifyProof(request.proof, principal.challenges);
  entry.key = key.fingerprint;
  checkStrength(key, issuing);
  rates.take(`${rule.url} ${principal.name.value}`);
  const id = tokenId(rule.url, payload.jti, request.token);
  if (!(await used.take(id, rule.uses, expires))) throw new SealwardError('ERR_TOKEN_REPLAYED', 'the identity token was used before');
  try {
    const certificate = await certify(issuing, desk, log, principal, key, now());
    entry.serial = certificate.serial;
    entry.certificate = certificate.fingerprint;
    await ledger.record({ remote: request.remote, ...entry, at: tokens.now(), outcome: 'issued' });
    return certificate;
  } catch (error) {
    await used.giveBack(id);
    throw error;
  }
}

/** Within one issuer `jti` names the token (RFC 7519 section 4.1.7); some issuers give none, and two spellings of one must not be two tokens. */
function tokenId(issuer: string, jti: unknown, token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return fingerprintOf(utf8(typeof jti === 'string' && jti !== '' ? `${issuer}\n${jti}` : signed));
}

function checkStrength(key: PublicKey, { chain }: IssuingKey): void {
  const issuer = chain[0] as Certificate;
  if (strengthOf(key) > strengthOf(issuer.publicKey)) {
    throw new SealwardError('ERR_KEY_INVALID', 'the key is stronger than that of the authority, whose signature would not bear it', {
      hint: 'Sign with ECDSA P-256.',
    });
  }
}

/** Precertificate, timestamp, certificate: each linted under a throw-away key before the real one signs (RFC 6962 section 3.1). */
async function certify(
  issuing: IssuingKey,
  { rehearsal, chains }: Desk,
  log: CertificateLog,
  principal: Principal,
  key: PublicKey,
  now: number,
): Promise<Certificate> {
  const issuer = issuing.chain[0] as Certificate;
  const fields = certificateFields(issuer, key, principal, now);
  const expected = { issuer, key, name: principal.name.value, now } as const;
  const sign = async (extension: Uint8Array, carries: LintExpectations['carries']): Promise<Certificate> => {
    const tbs = encodeTbsCertificate({ ...fields, extensions: [...fields.extensions, extension] }, issuing.signer.algorithm);
    lint(encodeCertificate(tbs, rehearsal.algorithm, rehearsal.signature), { ...expected, carries });
    return parseCertificate(encodeCertificate(tbs, issuing.signer.algorithm, await issuing.signer.sign(tbs)));
  };
  const tbs = encodeTbsCertificate(fields, issuing.signer.algorithm);
  const precertificate = await sign(poisonExtension(), 'poison');
  const sct = await log.addPrecertificate({ tbs, der: precertificate.raw, chain: issuing.chain });
  const certificate = await sign(encodeExtension(EXTENSION.certificateTimestamps, encodeSctList([sct])), 'timestamps');
  checkRelease(certificate, tbs, issuing, log, chains);
  return certificate;
}

/** As its receivers will look at it: the chain holds, and the log promised to include exactly this certificate. */
function checkRelease(certificate: Certificate, tbs: Uint8Array, { chain }: IssuingKey, log: CertificateLog, chains: VerdictCache): void {
  invariant(equalBytes(precertificateTbs(certificate), tbs), 'the certificate is not the one that the log was shown');
  invariant(buildChain(certificate, [], chain, { cache: chains }), 'the certificate does not chain to its authority');
  const [sct] = parseSctList(certificate.extensions.find(({ oid }) => oid === EXTENSION.certificateTimestamps)?.value ?? new Uint8Array());
  const verdict = sct && verifySct(sct, certificate, chain[0] as Certificate, log);
  if (!verdict?.ok) {
    throw new SealwardError(
      'ERR_SERVICE_UNAVAILABLE',
      `the certificate log gave no promise that verifies${verdict ? `: ${verdict.detail}` : ''}; no certificate is issued without one`,
    );
  }
}

const THROW_AWAY: Readonly<Record<string, KeyKind>> = {
  'P-256': 'ecdsa-p256',
  'P-384': 'ecdsa-p384',
  'P-521': 'ecdsa-p521',
  ed25519: 'ed25519',
  '44': 'ml-dsa-44',
  '65': 'ml-dsa-65',
  '87': 'ml-dsa-87',
};

/**
 * What stands in the place of the signature while a certificate is looked at: of the same algorithm, by a key that nobody
 * trusts and that is gone. It is made once; the linter reads it and does not verify it, so it need not be over these bytes.
 */
interface Rehearsal {
  readonly algorithm: Algorithm;
  readonly signature: Uint8Array;
}

function rehearsalOf(signer: Signer): Rehearsal {
  const { kind, curve, variant, bits } = signer.publicKey();
  const name = THROW_AWAY[curve ?? variant ?? kind] ?? (`rsa${bits}` as KeyKind);
  const { privateKey, publicKey } = generateKeyPair(name);
  const algorithm = algorithmsFor(publicKey).find(({ id }) => id === signer.algorithm.id);
  invariant(algorithm, `no throw-away key for ${signer.algorithm.id}`);
  return { algorithm, signature: signBytes(privateKey, algorithm, utf8('a rehearsal')) };
}

/** Whether these certificates may issue with this key; found out at start and not by the first client. */
function checkIssuing({ signer, chain }: IssuingKey): void {
  const refuse = (why: string): never => {
    throw new SealwardError('ERR_STATE_INVALID', `the certificate of the authority ${why}`);
  };
  const [issuer] = chain;
  if (!issuer) return refuse('is missing');
  if (!equalBytes(issuer.publicKey.spki, signer.publicKey().spki)) refuse('is of another key than the one that signs');
  if (!mayIssue(issuer) || issuer.subjectKeyId === undefined) refuse('is not one of an authority');
  if (issuer.extendedKeyUsage !== undefined && !issuer.extendedKeyUsage.includes('1.3.6.1.5.5.7.3.3')) refuse('is not for signing code');
  chain.forEach((certificate, i) => {
    const above = chain[i + 1];
    if (above && !buildChain(certificate, [], [above])) refuse('does not chain to the certificate after it');
  });
}
