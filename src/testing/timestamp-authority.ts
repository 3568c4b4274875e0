/** A timestamp authority (RFC 3161): a root, a certificate for timestamps, and answers that grant. */
import { hash, type HashName, parseCertificate, sha256 } from '../core/crypto/index.ts';
import { encodeDer, TAG } from '../core/encoding/index.ts';
import { certifyAuthority, extension, keyIdentifiers, keyUsage, signCertificate, type TestCertificate, type Validity } from './certificate-authority.ts';
import { commonName, context, generalizedTime, integer, objectIdentifier, octetString, sequence, setOf } from './der.ts';
import { createTestKey, signatureAlgorithm } from './test-key.ts';

const DAY = 24 * 60 * 60 * 1000;
const OID = {
  timeStamping: '1.3.6.1.5.5.7.3.8',
  signedData: '1.2.840.113549.1.7.2',
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  policy: '1.3.6.1.4.1.57264.2',
} as const;
const HASH_OIDS: Readonly<Record<HashName, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

export interface TimestampOptions {
  /** Milliseconds since 1970; now when not said. */
  readonly time?: number;
  readonly hash?: HashName;
  /** The certificates that come along; when not said the authority's own, as from the public ones. */
  readonly certificates?: readonly Uint8Array[];
  /** Seconds by which the time may be off. */
  readonly accuracy?: number;
}

export interface TestTimestampAuthority {
  readonly url: string;
  readonly signer: TestCertificate;
  /** The signing certificate and its root, as a trusted root lists them. */
  readonly chain: readonly Uint8Array[];
  /** A TimeStampResp that dates the message. */
  timestamp(message: Uint8Array, options?: TimestampOptions): Uint8Array;
}

export interface TimestampAuthorityOptions {
  readonly now: () => number;
  readonly url?: string;
  readonly signerValidity?: Partial<Validity>;
}

export function createTestTimestampAuthority({
  now,
  url = 'https://tsa.sealward.test',
  signerValidity = {},
}: TimestampAuthorityOptions): TestTimestampAuthority {
  const name = new URL(url).hostname;
  const long = { notBefore: now() - 365 * DAY, notAfter: now() + 3650 * DAY };
  const root = certifyAuthority(`${name} root`, long, createTestKey('ecdsa-p384'));
  const key = createTestKey('ecdsa-p256');
  const der = signCertificate({
    subject: commonName(name),
    issuer: commonName(`${name} root`),
    ...long,
    ...signerValidity,
    key,
    issuerKey: root.key,
    extensions: [
      extension('2.5.29.15', keyUsage(0x80), true), // digitalSignature
      // RFC 3161 section 2.3: this purpose alone, and critical.
      extension('2.5.29.37', sequence(objectIdentifier(OID.timeStamping)), true),
      ...keyIdentifiers(key, root.key),
    ],
  });
  const signer: TestCertificate = { key, der, chain: [root.der] };
  let serial = 0;
  return {
    url,
    signer,
    chain: [der, root.der],
    timestamp(message, options = {}) {
      const info = timestampInfo(message, ++serial, options.time ?? now(), options);
      // PKIStatusInfo: granted.
      return sequence(sequence(integer(0)), signInfo(info, signer, commonName(`${name} root`), options.certificates ?? [der, root.der]));
    },
  };
}

/** TSTInfo, RFC 3161 section 2.4.2. */
function timestampInfo(message: Uint8Array, serial: number, time: number, { hash: name = 'sha256', accuracy }: TimestampOptions): Uint8Array {
  return sequence(
    integer(1),
    objectIdentifier(OID.policy),
    sequence(digestAlgorithm(name), octetString(hash(name, message))),
    integer(serial),
    generalizedTime(time),
    ...(accuracy === undefined ? [] : [sequence(integer(accuracy))]),
  );
}

/** SignedData, RFC 5652 section 5.1, with the attributes that RFC 3161 and RFC 5816 demand. */
function signInfo(info: Uint8Array, { key, der }: TestCertificate, issuer: Uint8Array, certificates: readonly Uint8Array[]): Uint8Array {
  const attribute = (oid: string, value: Uint8Array): Uint8Array => sequence(objectIdentifier(oid), setOf(value));
  const attributes = [
    attribute(OID.contentType, objectIdentifier(OID.timestampInfo)),
    attribute(OID.messageDigest, octetString(sha256(info))),
    attribute(OID.signingCertificateV2, sequence(sequence(sequence(octetString(sha256(der)))))),
  ];
  const signed = setOf(...attributes);
  const signerInfo = sequence(
    integer(1),
    sequence(issuer, serialOf(der)),
    digestAlgorithm('sha256'),
    // The same members under the tag [0], in the same order.
    encodeDer(0xa0, ...[...attributes].sort((a, b) => Buffer.compare(a, b))),
    signatureAlgorithm(key),
    octetString(key.sign(signed)),
  );
  return sequence(
    objectIdentifier(OID.signedData),
    context(
      0,
      sequence(
        integer(3),
        setOf(digestAlgorithm('sha256')),
        sequence(objectIdentifier(OID.timestampInfo), context(0, octetString(info))),
        ...(certificates.length > 0 ? [context(0, ...certificates)] : []),
        setOf(signerInfo),
      ),
    ),
  );
}

function digestAlgorithm(name: HashName): Uint8Array {
  return sequence(objectIdentifier(HASH_OIDS[name]), encodeDer(TAG.null));
}

function serialOf(certificate: Uint8Array): Uint8Array {
  return encodeDer(TAG.integer, parseCertificate(certificate).serialBytes);
}
