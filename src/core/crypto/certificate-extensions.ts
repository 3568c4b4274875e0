/** The certificate extensions that decide anything here (RFC 5280 section 4.2), from their DER to plain values. */
import {
  decodeLatin1,
  decodeUtf8,
  derBoolean,
  derChildren,
  derError,
  derOctets,
  derOid,
  derSequence,
  derSmallInteger,
  encodeHex,
  expectTag,
  parseDer,
  TAG,
} from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import { nameText } from './distinguished-name.ts';

export interface CertificateExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** The contents of extnValue. */
  readonly value: Uint8Array;
  /** The whole Extension, as it stands in the certificate. */
  readonly raw: Uint8Array;
}

export interface AlternativeName {
  readonly type: 'email' | 'uri' | 'dns' | 'ip' | 'otherName' | 'directoryName' | 'unknown';
  /** Text; of an otherName that is no UTF8String, and of unknown kinds, the hex of the encoding. */
  readonly value: string;
  /** Of an otherName: its type. */
  readonly oid?: string;
}

export const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  /** The SCT list of RFC 6962 section 3.3. */
  certificateTimestamps: '1.3.6.1.4.1.11129.2.4.2',
} as const;

export const EXTENDED_KEY_USAGE = {
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  any: '2.5.29.37.0',
} as const;

/** The otherName under which Fulcio writes a user name that is neither mail address nor URI. */
export const FULCIO_USERNAME_OID = '1.3.6.1.4.1.57264.1.7';

export const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** Certificates carry twenty of these, and two or three are looked into: views are cut when they are asked for. */
class Extension implements CertificateExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly #whole: DerNode;
  readonly #octets: DerNode;

  constructor(oid: string, critical: boolean, whole: DerNode, octets: DerNode) {
    this.oid = oid;
    this.critical = critical;
    this.#whole = whole;
    this.#octets = octets;
  }
  get value(): Uint8Array {
    return this.#octets.value;
  }
  get raw(): Uint8Array {
    return this.#whole.raw;
  }
}

/** Extensions ::= SEQUENCE OF Extension; one that stands twice would let two readers see two certificates (section 4.2). */
export function readExtensions(node: DerNode): CertificateExtension[] {
  const seen = new Set<string>();
  return derSequence(node, 'the extensions').map((item) => {
    const parts = derSequence(item, 'an extension');
    const oid = derOid(parts[0], 'the type of an extension');
    const hasFlag = parts[1]?.tag === TAG.boolean;
    if (parts.length !== (hasFlag ? 3 : 2)) throw derError(`the extension ${oid} has more or fewer parts than one`);
    if (seen.has(oid)) throw derError(`the extension ${oid} stands twice`);
    seen.add(oid);
    // DER leaves a FALSE out, but authorities have written it; nobody can read it in two ways.
    const critical = hasFlag && derBoolean(parts[1], 'the critical flag');
    return new Extension(oid, critical, item, expectTag(parts[hasFlag ? 2 : 1], TAG.octetString, `the extension ${oid}`));
  });
}

export function readBasicConstraints(value: Uint8Array): { isCa: boolean; pathLength: number | undefined } {
  const parts = derSequence(parseDer(value), 'the basic constraints');
  const hasFlag = parts[0]?.tag === TAG.boolean;
  const isCa = hasFlag && derBoolean(parts[0], 'the CA flag');
  const rest = parts.slice(hasFlag ? 1 : 0);
  if (rest.length > 1) throw derError('the basic constraints have too many parts');
  // Section 4.2.1.9: a path length without the CA flag has no meaning, and none is given to it.
  return { isCa, pathLength: rest[0] === undefined ? undefined : derSmallInteger(rest[0], 'the path length') };
}

export function readKeyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const { value: bits } = expectTag(parseDer(value), TAG.bitString, 'the key usage');
  if (bits.length < 1 || bits.length > 3 || (bits[0] as number) > 7) throw derError('the key usage is not a bit string');
  return new Set(KEY_USAGES.filter((_, i) => (((bits[1 + (i >> 3)] ?? 0) >> (7 - (i & 7))) & 1) === 1));
}

export function readExtendedKeyUsage(value: Uint8Array): string[] {
  const usages = derSequence(parseDer(value), 'the extended key usage');
  if (usages.length === 0) throw derError('the extended key usage is empty');
  return usages.map((usage) => derOid(usage, 'an extended key usage'));
}

export function readSubjectKeyId(value: Uint8Array): Uint8Array {
  return derOctets(parseDer(value), 'the subject key identifier');
}

/** Only the keyIdentifier [0]; naming the issuer by serial number is not used in this field. */
export function readAuthorityKeyId(value: Uint8Array): Uint8Array | undefined {
  return derSequence(parseDer(value), 'the authority key identifier').find((part) => part.tag === 0x80)?.value;
}

export function readAlternativeNames(value: Uint8Array): AlternativeName[] {
  return derSequence(parseDer(value), 'the subject alternative name').map(readGeneralName);
}

/** GeneralName of section 4.2.1.6, by its context tag. */
export function readGeneralName(node: DerNode): AlternativeName {
  switch (node.tag) {
    case 0xa0:
      return readOtherName(node);
    case 0x81:
      return { type: 'email', value: visibleAscii(node.value) };
    case 0x82:
      return { type: 'dns', value: visibleAscii(node.value) };
    case 0xa4:
      return { type: 'directoryName', value: nameText(node.value) };
    case 0x86:
      return { type: 'uri', value: visibleAscii(node.value) };
    case 0x87:
      return { type: 'ip', value: addressText(node.value) };
    default:
      return { type: 'unknown', value: encodeHex(node.raw) };
  }
}

function readOtherName(node: DerNode): AlternativeName {
  const [type, wrapped] = derChildren(node);
  const oid = derOid(type, 'the type of an otherName');
  const inner = parseDer(expectTag(wrapped, 0xa0, 'the value of an otherName').value);
  if (inner.tag === TAG.utf8String) return { type: 'otherName', value: decodeUtf8(inner.value, 'the value of an otherName'), oid };
  if (oid === FULCIO_USERNAME_OID) throw derError('the user name of the certificate is not a UTF8String');
  return { type: 'otherName', value: encodeHex(inner.raw), oid };
}

const VISIBLE = /^[ -~]*$/;

/** IA5String; a NUL or a line break in a name has fooled readers before, so nothing below a space is accepted. */
function visibleAscii(bytes: Uint8Array): string {
  const text = decodeLatin1(bytes);
  if (!VISIBLE.test(text)) throw derError('a name of the certificate holds a character that is refused');
  return text;
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw derError('an address of the certificate has neither 4 nor 16 bytes');
  return Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16)).join(':');
}
