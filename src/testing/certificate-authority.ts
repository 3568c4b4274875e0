/** A certificate authority as Fulcio is one: a root, an intermediate, and certificates for ten minutes that say who vouched for whom. */
import { sha256 } from '../core/crypto/index.ts';
import { utf8 } from '../core/encoding/index.ts';
import { bitString, boolean, commonName, context, implicit, integer, objectIdentifier, octetString, sequence, time, utf8String } from './der.ts';
import { createTestKey, signatureAlgorithm, type TestKey } from './test-key.ts';
import type { TestCertificateLog } from './certificate-log.ts';

const DAY = 24 * 60 * 60 * 1000;
const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  fulcio: '1.3.6.1.4.1.57264.1.',
} as const;

/** Which arc below Fulcio's holds which claim; the first five are bare text, the others a UTF8String. */
const CLAIM_ARCS = {
  githubWorkflowTrigger: 2,
  githubWorkflowSha: 3,
  githubWorkflowName: 4,
  githubWorkflowRepository: 5,
  githubWorkflowRef: 6,
  buildSignerUri: 9,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryId: 15,
  sourceRepositoryOwnerId: 17,
  buildTrigger: 20,
  runInvocationUri: 21,
} as const;
const LAST_BARE_ARC = 6;

export interface Validity {
  /** Milliseconds since 1970; both ends belong to it. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface TestIdentity {
  /** A URI, an e-mail address or a DNS name, told apart by its form. */
  readonly name: string;
  /** Who vouched for the name. */
  readonly issuer: string;
  readonly claims?: { readonly [Claim in keyof typeof CLAIM_ARCS]?: string };
}

export interface IssueOptions extends Partial<Validity> {
  readonly identity?: TestIdentity;
  readonly key?: TestKey;
  /** Certificate logs whose timestamps are embedded; those of the authority when not said. */
  readonly certificateLogs?: readonly TestCertificateLog[];
  /** What the certificate is for; code signing when not said. */
  readonly purposes?: readonly string[];
  /** The first octet of the key usage (RFC 5280 section 4.2.1.3); digitalSignature, 0x80, when not said. */
  readonly keyUsage?: number;
  /** Whether it claims to be an authority itself. */
  readonly isAuthority?: boolean;
  /** Further extensions, each a whole Extension in DER. */
  readonly extensions?: readonly Uint8Array[];
}

export interface TestCertificate {
  readonly key: TestKey;
  readonly der: Uint8Array;
  /** From its issuer to the root. */
  readonly chain: readonly Uint8Array[];
}

export interface TestAuthority {
  readonly root: TestCertificate;
  readonly intermediate: TestCertificate;
  /** Intermediate and root, as a trusted root lists them. */
  readonly chain: readonly Uint8Array[];
  issue(options?: IssueOptions): TestCertificate;
}

export interface AuthorityOptions {
  readonly now: () => number;
  readonly name?: string;
  readonly certificateLogs?: readonly TestCertificateLog[];
  readonly rootValidity?: Partial<Validity>;
  readonly intermediateValidity?: Partial<Validity>;
}

export const TEST_IDENTITY: TestIdentity = { name: 'maintainer@sealward.test', issuer: 'https://accounts.sealward.test' };

export function createTestAuthority(options: AuthorityOptions): TestAuthority {
  const { now, name = 'sealward.test', certificateLogs = [] } = options;
  const long = { notBefore: now() - 365 * DAY, notAfter: now() + 3650 * DAY };
  const root = certifyAuthority(`${name} root`, { ...long, ...options.rootValidity }, createTestKey('ecdsa-p384'));
  const intermediate = certifyAuthority(`${name} intermediate`, { ...long, ...options.intermediateValidity }, createTestKey('ecdsa-p384'), {
    issuer: root,
    issuerName: `${name} root`,
    purposes: [OID.codeSigning],
  });
  return {
    root,
    intermediate,
    chain: [intermediate.der, root.der],
    issue: (issue = {}) => issueLeaf(intermediate, `${name} intermediate`, { notBefore: now(), notAfter: now() + 10 * 60 * 1000, certificateLogs, ...issue }),
  };
}

export interface AuthorityIssuer {
  readonly issuer: TestCertificate;
  readonly issuerName: string;
  readonly purposes: readonly string[];
}

