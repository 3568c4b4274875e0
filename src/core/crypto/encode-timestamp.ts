/** Making timestamp tokens: TSTInfo (RFC 3161 section 2.4.2) and the CMS SignedData (RFC 5652) around it. */
import {
  encodeContext,
  encodeDer,
  encodeGeneralizedTime,
  encodeInteger,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSetOf,
  encodeUtf8String,
  TAG,
} from '../encoding/index.ts';
import type { Algorithm } from './algorithms.ts';
import type { Certificate } from './certificate.ts';
import { encodeSignatureAlgorithm } from './encode-certificate.ts';
import { type HashName, hash, sha256 } from './hash.ts';
import { encodeHashAlgorithm, type TimestampRequest } from './timestamp-request.ts';

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

export interface TimestampFields {
  readonly policy: string;
  readonly serial: bigint;
  /** Milliseconds since 1970; stated in whole seconds. */
  readonly time: number;
  /** Seconds by which the time may be off to either side. */
  readonly accuracy: number;
}

export interface TimestampSigner {
  /** The certificate that dates, with its chain up to its root; the chain comes along where it is asked for. */
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly algorithm: Algorithm;
}

export interface UnsignedTimestamp {
  /** What must be signed: the signed attributes as a SET in DER. */
  readonly toSign: Uint8Array;
  /** The TimeStampResp that grants the token with this signature. */
  finish(signature: Uint8Array): Uint8Array;
}

export function encodeTimestamp(request: TimestampRequest, fields: TimestampFields, { certificate, chain, algorithm }: TimestampSigner): UnsignedTimestamp {
  const info = encodeInfo(request, fields);
  // Without a hash of its own (Ed25519, ML-DSA), SHA-512 speaks for the content (RFC 8419 section 3.1).
  const digest: HashName = algorithm.hash ?? 'sha512';
  const attributes = [
    attribute(OID.contentType, encodeOid(OID.timestampInfo)),
    attribute(OID.messageDigest, encodeOctetString(hash(digest, info))),
    attribute(OID.signingCertificateV2, encodeSequence(encodeSequence(encodeSequence(encodeOctetString(sha256(certificate.raw)))))),
  ].sort((a, b) => Buffer.compare(a, b));
  const bag = request.certificates ? [encodeContext(0, ...[certificate, ...chain].map(({ raw }) => raw))] : [];
  return {
    // Section 5.4: under the universal tag where it is signed, under [0] where it stands.
    toSign: encodeDer(TAG.set, ...attributes),
    finish(signature) {
      const signerInfo = encodeSequence(
        encodeInteger(1),
        encodeSequence(certificate.issuer, encodeDer(TAG.integer, certificate.serialBytes)),
        encodeHashAlgorithm(digest),
        encodeContext(0, ...attributes),
        encodeSignatureAlgorithm(algorithm),
        encodeOctetString(signature),
      );
      const signedData = encodeSequence(
        encodeInteger(3),
        encodeSetOf(encodeHashAlgorithm(digest)),
        encodeSequence(encodeOid(OID.timestampInfo), encodeContext(0, encodeOctetString(info))),
        ...bag,
        encodeSetOf(signerInfo),
      );
      return encodeSequence(encodeSequence(encodeInteger(0)), encodeSequence(encodeOid(OID.signedData), encodeContext(0, signedData)));
    },
  };
}

function encodeInfo({ hash: name, digest, nonce }: TimestampRequest, { policy, serial, time, accuracy }: TimestampFields): Uint8Array {
  return encodeSequence(
    encodeInteger(1),
    encodeOid(policy),
    encodeSequence(encodeHashAlgorithm(name), encodeOctetString(digest)),
    encodeInteger(serial),
    encodeGeneralizedTime(time),
    ...(accuracy > 0 ? [encodeSequence(encodeInteger(accuracy))] : []),
    ...(nonce === undefined ? [] : [encodeInteger(nonce)]),
  );
}

function attribute(oid: string, value: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(oid), encodeSetOf(value));
}

/** PKIFailureInfo of section 2.4.2, by its bit. */
export const TIMESTAMP_FAILURE = { badAlg: 0, badRequest: 2, badDataFormat: 5, timeNotAvailable: 14, unacceptedPolicy: 15, systemFailure: 25 } as const;
const REJECTION = 2;

/** A TimeStampResp without a token. */
export function encodeTimestampRefusal(failure: keyof typeof TIMESTAMP_FAILURE, why: string): Uint8Array {
  const bit = TIMESTAMP_FAILURE[failure];
  const octets = new Uint8Array(2 + (bit >> 3));
  octets[0] = 7 - (bit & 7);
  octets[1 + (bit >> 3)] = 0x80 >> (bit & 7);
  return encodeSequence(encodeSequence(encodeInteger(REJECTION), encodeSequence(encodeUtf8String(why)), encodeDer(TAG.bitString, octets)));
}
