/** The profile of the certificates (RFC 5280, and Sigstore's certificate specification): what stands in one, and in which order. */
import { randomBytes } from 'node:crypto';
import {
  authorityKeyIdExtension,
  type Certificate,
  type CertificateFields,
  EXTENDED_KEY_USAGE,
  encodeExtension,
  extendedKeyUsageExtension,
  fulcioClaimExtensions,
  keyIdentifier,
  keyUsageExtension,
  type PublicKey,
  subjectAlternativeNameExtension,
  subjectKeyIdExtension,
} from '../../core/crypto/index.ts';
import { encodeName, encodeNull } from '../../core/encoding/index.ts';
import { invariant } from '../../core/errors.ts';
import type { Principal } from './principal.ts';

/** How long a certificate is valid: long enough to sign, too short to be worth stealing. */
export const VALIDITY_MS: number = 10 * 60 * 1000;
/** RFC 6962 section 3.1: critical, so that nobody can use what is only shown to a log. */
export const POISON = '1.3.6.1.4.1.11129.2.4.3';

/** @param now milliseconds since 1970. */
export function certificateFields(issuer: Certificate, key: PublicKey, { name, claims }: Principal, now: number): CertificateFields {
  invariant(issuer.subjectKeyId, 'the certificate of the authority has no key identifier');
  const notBefore = Math.floor(now / 1000) * 1000;
  return {
    serial: newSerial(),
    issuer: issuer.subject,
    subject: encodeName(''),
    notBefore,
    notAfter: notBefore + VALIDITY_MS,
    spki: key.spki,
    extensions: [
      keyUsageExtension('digitalSignature'),
      extendedKeyUsageExtension([EXTENDED_KEY_USAGE.codeSigning]),
      subjectKeyIdExtension(keyIdentifier(key)),
      authorityKeyIdExtension(issuer.subjectKeyId),
      subjectAlternativeNameExtension(name),
      ...fulcioClaimExtensions(claims),
    ],
  };
}

export function poisonExtension(): Uint8Array {
  return encodeExtension(POISON, encodeNull(), true);
}

/** 160 bits of which the first is 0, because the number is not negative, and the second 1, so that it has 20 octets always. */
function newSerial(): bigint {
  const octets = randomBytes(20);
  octets[0] = ((octets[0] as number) & 0x3f) | 0x40;
  return BigInt(`0x${octets.toString('hex')}`);
}
