/**
 * The certificates of the server itself, made once: a root that is then put away, what issues certificates below it, what
 * dates signatures, and what answers for the server's name in TLS (RFC 5280).
 */
import { randomBytes } from 'node:crypto';
import type { Signer } from '../../clients/signers/index.ts';
import {
  authorityKeyIdExtension,
  basicConstraintsExtension,
  type Certificate,
  EXTENDED_KEY_USAGE,
  encodeCertificate,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  keyIdentifier,
  keyUsageExtension,
  parseCertificate,
  type PublicKey,
  serverNamesExtension,
  subjectKeyIdExtension,
  verifyIssuedBy,
} from '../../core/crypto/index.ts';
import { encodeName } from '../../core/encoding/index.ts';
import { invariant } from '../../core/errors.ts';

export interface CertifiedKey {
  readonly signer: Signer;
  readonly certificate: Certificate;
}

/** Whose certificate it is, and for how long. */
interface Subject {
  readonly organization: string;
  readonly commonName: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export const YEAR_MS: number = 365 * 24 * 60 * 60 * 1000;

/** Self-signed; it may have one authority below it, which may have none. */
export function certifyRoot(signer: Signer, subject: Subject): Promise<Certificate> {
  const key = signer.publicKey();
  return certify({ signer }, key, subject, [keyUsageExtension('keyCertSign', 'cRLSign'), basicConstraintsExtension(true, 1)]);
}

/** What issues certificates of ten minutes: for signing code alone, and no authority below it. */
export function certifyIntermediate(root: CertifiedKey, key: PublicKey, subject: Subject): Promise<Certificate> {
  return certify(root, key, subject, [
    keyUsageExtension('keyCertSign', 'cRLSign'),
    basicConstraintsExtension(true, 0),
    extendedKeyUsageExtension([EXTENDED_KEY_USAGE.codeSigning]),
  ]);
}

/** RFC 3161 section 2.3: for timestamps alone, and critically so. */
export function certifyTimestamps(root: CertifiedKey, key: PublicKey, subject: Subject): Promise<Certificate> {
  return certify(root, key, subject, [keyUsageExtension('digitalSignature'), extendedKeyUsageExtension([EXTENDED_KEY_USAGE.timeStamping], true)]);
}

/** @param hosts names and addresses by which clients reach the server. */
export function certifyServer(root: CertifiedKey, key: PublicKey, subject: Subject, hosts: readonly string[]): Promise<Certificate> {
  return certify(root, key, subject, [
    keyUsageExtension('digitalSignature'),
    extendedKeyUsageExtension([EXTENDED_KEY_USAGE.serverAuth]),
    serverNamesExtension(hosts),
  ]);
}

interface Above {
  readonly signer: Signer;
  /** Of a root none: it is its own. */
  readonly certificate?: Certificate;
}

async function certify(above: Above, key: PublicKey, subject: Subject, extensions: readonly Uint8Array[]): Promise<Certificate> {
  const name = encodeName(subject.commonName, subject.organization);
  const { signer, certificate: issuer } = above;
  const fields = {
    serial: randomSerial(),
    issuer: issuer?.subject ?? name,
    subject: name,
    notBefore: subject.notBefore,
    notAfter: Math.min(subject.notAfter, issuer?.notAfter ?? subject.notAfter),
    spki: key.spki,
    extensions: [...extensions, subjectKeyIdExtension(keyIdentifier(key)), authorityKeyIdExtension(keyIdentifier(signer.publicKey()))],
  };
  const tbs = encodeTbsCertificate(fields, signer.algorithm);
  const made = parseCertificate(encodeCertificate(tbs, signer.algorithm, await signer.sign(tbs)));
  invariant(verifyIssuedBy(made, issuer ?? made), 'a certificate that was just made does not verify');
  return made;
}

function randomSerial(): bigint {
  const octets = randomBytes(20);
  octets[0] = ((octets[0] as number) & 0x3f) | 0x40;
  return BigInt(`0x${octets.toString('hex')}`);
}
