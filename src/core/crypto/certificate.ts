/** X.509 certificates (RFC 5280 section 4.1), read strictly. What is read says nothing about trust: see certificate-chain.ts. */
import {
  copyBytes,
  derBits,
  derChildren,
  derError,
  derOid,
  derSequence,
  derSmallInteger,
  derTime,
  encodeDer,
  encodeHex,
  equalBytes,
  expectTag,
  LIMITS,
  parseDer,
  parsePem,
  TAG,
} from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { AlternativeName, CertificateExtension, KeyUsage } from './certificate-extensions.ts';
import {
  EXTENSION,
  readAlternativeNames,
  readAuthorityKeyId,
  readBasicConstraints,
  readExtendedKeyUsage,
  readExtensions,
  readKeyUsage,
  readSubjectKeyId,
} from './certificate-extensions.ts';
import { nameText } from './distinguished-name.ts';
import { fingerprintOf } from './hash.ts';
import type { PublicKey } from './public-key.ts';
import { parsePublicKey } from './public-key.ts';

export interface Certificate {
  /** The whole certificate; a copy that nobody else holds. */
  readonly raw: Uint8Array;
  /** The TBSCertificate: what is signed. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  /** The contents of the INTEGER, as other documents repeat them. */
  readonly serialBytes: Uint8Array;
  /** The names in DER; these are what is compared. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The names in the manner of RFC 4514, for people. */
  readonly issuerText: string;
  readonly subjectText: string;
  /** Milliseconds since 1970; both ends belong to the validity. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** Read at first use; throws ERR_KEY_INVALID for a kind or size that is refused. */
  readonly publicKey: PublicKey;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  /** Undefined when the certificate does not say: then the key may be used for everything (section 4.2.1.3). */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Object identifiers; undefined when the certificate does not say. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAlternativeNames: readonly AlternativeName[];
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  readonly extensions: readonly CertificateExtension[];
  /** The AlgorithmIdentifier under which the issuer signed: its object identifier, and the whole in DER. */
  readonly signatureAlgorithm: string;
  readonly signatureAlgorithmDer: Uint8Array;
  readonly signature: Uint8Array;
  /** Lower-case hex of the SHA-256 of `raw`. */
  readonly fingerprint: string;
}

