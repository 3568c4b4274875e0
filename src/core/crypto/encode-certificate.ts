/**
 * Making certificates (RFC 5280 section 4.1): the bytes that an issuer signs, and the certificate around its signature.
 * What may stand in one is the business of whoever issues it.
 */
import {
  encodeBitString,
  encodeBoolean,
  encodeContext,
  encodeImplicit,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeTime,
  encodeUtf8String,
  utf8,
} from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { Algorithm } from './algorithms.ts';
import type { AlternativeName, KeyUsage } from './certificate-extensions.ts';
import { EXTENSION, FULCIO_USERNAME_OID, KEY_USAGES } from './certificate-extensions.ts';
import { sha256 } from './hash.ts';
import type { PublicKey } from './public-key.ts';

export interface CertificateFields {
  /** Non-negative, at most 20 octets (section 4.1.2.2). */
  readonly serial: bigint;
  /** Names in DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970; cut to whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  /** Each a whole Extension in DER, in the order in which they shall stand. */
  readonly extensions: readonly Uint8Array[];
}

/** RFC 5758, RFC 8410, RFC 9881, and RFC 8017 with its NULL; by scheme, hash and ML-DSA's parameter set. */
const SIGNATURE_OIDS: Readonly<Record<string, string>> = {
  'ecdsa sha256': '1.2.840.10045.4.3.2',
  'ecdsa sha384': '1.2.840.10045.4.3.3',
  'ecdsa sha512': '1.2.840.10045.4.3.4',
  'rsa-pkcs1 sha256': '1.2.840.113549.1.1.11',
  'ed25519 ': '1.3.101.112',
  'ml-dsa 44': '2.16.840.1.101.3.4.3.17',
  'ml-dsa 65': '2.16.840.1.101.3.4.3.18',
  'ml-dsa 87': '2.16.840.1.101.3.4.3.19',
};

/** The AlgorithmIdentifier under which certificates and timestamps carry a signature. Throws ERR_KEY_INVALID. */
export function encodeSignatureAlgorithm({ id, scheme, hash, variant }: Algorithm): Uint8Array {
  const oid = SIGNATURE_OIDS[`${scheme} ${hash ?? variant ?? ''}`];
  if (oid === undefined) throw new SealwardError('ERR_KEY_INVALID', `certificates are not signed with ${id}`);
  return scheme === 'rsa-pkcs1' ? encodeSequence(encodeOid(oid), encodeNull()) : encodeSequence(encodeOid(oid));
}

/** TBSCertificate, version 3. */
export function encodeTbsCertificate(fields: CertificateFields, algorithm: Algorithm): Uint8Array {
  return encodeSequence(
    encodeContext(0, encodeInteger(2)),
    encodeInteger(fields.serial),
    encodeSignatureAlgorithm(algorithm),
    fields.issuer,
    encodeSequence(encodeTime(fields.notBefore), encodeTime(fields.notAfter)),
    fields.subject,
    fields.spki,
    encodeContext(3, encodeSequence(...fields.extensions)),
  );
}

export function encodeCertificate(tbs: Uint8Array, algorithm: Algorithm, signature: Uint8Array): Uint8Array {
  return encodeSequence(tbs, encodeSignatureAlgorithm(algorithm), encodeBitString(signature));
}

/** @param value the contents of extnValue. A FALSE is left out, as DER wants it. */
export function encodeExtension(oid: string, value: Uint8Array, critical = false): Uint8Array {
  return encodeSequence(encodeOid(oid), ...(critical ? [encodeBoolean(true)] : []), encodeOctetString(value));
}

/** Critical, as section 4.2.1.3 recommends. */
export function keyUsageExtension(...usages: readonly KeyUsage[]): Uint8Array {
  const octet = usages.reduce((bits, usage) => bits | (0x80 >> KEY_USAGES.indexOf(usage)), 0);
  // The zero bits at the end of a list of named bits are dropped (X.690 section 11.2.2).
  return encodeExtension(EXTENSION.keyUsage, encodeBitString(Uint8Array.of(octet), 31 - Math.clz32(octet & -octet)), true);
}

export function basicConstraintsExtension(isCa: boolean, pathLength?: number): Uint8Array {
  const parts = [...(isCa ? [encodeBoolean(true)] : []), ...(pathLength === undefined ? [] : [encodeInteger(pathLength)])];
  return encodeExtension(EXTENSION.basicConstraints, encodeSequence(...parts), true);
}

export function extendedKeyUsageExtension(usages: readonly string[], critical = false): Uint8Array {
  return encodeExtension(EXTENSION.extendedKeyUsage, encodeSequence(...usages.map(encodeOid)), critical);
}

/** The identifier of section 4.2.1.2 (1) over SHA-256, cut to 160 bits (RFC 7093 section 2). */
export function keyIdentifier(key: Pick<PublicKey, 'raw'>): Uint8Array {
  return sha256(key.raw).subarray(0, 20);
}

export function subjectKeyIdExtension(id: Uint8Array): Uint8Array {
  return encodeExtension(EXTENSION.subjectKeyId, encodeOctetString(id));
}

export function authorityKeyIdExtension(id: Uint8Array): Uint8Array {
  return encodeExtension(EXTENSION.authorityKeyId, encodeSequence(encodeImplicit(0, id)));
}

/** One name; critical, as section 4.1.2.6 demands where the subject is empty. Throws ERR_CERTIFICATE_INVALID for kinds that are not issued. */
export function subjectAlternativeNameExtension(name: Pick<AlternativeName, 'type' | 'value'>): Uint8Array {
  return encodeExtension(EXTENSION.subjectAlternativeName, encodeSequence(encodeGeneralName(name)), true);
}

/** The names of a TLS server (RFC 6125): host names, and addresses as octets. Not critical, because the subject is not empty. */
export function serverNamesExtension(hosts: readonly string[]): Uint8Array {
  const names = hosts.map((host) => {
    const address = addressOctets(host);
    return address ? encodeImplicit(7, address) : encodeImplicit(2, utf8(host));
  });
  return encodeExtension(EXTENSION.subjectAlternativeName, encodeSequence(...names));
}

/** Of IPv4 in dots, and of IPv6 without a zone. */
function addressOctets(host: string): Uint8Array | undefined {
  if (/^(?:\d{1,3}\.){3}\d{1,3}$/.test(host)) return Uint8Array.from(host.split('.'), Number);
  if (!host.includes(':')) return undefined;
  const [head = '', tail] = host.split('::');
  const groups = (text: string | undefined): number[] => (text ? text.split(':').map((group) => Number.parseInt(group, 16)) : []);
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function encodeGeneralName({ type, value }: Pick<AlternativeName, 'type' | 'value'>): Uint8Array {
  switch (type) {
    case 'email':
      return encodeImplicit(1, utf8(value));
    case 'dns':
      return encodeImplicit(2, utf8(value));
    case 'uri':
      return encodeImplicit(6, utf8(value));
    case 'otherName':
      return encodeContext(0, encodeOid(FULCIO_USERNAME_OID), encodeContext(0, encodeUtf8String(value)));
    default:
      throw new SealwardError('ERR_CERTIFICATE_INVALID', `no certificate is issued for a name of the kind ${type}`);
  }
}
