/**
 * A timestamp token: the CMS SignedData (RFC 5652) that RFC 3161 section 2.4.2 wraps around a TSTInfo. Reading it proves
 * nothing; of all that is in it only the signed attributes are authenticated, and the certificates not even by those.
 */
import {
  copyBytes,
  derChildren,
  derError,
  derOctets,
  derOid,
  derSequence,
  derSmallInteger,
  encodeDer,
  equalBytes,
  expectTag,
  LIMITS,
  parseDer,
  TAG,
} from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { HashName } from './hash.ts';
import { HASH_BYTES, hash } from './hash.ts';
import { readHashAlgorithm } from './signature-oid.ts';
import type { TimestampStatement } from './timestamp-statement.ts';
import { readTimestampStatement } from './timestamp-statement.ts';

export interface TimestampToken {
  readonly statement: TimestampStatement;
  /** Certificates that came along, unverified and in DER: the sender chooses them, so they are read only when one is looked for. */
  readonly unverifiedCertificates: readonly Uint8Array[];
  readonly signer: SignerName;
  /** What the signed attributes say of the signer's certificate (ESSCertID, RFC 5035 and RFC 5816); at least one. */
  readonly certificateIds: readonly CertificateId[];
  /** The hash behind a signature algorithm that names none. */
  readonly digestAlgorithm: HashName;
  readonly signatureAlgorithmDer: Uint8Array;
  /** What was signed: the signed attributes as a SET in DER. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** SignerIdentifier, RFC 5652 section 5.3. */
export type SignerName = { readonly issuer: Uint8Array; readonly serial: Uint8Array } | { readonly subjectKeyId: Uint8Array };

export interface CertificateId {
  /** SHA-1 only names a certificate here that chain and signature must stand for anyway. */
  readonly hash: HashName | 'sha1';
  readonly digest: Uint8Array;
}

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** Implicit context tags of SignedData and SignerInfo. */
const CONTEXT_0 = 0xa0;
const CONTEXT_1 = 0xa1;
const SUBJECT_KEY_ID = 0x80;

/** Reads a TimeStampResp that grants a token, or a bare token. Anything else is ERR_TIMESTAMP_INVALID. */
export function parseTimestampToken(bytes: Uint8Array, what = 'the timestamp'): TimestampToken {
  if (bytes.length > LIMITS.timestampBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${LIMITS.timestampBytes} bytes`);
  try {
    return readSignedData(unwrap(parseDer(copyBytes(bytes))));
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
    throw new SealwardError('ERR_TIMESTAMP_INVALID', `${what} cannot be read: ${cause.message}`, { cause });
  }
}

/** The ContentInfo's content, out of the response where there is one (RFC 3161 section 2.4.2). */
function unwrap(outer: DerNode): DerNode {
  let parts = derSequence(outer, 'the timestamp');
  if (parts[0]?.tag === TAG.sequence) {
    const status = derSmallInteger(derChildren(parts[0])[0], 'the status of the response');
    // granted and grantedWithMods; all others come without a token.
    if (status > 1) throw derError(`the authority granted no timestamp: status ${status}`);
    if (parts.length !== 2) throw derError('the response does not hold exactly one timestamp');
    parts = derSequence(parts[1], 'the timestamp');
  }
  const [type, content, ...rest] = parts;
  if (derOid(type, 'the content type') !== OID.signedData || rest.length > 0) throw derError('it is not CMS signed data');
  return parseDer(expectTag(content, CONTEXT_0, 'the signed data').value);
}

function readSignedData(node: DerNode): TimestampToken {
  const [version, digests, encapsulated, ...rest] = derSequence(node, 'the signed data');
  // RFC 5652 section 5.1: 3, because the content is not plain data; 4 and 5 only come with kinds of certificates not read here.
  if (derSmallInteger(version, 'the version of the signed data') !== 3) throw derError('the signed data is of an unknown version');
  const listed = derChildren(expectTag(digests, TAG.set, 'the digest algorithms')).map(readHashAlgorithm);
  const [type, wrapped, ...more] = derSequence(encapsulated, 'the content');
  // Nothing signs this frame, so nothing may hide in it.
  if (derOid(type, 'the type of the content') !== OID.timestampInfo || more.length > 0) throw derError('its content is not a timestamp');
  const content = derOctets(parseDer(expectTag(wrapped, CONTEXT_0, 'the content').value), 'the content');

  const bag = rest[0]?.tag === CONTEXT_0 ? derChildren(rest.shift() as DerNode) : [];
  if (rest[0]?.tag === CONTEXT_1) rest.shift(); // revocation lists, which nobody uses here
  const [signerInfos, ...extra] = rest;
  const signers = derChildren(expectTag(signerInfos, TAG.set, 'the signers'));
  // RFC 3161 section 2.4.2: the token has the authority's signature and no other.
  if (signers.length !== 1 || extra.length > 0) throw derError('it has not exactly one signer');
  if (bag.length > LIMITS.intermediateCertificates) throw derError(`it carries more than ${LIMITS.intermediateCertificates} certificates`);
  const signer = readSigner(signers[0] as DerNode, content);
  // RFC 5652 section 5.1 lets a verifier refuse a signer whose hash is not announced; nothing else would speak for this list.
  if (!listed.includes(signer.digestAlgorithm)) throw derError('the hash of its signer is not among those that it announces');
  return {
    statement: readTimestampStatement(content),
    // Attribute certificates and other kinds have context tags and are of no use.
    unverifiedCertificates: bag.filter((item) => item.tag === TAG.sequence).map((item) => item.raw),
    ...signer,
  };
}

function readSigner(node: DerNode, content: Uint8Array): Omit<TimestampToken, 'statement' | 'unverifiedCertificates'> {
  const [version, name, digest, attributesNode, algorithm, signature, ...rest] = derSequence(node, 'the signer');
  // RFC 5652 section 5.3: 1 with issuer and serial number, 3 with a subject key identifier.
  const byKeyId = name?.tag === SUBJECT_KEY_ID;
  if (derSmallInteger(version, 'the version of the signer') !== (byKeyId ? 3 : 1)) throw derError('the signer is of an unknown version');
  if (rest.length > 1 || (rest[0] && rest[0].tag !== CONTEXT_1)) throw derError('the signer has parts that do not belong there');
  const digestAlgorithm = readHashAlgorithm(digest);
  if (!digestAlgorithm) throw derError('the signer uses a hash that is refused');
  const attributes = readAttributes(expectTag(attributesNode, CONTEXT_0, 'the signed attributes'));
  // Section 11.1 and 11.2: both must be there, and must speak of this content.
  if (derOid(only(attributes, OID.contentType, 'content-type'), 'the content-type attribute') !== OID.timestampInfo) {
    throw derError('the signed content type is not a timestamp');
  }
  const messageDigest = derOctets(only(attributes, OID.messageDigest, 'message-digest'), 'the message-digest attribute');
  if (!equalBytes(messageDigest, hash(digestAlgorithm, content))) throw derError('the signed digest is of another content');
  return {
    signer: byKeyId ? { subjectKeyId: name.value } : readIssuerAndSerial(name),
    certificateIds: readCertificateIds(attributes),
    digestAlgorithm,
    signatureAlgorithmDer: expectTag(algorithm, TAG.sequence, 'the signature algorithm').raw,
    signedBytes: encodeAttributes(attributesNode as DerNode),
    signature: derOctets(signature, 'the signature'),
  };
}

function readIssuerAndSerial(node: DerNode | undefined): SignerName {
  const [issuer, serial, ...rest] = derSequence(node, 'the name of the signer');
  if (rest.length > 0) throw derError('the name of the signer has too many parts');
  return { issuer: expectTag(issuer, TAG.sequence, 'the issuer').raw, serial: expectTag(serial, TAG.integer, 'the serial number').value };
}

/** Attributes by type; each may stand once (RFC 5652 section 5.3). */
function readAttributes(node: DerNode): Map<string, DerNode[]> {
  const attributes = new Map<string, DerNode[]>();
  for (const item of derChildren(node)) {
    const [type, values, ...rest] = derSequence(item, 'a signed attribute');
    const oid = derOid(type, 'the type of a signed attribute');
    if (attributes.has(oid) || rest.length > 0) throw derError(`the signed attribute ${oid} stands twice or has too many parts`);
    attributes.set(oid, derChildren(expectTag(values, TAG.set, `the signed attribute ${oid}`)));
  }
  return attributes;
}

function only(attributes: ReadonlyMap<string, readonly DerNode[]>, oid: string, name: string): DerNode {
  const values = attributes.get(oid) ?? [];
  if (values.length !== 1) throw derError(`the signed attribute ${name} does not have exactly one value`);
  return values[0] as DerNode;
}

/**
 * The signature is over the attributes as a DER SET OF: under the universal tag and in ascending order (RFC 5652
 * section 5.4, X.690 section 11.6), whatever order the sender wrote.
 */
function encodeAttributes(node: DerNode): Uint8Array {
  const items = derChildren(node).map((item) => item.raw);
  return encodeDer(TAG.set, ...items.sort((a, b) => Buffer.compare(a, b)));
}

/** Without these attributes a token could be moved to another certificate of the same key (RFC 3161 section 2.4.2). */
function readCertificateIds(attributes: ReadonlyMap<string, readonly DerNode[]>): CertificateId[] {
  const ids: CertificateId[] = [];
  if (attributes.has(OID.signingCertificateV2)) {
    const fields = firstCertificateId(only(attributes, OID.signingCertificateV2, 'signing-certificate-v2'));
    // RFC 5035 section 4: the algorithm is left out when it is SHA-256.
    const named = fields[0]?.tag === TAG.sequence ? fields.shift() : undefined;
    const name = named ? readHashAlgorithm(named) : 'sha256';
    if (!name) throw derError('the signing certificate is named by a hash that is refused');
    ids.push(certificateId(name, HASH_BYTES[name], fields[0]));
  }
  if (attributes.has(OID.signingCertificate)) {
    const fields = firstCertificateId(only(attributes, OID.signingCertificate, 'signing-certificate'));
    ids.push(certificateId('sha1', 20, fields[0]));
  }
  if (ids.length === 0) throw derError('the signed attributes do not name the signing certificate');
  return ids;
}

/** The first ESSCertID is that of the signer; those after it name the chain and decide nothing (RFC 5035 section 3). */
function firstCertificateId(attribute: DerNode): DerNode[] {
  const [list] = derSequence(attribute, 'the signing-certificate attribute');
  const [first] = derSequence(list, 'the list of certificates');
  return derSequence(first, 'the name of the signing certificate');
}

function certificateId(name: CertificateId['hash'], length: number, node: DerNode | undefined): CertificateId {
  const digest = derOctets(node, 'the name of the signing certificate');
  if (digest.length !== length) throw derError('the name of the signing certificate does not have the length of its hash');
  return { hash: name, digest };
}
