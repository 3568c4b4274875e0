/** TimeStampReq (RFC 3161 section 2.4.1), in both directions. */
import {
  derBoolean,
  derError,
  derOctets,
  derOid,
  derSequence,
  derSmallInteger,
  derUnsigned,
  encodeBoolean,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  parseDer,
  TAG,
} from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { HashName } from './hash.ts';
import { HASH_BYTES } from './hash.ts';
import { readHashAlgorithm } from './signature-oid.ts';

export interface TimestampRequest {
  readonly hash: HashName;
  readonly digest: Uint8Array;
  /** An object identifier; undefined leaves the choice to the authority. */
  readonly policy?: string;
  readonly nonce?: bigint;
  /** Whether the authority's certificate shall come along. */
  readonly certificates: boolean;
}

/** A request has about 70 bytes; the longest nonce that is taken and a long policy still fit. */
const MAX_REQUEST_BYTES = 1024;
const MAX_NONCE_BITS = 256n;
const EXTENSIONS = 0xa0;

export const HASH_OIDS: Readonly<Record<HashName, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

export function encodeHashAlgorithm(name: HashName): Uint8Array {
  return encodeSequence(encodeOid(HASH_OIDS[name]), encodeNull());
}

/** Anything that is not a strict request for a hash that is served is ERR_TIMESTAMP_INVALID, or ERR_TOO_LARGE. */
export function parseTimestampRequest(bytes: Uint8Array): TimestampRequest {
  if (bytes.length > MAX_REQUEST_BYTES) throw new SealwardError('ERR_TOO_LARGE', `the timestamp request is larger than ${MAX_REQUEST_BYTES} bytes`);
  try {
    return readRequest(parseDer(bytes));
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
    throw new SealwardError('ERR_TIMESTAMP_INVALID', `the timestamp request cannot be read: ${cause.message}`, {
      cause,
      hint: 'Send a TimeStampReq of RFC 3161 over a SHA-256, SHA-384 or SHA-512 digest, in DER.',
    });
  }
}

function readRequest(node: DerNode): TimestampRequest {
  const [version, imprint, ...optional] = derSequence(node, 'the request');
  if (derSmallInteger(version, 'the version') !== 1) throw derError('it is of an unknown version');
  const [algorithm, digestNode, ...extra] = derSequence(imprint, 'the message imprint');
  const hash = readHashAlgorithm(algorithm);
  const digest = derOctets(digestNode, 'the digest');
  if (!hash) throw derError('its hash is not one that is dated');
  if (digest.length !== HASH_BYTES[hash] || extra.length > 0) throw derError('its digest does not have the length of its hash');
  // The optional parts keep their order; each is told by its tag.
  const next = (tag: number): DerNode | undefined => (optional[0]?.tag === tag ? optional.shift() : undefined);
  const policy = next(TAG.oid);
  const nonce = next(TAG.integer);
  const wanted = next(TAG.boolean);
  if (wanted && !derBoolean(wanted, 'certReq')) throw derError('certReq is FALSE, which DER leaves out');
  // Section 2.4.1: an authority that does not know an extension must refuse; none is known here.
  if (next(EXTENSIONS)) throw derError('it has extensions, and none is known');
  if (optional.length > 0) throw derError('it has parts that do not belong there');
  const number = nonce && derUnsigned(nonce, 'the nonce');
  if (number !== undefined && number >> MAX_NONCE_BITS !== 0n) throw derError(`its nonce has more than ${MAX_NONCE_BITS} bits`);
  return {
    hash,
    digest,
    ...(policy ? { policy: derOid(policy, 'the policy') } : {}),
    ...(number === undefined ? {} : { nonce: number }),
    certificates: wanted !== undefined,
  };
}

export function encodeTimestampRequest({ hash, digest, policy, nonce, certificates }: TimestampRequest): Uint8Array {
  return encodeSequence(
    encodeInteger(1),
    encodeSequence(encodeHashAlgorithm(hash), encodeOctetString(digest)),
    ...(policy === undefined ? [] : [encodeOid(policy)]),
    ...(nonce === undefined ? [] : [encodeInteger(nonce)]),
    ...(certificates ? [encodeBoolean(true)] : []),
  );
}
