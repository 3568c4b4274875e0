/** Whether a trusted authority dated a message (RFC 3161 section 2.4.2, with the checks of section 4 that concern a verifier). */
import { createHash } from 'node:crypto';
import { equalBytes } from '../encoding/index.ts';
import type { FindingCode } from '../errors.ts';
import { SealwardError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { parseCertificate } from './certificate.ts';
import { buildChain, chainServes, wasValidAt } from './certificate-chain.ts';
import { EXTENDED_KEY_USAGE, EXTENSION } from './certificate-extensions.ts';
import { hash } from './hash.ts';
import { schemeOf } from './signature-oid.ts';
import type { TimestampToken } from './timestamp-token.ts';
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
 */
export function verifyTimestampToken(token: TimestampToken, message: Uint8Array, trusted: readonly Certificate[], cache?: VerdictCache): TimestampVerdict {
  const { statement } = token;
  if (!equalBytes(hash(statement.hash, message), statement.digest)) return refused('TIMESTAMP_MISMATCH');
  const found = findSigner(token, trusted, cache);
  if (!found) return refused('TIMESTAMP_UNTRUSTED');
  const { signer, chain } = found;
  if (!isTimestampingCertificate(signer) || !chainServes(chain, EXTENDED_KEY_USAGE.timeStamping)) return refused('TIMESTAMP_UNTRUSTED');
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
function findSigner(token: TimestampToken, trusted: readonly Certificate[], cache?: VerdictCache): { signer: Certificate; chain: Certificate[] } | undefined {
  const leaves = trusted.filter((certificate) => !certificate.isCa);
  const embedded = readCertificates(token);
  // Trusted roots that list the signing certificate mean that one; any certificate below the same root would be another authority.
  const candidates = leaves.length > 0 ? leaves : [...trusted, ...embedded];
  const options = cache ? { cache } : {};
  let expired: { signer: Certificate; chain: Certificate[] } | undefined;
  for (const signer of candidates) {
    if (!isNamed(token, signer)) continue;
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

/** By the signer's name, and by the signed digest of its certificate (RFC 5816 section 2.2.1). */
function isNamed(token: TimestampToken, certificate: Certificate): boolean {
  const { signer } = token;
  if ('subjectKeyId' in signer) {
    if (!certificate.subjectKeyId || !equalBytes(signer.subjectKeyId, certificate.subjectKeyId)) return false;
  } else if (!equalBytes(signer.issuer, certificate.issuer) || !equalBytes(signer.serial, certificate.serialBytes)) {
    return false;
  }
  return token.certificateIds.every((id) => equalBytes(id.digest, createHash(id.hash).update(certificate.raw).digest()));
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