/** A certificate of an authority: self-signed, or below another one that limits what it is for. */
export function certifyAuthority(name: string, validity: Validity, key: TestKey, above?: AuthorityIssuer): TestCertificate {
  const issuerKey = above?.issuer.key ?? key;
  const extensions = [
    extension(OID.keyUsage, keyUsage(0x06), true), // keyCertSign, cRLSign
    extension(OID.basicConstraints, sequence(boolean(true), ...(above ? [integer(0)] : [])), true),
    ...(above ? [extension(OID.extendedKeyUsage, sequence(...above.purposes.map(objectIdentifier)))] : []),
    ...keyIdentifiers(key, issuerKey),
  ];
  const der = signCertificate({ subject: commonName(name), issuer: commonName(above?.issuerName ?? name), ...validity, key, issuerKey, extensions });
  return { key, der, chain: above ? [above.issuer.der, ...above.issuer.chain] : [] };
}

function issueLeaf(issuer: TestCertificate, issuerName: string, options: IssueOptions & Validity): TestCertificate {
  const { identity = TEST_IDENTITY, key = createTestKey(), certificateLogs = [], purposes = [OID.codeSigning] } = options;
  const fields = {
    subject: commonName(''),
    issuer: commonName(issuerName),
    notBefore: options.notBefore,
    notAfter: options.notAfter,
    key,
    issuerKey: issuer.key,
    extensions: [
      extension(OID.keyUsage, keyUsage(options.keyUsage ?? 0x80), true),
      ...(options.isAuthority ? [extension(OID.basicConstraints, sequence(boolean(true)), true)] : []),
      ...(purposes.length > 0 ? [extension(OID.extendedKeyUsage, sequence(...purposes.map(objectIdentifier)))] : []),
      ...keyIdentifiers(key, issuer.key),
      ...identityExtensions(identity),
      ...(options.extensions ?? []),
    ],
  };
  // The certificate without its timestamps is what the certificate logs sign (RFC 6962 section 3.2).
  const scts = certificateLogs.map((log) => log.timestamp(tbsCertificate(fields), issuer.key.publicKey.spki));
  const logged = scts.length > 0 ? [extension('1.3.6.1.4.1.11129.2.4.2', octetString(vector(...scts.map((sct) => vector(sct)))))] : [];
  return { key, der: signCertificate({ ...fields, extensions: [...fields.extensions, ...logged] }), chain: [issuer.der, ...issuer.chain] };
}

function identityExtensions({ name, issuer, claims = {} }: TestIdentity): Uint8Array[] {
  const tag = name.includes('://') ? 6 : name.includes('@') ? 1 : 2;
  const claimed = Object.entries(claims).map(([claim, text]): Uint8Array => {
    const arc = CLAIM_ARCS[claim as keyof typeof CLAIM_ARCS];
    return extension(`${OID.fulcio}${arc}`, arc <= LAST_BARE_ARC ? utf8(text) : utf8String(text));
  });
  return [
    // RFC 5280 section 4.1.2.6: critical, because the subject is empty.
    extension(OID.subjectAlternativeName, sequence(implicit(tag, utf8(name))), true),
    extension(`${OID.fulcio}1`, utf8(issuer)),
    ...claimed,
    extension(`${OID.fulcio}8`, utf8String(issuer)),
  ];
}

interface CertificateFields extends Validity {
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly key: TestKey;
  readonly issuerKey: TestKey;
  readonly extensions: readonly Uint8Array[];
}

/** The same for a certificate and for what its logs sign, another for each key and validity. */
function serialNumber({ key, notBefore, notAfter }: CertificateFields): bigint {
  return new DataView(sha256(key.publicKey.spki, utf8(`${notBefore} ${notAfter}`)).buffer).getBigUint64(0);
}

function tbsCertificate(fields: CertificateFields): Uint8Array {
  return sequence(
    context(0, integer(2)),
    integer(serialNumber(fields)),
    signatureAlgorithm(fields.issuerKey),
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.key.publicKey.spki,
    context(3, sequence(...fields.extensions)),
  );
}

export function signCertificate(fields: CertificateFields): Uint8Array {
  const tbs = tbsCertificate(fields);
  return sequence(tbs, signatureAlgorithm(fields.issuerKey), bitString(fields.issuerKey.sign(tbs)));
}

export function extension(oid: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** DER drops the zero bits at the end of a list of named bits (X.690 section 11.2.2). */
export function keyUsage(octet: number): Uint8Array {
  return bitString(Uint8Array.of(octet), 31 - Math.clz32(octet & -octet));
}

export function keyIdentifiers(key: TestKey, issuerKey: TestKey): Uint8Array[] {
  const id = (of: TestKey): Uint8Array => sha256(of.publicKey.spki).subarray(0, 20);
  return [extension(OID.subjectKeyId, octetString(id(key))), extension(OID.authorityKeyId, sequence(implicit(0, id(issuerKey))))];
}

/** opaque <0..2^16-1> of TLS (RFC 5246 section 4.3). */
function vector(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(parts);
  return Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
}
