/** Whether a trusted authority dated a message (RFC 3161 section 2.4.2, with the checks of section 4 that concern a verifier). */
import { hash as hashOnce } from 'node:crypto';
import { encodeHex, equalBytes } from '../encoding/index.ts';
import type { FindingCode } from '../errors.ts';
import { SealwardError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { parseCertificate } from './certificate.ts';
import { buildChain, chainServes, wasValidAt } from './certificate-chain.ts';
import { EXTENDED_KEY_USAGE, EXTENSION } from './certificate-extensions.ts';
import { hash } from './hash.ts';
import { schemeOf } from './signature-oid.ts';
import type { CertificateId, TimestampToken } from './timestamp-token.ts';
import type { VerdictCache } from './verdict-cache.ts';
import { verifyScheme } from './verify-signature.ts';

export type TimestampVerdict =
  | {
      readonly ok: true;
      /** The time that the authority stated, in milliseconds since 1970. */
      readonly at: number;
      /** The message existed at some moment in this interval: the stated time with its accuracy. */
      readonly from: number;
      readonly to: number;
      /** The authority's certificate that signed. */
      readonly signer: Certificate;
      /** From `signer` up to a trusted certificate. */
      readonly chain: readonly Certificate[];
    }
  | { readonly ok: false; readonly reason: FindingCode };

/**
 * `trusted` are the certificates of one authority, in any order: when signing certificates are among them, one of those
 * must have signed; when there are only certificate authorities, any timestamping certificate below them may come with
 * the token. When the authority itself was trusted is for the caller to judge.
 *
 * TIMESTAMP_UNTRUSTED: the token does not say that it is of this authority, or its signer may not date anything.
 * TIMESTAMP_INVALID and TIMESTAMP_MISMATCH: it says so, and does not verify or dates something else.
 */
export function verifyTimestampToken(token: TimestampToken, message: Uint8Array, trusted: readonly Certificate[], cache?: VerdictCache): TimestampVerdict {
  const { statement } = token;
  // Where the signing certificate is trusted itself, nothing that came along is needed.
  const embedded = trusted.every(({ isCa }) => isCa) ? readCertificates(token) : [];
  const found = findSigner(token, trusted, embedded, cache);
  if (!found) return refused(isOfAuthority(token, trusted, embedded) ? 'TIMESTAMP_INVALID' : 'TIMESTAMP_UNTRUSTED');
  const { signer, chain } = found;
  if (!isTimestampingCertificate(signer) || !chainServes(chain, EXTENDED_KEY_USAGE.timeStamping)) return refused('TIMESTAMP_UNTRUSTED');
  if (!equalBytes(hash(statement.hash, message), statement.digest)) return refused('TIMESTAMP_MISMATCH');
  if (!isSignedBy(token, signer)) return refused('TIMESTAMP_INVALID');
  if (!wasValidAt(chain, statement.time)) return refused('TIMESTAMP_OUTSIDE_WINDOW');
  return { ok: true, at: statement.time, from: statement.time - statement.accuracy, to: statement.time + statement.accuracy, signer, chain };
}

function refused(reason: FindingCode): TimestampVerdict {
  return { ok: false, reason };
}

/**
 * The certificate that the signed attributes name, with a chain to the trusted ones. What is checked afterwards is checked
 * of this certificate and no other, so a forged one in the token's bag changes nothing, wherever it stands (CVE-2026-39984).
 */
function findSigner(
  token: TimestampToken,
  trusted: readonly Certificate[],
  embedded: readonly Certificate[],
  cache?: VerdictCache,
): { signer: Certificate; chain: Certificate[] } | undefined {
  const leaves = trusted.filter((certificate) => !certificate.isCa);
  // Trusted roots that list the signing certificate mean that one; any certificate below the same root would be another authority.
  const candidates = leaves.length > 0 ? leaves : [...trusted, ...embedded];
  const options = cache ? { cache } : {};
  let expired: { signer: Certificate; chain: Certificate[] } | undefined;
  for (const signer of candidates) {
    if (!isSignerName(token, signer) || !token.certificateIds.every((id) => isIdOf(id, signer))) continue;
    const usable = (certificate: Certificate): boolean => wasValidAt([certificate], token.statement.time);
    const chain = buildChain(signer, embedded, trusted, { ...options, usable });
    if (chain) return { signer, chain };
    const anyTime = buildChain(signer, embedded, trusted, options);
    if (anyTime) expired ??= { signer, chain: anyTime };
  }
  return expired;
}

/** The bag is not authenticated: what cannot be read in it is passed over like what is not needed. */
function readCertificates(token: TimestampToken): Certificate[] {
  return token.unverifiedCertificates.flatMap((der) => {
    try {
      return [parseCertificate(der, 'a certificate of the timestamp')];
    } catch (cause) {
      if (cause instanceof SealwardError) return [];
      throw cause;
    }
  });
}

/** SignerIdentifier, RFC 5652 section 5.3. Nothing authenticates it, the signed digest of the certificate must agree. */
function isSignerName({ signer }: TimestampToken, certificate: Certificate): boolean {
  if ('subjectKeyId' in signer) return certificate.subjectKeyId !== undefined && equalBytes(signer.subjectKeyId, certificate.subjectKeyId);
  return equalBytes(signer.issuer, certificate.issuer) && equalBytes(signer.serial, certificate.serialBytes);
}

/** RFC 5816 section 2.2.1: the signed attributes name the certificate by its digest. */
function isIdOf(id: CertificateId, certificate: Certificate): boolean {
  const digest = id.hash === 'sha256' ? certificate.fingerprint : hashOnce(id.hash, certificate.raw, 'hex');
  return encodeHex(id.digest) === digest;
}

/**
 * Whether a token that has no signer here says all the same that it is of this authority, by any of the places that name
 * one: then it was damaged or forged, and is not merely of somebody unknown. Where the signing certificate is trusted
 * itself, other certificates below the same root are of other authorities.
 */
function isOfAuthority(token: TimestampToken, trusted: readonly Certificate[], embedded: readonly Certificate[]): boolean {
  if (trusted.some((certificate) => isSignerName(token, certificate) || token.certificateIds.some((id) => isIdOf(id, certificate)))) return true;
  if (trusted.some((certificate) => !certificate.isCa)) return false;
  const { signer } = token;
  return trusted.some(
    ({ subject }) => ('issuer' in signer && equalBytes(signer.issuer, subject)) || embedded.some(({ issuer }) => equalBytes(issuer, subject)),
  );
}

/** RFC 3161 section 2.3: for timestamps and nothing else, and marked as critical. */
function isTimestampingCertificate(certificate: Certificate): boolean {
  const purpose = certificate.extensions.find(({ oid }) => oid === EXTENSION.extendedKeyUsage);
  const usages = certificate.extendedKeyUsage;
  if (!purpose?.critical || usages?.length !== 1 || usages[0] !== EXTENDED_KEY_USAGE.timeStamping) return false;
  return certificate.keyUsage === undefined || certificate.keyUsage.has('digitalSignature') || certificate.keyUsage.has('contentCommitment');
}

function isSignedBy(token: TimestampToken, signer: Certificate): boolean {
  try {
    const key = signer.publicKey;
    const scheme = schemeOf(token.signatureAlgorithmDer, key, token.digestAlgorithm);
    return scheme !== undefined && verifyScheme(key, scheme, { bytes: token.signedBytes }, token.signature);
  } catch (cause) {
    if (cause instanceof SealwardError) return false;
    throw cause;
  }
}
