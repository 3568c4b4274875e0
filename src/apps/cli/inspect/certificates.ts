/** Certificates, keys and timestamps in words. */
import { type Certificate, describeKey, EXTENDED_KEY_USAGE, EXTENSION, fulcioClaims, parseTimestampToken, type PublicKey } from '../../../core/crypto/index.ts';
import { encodeHex } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { parseSctList } from '../../../core/tlog/index.ts';
import { isoTime } from '../signer-words.ts';
import type { Described, Description } from './description.ts';

const PURPOSES: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(EXTENDED_KEY_USAGE).map(([name, oid]) => [oid, name]));

export function describeCertificate(certificate: Certificate): Description {
  const { extendedKeyUsage, keyUsage, subjectAlternativeNames } = certificate;
  return {
    subject: certificate.subjectText || '(empty)',
    issuer: certificate.issuerText || '(empty)',
    names: subjectAlternativeNames.map(({ value }) => value),
    validFrom: isoTime(certificate.notBefore),
    validTo: isoTime(certificate.notAfter),
    key: attempt(() => describeKey(certificate.publicKey)),
    keySha256: attempt(() => certificate.publicKey.fingerprint),
    authority: certificate.isCa,
    ...(keyUsage ? { keyUsage: [...keyUsage].join(', ') } : {}),
    ...(extendedKeyUsage ? { purposes: extendedKeyUsage.map((oid) => PURPOSES[oid] ?? oid).join(', ') } : {}),
    serial: certificate.serial,
    sha256: certificate.fingerprint,
    claims: attempt((): Described => ({ ...fulcioClaims(certificate) })),
    certificateTimestamps: attempt(() => describeScts(certificate)),
  };
}

function describeScts(certificate: Certificate): Described {
  const list = certificate.extensions.find(({ oid }) => oid === EXTENSION.certificateTimestamps);
  if (!list) return 'none';
  return parseSctList(list.value).map(({ logId, timestamp }) => ({ log: encodeHex(logId), at: isoTime(Number(timestamp)) }));
}

export function describePublicKey(key: PublicKey): Description {
  return { kind: `public key, ${describeKey(key)}`, sha256: key.fingerprint };
}

export function describeTimestamp(token: Uint8Array): Description {
  const { statement } = parseTimestampToken(token);
  return {
    time: isoTime(statement.time),
    ...(statement.accuracy > 0 ? { accuracyMilliseconds: statement.accuracy } : {}),
    about: `${statement.hash}:${encodeHex(statement.digest)}`,
    policy: statement.policy,
    serial: statement.serial,
  };
}

/** A part that cannot be read is described by why, and stops nothing. */
export function attempt<T extends Described>(describe: () => T): T | string {
  try {
    return describe();
  } catch (error) {
    if (error instanceof SealwardError) return `cannot be read: ${error.message}`;
    throw error;
  }
}
