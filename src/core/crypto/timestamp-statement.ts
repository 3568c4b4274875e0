/** TSTInfo (RFC 3161 section 2.4.2): what a timestamp authority states. */
import {
  derBoolean,
  derChildren,
  derError,
  derOctets,
  derOid,
  derSequence,
  derSmallInteger,
  derTime,
  encodeHex,
  expectTag,
  parseDer,
  TAG,
} from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import type { HashName } from './hash.ts';
import { HASH_BYTES } from './hash.ts';
import { readHashAlgorithm } from './signature-oid.ts';

export interface TimestampStatement {
  /** The authority's policy, an object identifier. */
  readonly policy: string;
  /** What was dated: a digest and its hash. */
  readonly hash: HashName;
  readonly digest: Uint8Array;
  /** Hex of the INTEGER's contents; authorities write them negative and padded too, and nothing depends on it. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds by which `time` may be off to either side; 0 when the authority does not say. */
  readonly accuracy: number;
  /** Hex as above: what the requester sent comes back unchanged. */
  readonly nonce: string | undefined;
}

const ACCURACY = TAG.sequence;
const AUTHORITY_NAME = 0xa0;
const EXTENSIONS = 0xa1;

export function readTimestampStatement(der: Uint8Array): TimestampStatement {
  const [version, policy, imprint, serial, time, ...optional] = derSequence(parseDer(der), 'the TSTInfo');
  if (derSmallInteger(version, 'the version of the TSTInfo') !== 1) throw derError('the TSTInfo is of an unknown version');
  const { hash, digest } = readImprint(imprint);
  // The optional parts keep their order; each is told by its tag.
  const next = (tag: number): DerNode | undefined => (optional[0]?.tag === tag ? optional.shift() : undefined);
  const accuracy = next(ACCURACY);
  const ordering = next(TAG.boolean);
  if (ordering) derBoolean(ordering, 'the ordering flag');
  const nonce = next(TAG.integer);
  next(AUTHORITY_NAME);
  refuseCriticalExtensions(next(EXTENSIONS));
  if (optional.length > 0) throw derError('the TSTInfo has parts that do not belong there');
  return {
    policy: derOid(policy, 'the policy of the timestamp'),
    hash,
    digest,
    serial: integerHex(serial, 'the serial number of the timestamp'),
    time: derTime(expectTag(time, TAG.generalizedTime, 'the time of the timestamp'), 'the time of the timestamp'),
    accuracy: accuracy ? readAccuracy(accuracy) : 0,
    nonce: nonce && integerHex(nonce, 'the nonce'),
  };
}

function integerHex(node: DerNode | undefined, what: string): string {
  const { value } = expectTag(node, TAG.integer, what);
  // RFC 3161 section 2.4.2 allows serial numbers of up to 160 bits; twice that is room enough for those who do not read.
  if (value.length === 0 || value.length > 40) throw derError(`${what} is empty or too long`);
  return encodeHex(value);
}

function readImprint(node: DerNode | undefined): { hash: HashName; digest: Uint8Array } {
  const [algorithm, digest, ...rest] = derSequence(node, 'the message imprint');
  const hash = readHashAlgorithm(algorithm);
  const bytes = derOctets(digest, 'the message imprint');
  if (!hash) throw derError('the message imprint is by a hash that is refused');
  if (rest.length > 0 || bytes.length !== HASH_BYTES[hash]) throw derError('the message imprint does not have the length of its hash');
  return { hash, digest: bytes };
}

/** Accuracy ::= SEQUENCE { seconds, millis [0], micros [1] }, each optional; a part of a millisecond counts as one. */
function readAccuracy(node: DerNode): number {
  const parts = derChildren(node);
  const next = (tag: number, most: number): number => {
    if (parts[0]?.tag !== tag) return 0;
    const part = parts.shift() as DerNode;
    const value = derSmallInteger(tag === TAG.integer ? part : parseDer(retagged(part)), 'the accuracy');
    if (value > most) throw derError('the accuracy is out of range');
    return value;
  };
  const milliseconds = next(TAG.integer, 0x7fffffff) * 1000 + next(0x80, 999) + Math.ceil(next(0x81, 999) / 1000);
  if (parts.length > 0) throw derError('the accuracy has parts that do not belong there');
  return milliseconds;
}

/** An implicitly tagged INTEGER under its own tag. */
function retagged(part: DerNode): Uint8Array {
  const copy = new Uint8Array(part.raw);
  copy[0] = TAG.integer;
  return copy;
}

/** RFC 3161 section 2.4.2: none are defined, and a critical one that is not known may change what is stated. */
function refuseCriticalExtensions(node: DerNode | undefined): void {
  for (const extension of node ? derChildren(node) : []) {
    const flag = derSequence(extension, 'an extension of the timestamp')[1];
    if (flag?.tag === TAG.boolean && derBoolean(flag, 'the critical flag')) throw derError('the timestamp has a critical extension that is not known');
  }
}