/** Reads one certificate in DER; anything malformed is ERR_CERTIFICATE_INVALID. */
export function parseCertificate(der: Uint8Array, what = 'the certificate'): Certificate {
  if (der.length > LIMITS.certificateBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${LIMITS.certificateBytes} bytes`);
  try {
    return readCertificate(copyBytes(der), what);
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
    throw new SealwardError('ERR_CERTIFICATE_INVALID', `${what} cannot be read: ${cause.message}`, { cause });
  }
}

/** All certificates of a PEM document, in order; at least one, and no other kinds of block. */
export function parseCertificatesPem(text: string, what = 'the certificate file'): Certificate[] {
  const blocks = parsePem(text, what);
  const wrong = blocks.find((block) => block.label !== 'CERTIFICATE');
  if (wrong) throw new SealwardError('ERR_PEM_INVALID', `${what} holds a "${wrong.label}" where only certificates are expected`);
  if (blocks.length === 0) throw new SealwardError('ERR_PEM_INVALID', `${what} holds no certificate`);
  return blocks.map((block) => parseCertificate(block.bytes, what));
}

/** The TBSCertificate without one extension, as a certificate log signed it before the list of timestamps was added (RFC 6962 section 3.2). */
export function tbsWithoutExtension(certificate: Certificate, oid: string): Uint8Array {
  const left = certificate.extensions.find((extension) => extension.oid === oid)?.raw;
  if (!left) return certificate.tbs;
  const tbs = parseDer(certificate.tbs);
  const wrapped = derSequence(tbs, 'the certificate').at(-1) as DerNode;
  const list = parseDer(wrapped.value).value;
  // All of them are views of one certificate, so the places tell what stands before and after.
  const at = left.byteOffset - list.byteOffset;
  const kept = [list.subarray(0, at), list.subarray(at + left.length)];
  const others = tbs.value.subarray(0, tbs.value.length - wrapped.raw.length);
  // An empty list of extensions may not stand in a certificate (RFC 5280 section 4.1).
  if (left.length === list.length) return encodeDer(TAG.sequence, others);
  return encodeDer(TAG.sequence, others, encodeDer(EXTENSIONS_TAG, encodeDer(TAG.sequence, ...kept)));
}

const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;

function readCertificate(raw: Uint8Array, what: string): Certificate {
  const outer = derSequence(parseDer(raw), 'the certificate');
  if (outer.length !== 3) throw derError('it has more or fewer parts than a certificate');
  const [tbs, algorithm, signature] = outer as [DerNode, DerNode, DerNode];
  const fields = readTbs(tbs);
  const { extensions } = fields;
  // Section 4.1.1.2: what is signed and what it claims to be signed with must be one statement.
  if (!equalBytes(fields.algorithm.raw, algorithm.raw)) throw derError('its two signature algorithms differ');
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.find((candidate) => candidate.oid === oid);
    return extension && reader(extension.value);
  };
  const basic = read(EXTENSION.basicConstraints, readBasicConstraints);
  let key: PublicKey | undefined;
  return {
    raw,
    tbs: tbs.raw,
    version: fields.version,
    serial: encodeHex(fields.serialBytes).replace(/^0+(?=.)/, ''),
    serialBytes: fields.serialBytes,
    issuer: fields.issuer,
    subject: fields.subject,
    get issuerText() {
      return nameText(fields.issuer);
    },
    get subjectText() {
      return nameText(fields.subject);
    },
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    spki: fields.spki,
    get publicKey() {
      key ??= parsePublicKey(fields.spki, `the key of ${what}`);
      return key;
    },
    isCa: basic?.isCa ?? false,
    pathLength: basic?.pathLength,
    keyUsage: read(EXTENSION.keyUsage, readKeyUsage),
    extendedKeyUsage: read(EXTENSION.extendedKeyUsage, readExtendedKeyUsage),
    subjectAlternativeNames: read(EXTENSION.subjectAlternativeName, readAlternativeNames) ?? [],
    subjectKeyId: read(EXTENSION.subjectKeyId, readSubjectKeyId),
    authorityKeyId: read(EXTENSION.authorityKeyId, readAuthorityKeyId),
    extensions,
    signatureAlgorithm: derOid(derSequence(algorithm, 'the signature algorithm')[0], 'the signature algorithm'),
    signatureAlgorithmDer: algorithm.raw,
    signature: derBits(signature, 'the signature'),
    fingerprint: fingerprintOf(raw),
  };
}

function readTbs(tbs: DerNode) {
  const parts = derSequence(tbs, 'the certificate');
  const version = readVersion(parts[0]);
  if (parts[0]?.tag === VERSION_TAG) parts.shift();
  const [serial, algorithm, issuer, validity, subject, spki, ...rest] = parts;
  const [from, to, ...more] = derSequence(validity, 'the validity');
  if (more.length > 0) throw derError('the validity has more than two times');
  // Sections 4.1.2.8 and 4.1.2.9: the unique identifiers [1] and [2] are skipped, extensions [3] come last.
  const tags = rest.map((node) => node.tag).join();
  const last = rest.at(-1);
  if (!['', '129', '130', '129,130', '163', '129,163', '130,163', '129,130,163'].includes(tags)) throw derError('it has parts that do not belong there');
  const wrapped = last?.tag === EXTENSIONS_TAG ? derChildren(last) : [];
  if (wrapped.length > 1 || (wrapped.length === 1 && version !== 3)) throw derError('its extensions do not belong there');
  return {
    version,
    serialBytes: readSerial(serial),
    algorithm: expectTag(algorithm, TAG.sequence, 'the signature algorithm'),
    issuer: expectTag(issuer, TAG.sequence, 'the issuer').raw,
    subject: expectTag(subject, TAG.sequence, 'the subject').raw,
    notBefore: readTime(from, 'the start of the validity'),
    notAfter: readTime(to, 'the end of the validity'),
    spki: expectTag(spki, TAG.sequence, 'the key').raw,
    extensions: wrapped[0] ? readExtensions(wrapped[0]) : [],
  };
}

function readVersion(node: DerNode | undefined): 1 | 2 | 3 {
  if (node?.tag !== VERSION_TAG) return 1;
  const version = derSmallInteger(parseDer(node.value), 'the version') + 1;
  if (version !== 1 && version !== 2 && version !== 3) throw derError(`the version ${version} does not exist`);
  return version;
}

/** Section 4.1.2.2 allows 20 octets; some authorities write 21, and more is only noise. */
function readSerial(node: DerNode | undefined): Uint8Array {
  const { value } = expectTag(node, TAG.integer, 'the serial number');
  const [first, second] = value;
  if (first === undefined || first >= 0x80 || value.length > 21) throw derError('the serial number is empty, negative or too long');
  if (first === 0 && second !== undefined && second < 0x80) throw derError('the serial number is not in its shortest form');
  return value;
}

/** Section 4.1.2.5.2: whole seconds only, though other GeneralizedTimes may have fractions. */
function readTime(node: DerNode | undefined, what: string): number {
  const time = derTime(node, what);
  if (time % 1000 !== 0 || (node?.tag === TAG.generalizedTime && node.value.length !== 15)) throw derError(`${what} has a fraction of a second`);
  return time;
}
