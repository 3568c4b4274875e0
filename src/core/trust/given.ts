/** Anchors from what a person gives by hand: key and certificate files. They are trusted at any time. */
import { type Certificate, describeKey, hash, type PublicKey, parsePublicKeyPem } from '../crypto/index.ts';
import { decodeHex, encodeHex, equalBytes } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { ALWAYS, type CertificateAuthorityAnchor, type CertificateLogAnchor, type KeyAnchor, type LogAnchor, type TimestampAuthorityAnchor } from './anchor.ts';

export function keyAnchor(key: PublicKey, name = `${describeKey(key)} key ${key.fingerprint.slice(0, 16)}`): KeyAnchor {
  return { kind: 'key', id: key.fingerprint, name, window: ALWAYS, key };
}

/** One anchor for each self-signed certificate; all others may stand between it and a leaf. Throws ERR_CERTIFICATE_INVALID. */
export function authorityAnchors(certificates: readonly Certificate[]): CertificateAuthorityAnchor[] {
  return grouped(certificates).map((group) => ({ kind: 'certificate-authority', ...group }));
}

export function timestampAuthorityAnchors(certificates: readonly Certificate[]): TimestampAuthorityAnchor[] {
  return grouped(certificates).map((group) => ({ kind: 'timestamp-authority', ...group }));
}

function grouped(certificates: readonly Certificate[]): { id: string; name: string; window: typeof ALWAYS; certificates: readonly Certificate[] }[] {
  const isTop = (certificate: Certificate): boolean => equalBytes(certificate.issuer, certificate.subject);
  const tops = certificates.filter(isTop);
  const between = certificates.filter((certificate) => !isTop(certificate));
  // A chain that stops below its root is trusted at its last certificate, which is what was given.
  const groups = tops.length > 0 ? tops.map((top) => [...between, top]) : between.length > 0 ? [between] : [];
  if (groups.length === 0) throw new SealwardError('ERR_CERTIFICATE_INVALID', 'no certificate was given');
  return groups.map((group) => ({
    id: encodeHex(hash('sha256', ...group.map(({ raw }) => raw))),
    name: (group.at(-1) as Certificate).subjectText,
    window: ALWAYS,
    certificates: group,
  }));
}

/** A Rekor v1 log by its public key: such a log's ID is the digest of the key. */
export function logAnchor(pem: string, name: string): LogAnchor {
  const key = parsePublicKeyPem(pem, name);
  return { kind: 'log', id: key.fingerprint, name, window: ALWAYS, key, logId: decodeHex(key.fingerprint), baseUrl: '' };
}

/** A certificate log by its public key (RFC 6962 section 3.2: the log's ID is the digest of the key). */
export function certificateLogAnchor(pem: string, name: string): CertificateLogAnchor {
  const key = parsePublicKeyPem(pem, name);
  return { kind: 'certificate-log', id: key.fingerprint, name, window: ALWAYS, key, logId: decodeHex(key.fingerprint) };
}
