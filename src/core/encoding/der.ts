/**
 * A strict reader of DER (X.690 section 10): definite lengths in their shortest form, low tag numbers, bounded depth,
 * no trailing bytes. It slices the input and copies nothing, so `raw` of a node is exactly what was hashed or signed.
 */
import { SealwardError } from '../errors.ts';
import { encodeHex } from './base64.ts';
import { allocateBytes, decodeLatin1 } from './bytes.ts';
import { LIMITS } from './limits.ts';

export interface DerNode {
  /** The identifier octet: class, constructed bit and tag number together (0x30 is SEQUENCE). */
  readonly tag: number;
  /** The contents octets. */
  readonly value: Uint8Array;
  /** The whole encoding: identifier, length and contents. */
  readonly raw: Uint8Array;
}

/** Where a node lies in its document. Most nodes are only walked over, and cutting a view for each costs more than the walk. */
class Slice implements DerNode {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly contents: number;
  readonly end: number;

  constructor(tag: number, bytes: Uint8Array, start: number, contents: number, end: number) {
    this.tag = tag;
    this.bytes = bytes;
    this.start = start;
    this.contents = contents;
    this.end = end;
  }
  get value(): Uint8Array {
    return this.bytes.subarray(this.contents, this.end);
  }
  get raw(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function derError(message: string): SealwardError {
  return new SealwardError('ERR_DER_INVALID', message);
}

function readAt(bytes: Uint8Array, at: number, limit: number): Slice {
  if (at + 2 > limit) throw derError('the DER structure is truncated');
  const tag = bytes[at] as number;
  const first = bytes[at + 1] as number;
  if ((tag & 0x1f) === 0x1f) throw derError('DER tag numbers above 30 are not used here');
  let length = first;
  let contents = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0) throw derError('indefinite lengths are not DER');
    if (count > 4) throw derError('a DER length is larger than any document allowed here');
    if (contents + count > limit) throw derError('the DER structure is truncated');
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[contents + i] as number);
    contents += count;
    // X.690 section 10.1
    if (length < 0x80 || length < 256 ** (count - 1)) throw derError('a DER length is not in its shortest form');
  }
  const end = contents + length;
  if (end > limit) throw derError('the DER structure is truncated');
  return new Slice(tag, bytes, at, contents, end);
}

/** The one node that the bytes hold; anything after it is refused. */
export function parseDer(bytes: Uint8Array): DerNode {
  const node = readAt(bytes, 0, bytes.length);
  if (node.end !== bytes.length) throw derError('there are bytes after the DER structure');
  return node;
}

/** The nodes inside a constructed one. */
export function derChildren(node: DerNode): DerNode[] {
  if ((node.tag & 0x20) === 0) throw derError('a constructed DER node was expected');
  const slice = node instanceof Slice ? node : new Slice(node.tag, node.value, 0, 0, node.value.length);
  const children: DerNode[] = [];
  for (let at = slice.contents; at < slice.end; ) {
    const child = readAt(slice.bytes, at, slice.end);
    children.push(child);
    at = child.end;
  }
  return children;
}

export function expectTag(node: DerNode | undefined, tag: number, what: string): DerNode {
  if (node?.tag !== tag) throw derError(`${what} is missing or of another type`);
  return node;
}

/** A SEQUENCE's children. */
export function derSequence(node: DerNode | undefined, what: string): DerNode[] {
  return derChildren(expectTag(node, TAG.sequence, what));
}

/** A non-negative INTEGER in its shortest form. */
export function derUnsigned(node: DerNode | undefined, what: string): bigint {
  const { value } = expectTag(node, TAG.integer, what);
  const [first, second] = value;
  if (first === undefined || first >= 0x80 || (first === 0 && second !== undefined && second < 0x80)) {
    throw derError(`${what} is not a non-negative integer in its shortest form`);
  }
  return BigInt(`0x${encodeHex(value)}`);
}

export function derSmallInteger(node: DerNode | undefined, what: string): number {
  const value = derUnsigned(node, what);
  if (value > 0x7fffffffn) throw derError(`${what} is too large`);
  return Number(value);
}

export function derBoolean(node: DerNode | undefined, what: string): boolean {
  const { value } = expectTag(node, TAG.boolean, what);
  if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) throw derError(`${what} is not a DER boolean`);
  return value[0] === 0xff;
}

/** An OBJECT IDENTIFIER in dotted form (X.690 section 8.19). */
export function derOid(node: DerNode | undefined, what: string): string {
  const { value } = expectTag(node, TAG.oid, what);
  if (value.length === 0 || value.length > 64) throw derError(`${what} is not an object identifier`);
  if ((value[value.length - 1] as number) >= 0x80) throw derError(`${what} is truncated`);
  let text = '';
  let arc = 0;
  for (let i = 0; i < value.length; i++) {
    const octet = value[i] as number;
    if (arc === 0 && octet === 0x80) throw derError(`${what} has an arc that is not in its shortest form`);
    arc = arc * 128 + (octet & 0x7f);
    if (arc > 0xffffffffff) throw derError(`${what} has an arc that is too large`);
    if (octet >= 0x80) continue;
    text = text === '' ? firstArcs(arc) : `${text}.${arc}`;
    arc = 0;
  }
  return text;
}

/** The first two arcs share one number; below the third root the second arc has no bound. */
function firstArcs(arc: number): string {
  const root = arc < 40 ? 0 : arc < 80 ? 1 : 2;
  return `${root}.${arc - 40 * root}`;
}

/** A BIT STRING of whole octets, as keys and signatures are. */
export function derBits(node: DerNode | undefined, what: string): Uint8Array {
  const { value } = expectTag(node, TAG.bitString, what);
  if (value[0] !== 0) throw derError(`${what} is not a bit string of whole octets`);
  return value.subarray(1);
}

export function derOctets(node: DerNode | undefined, what: string): Uint8Array {
  return expectTag(node, TAG.octetString, what).value;
}

const UTC_TIME = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
/** Years below 100 are nobody's, and Date would take some of them for years of the last century. */
const GENERALIZED_TIME = /^((?!00)\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{0,8}[1-9]))?Z$/;

/** UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5; fractions as RFC 3161 section 2.4.2 allows), in milliseconds since 1970. */
export function derTime(node: DerNode | undefined, what: string): number {
  if (node?.tag !== TAG.utcTime && node?.tag !== TAG.generalizedTime) throw derError(`${what} is not a time`);
  const text = decodeLatin1(node.value.subarray(0, 32));
  const match = (node.tag === TAG.utcTime ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (!match) throw derError(`${what} is not a DER time`);
  const [, year = '', month, day, hour, minute, second, fraction = ''] = match;
  const century = node.tag === TAG.generalizedTime ? '' : year >= '50' ? '19' : '20';
  // By digits: as a binary fraction .57 would come out as 569.
  const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
  const time = Date.parse(iso);
  // The 31st of February rolls over into March: a time that does not come back unchanged never was one.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) throw derError(`${what} is not a moment of the calendar`);
  return time;
}

/** Walks a whole structure to its bounded depth: for hostile input that is about to be looked at piece by piece. */
export function checkDerDepth(node: DerNode, depth = 0): void {
  if (depth > LIMITS.derDepth) throw derError(`the DER structure is nested deeper than ${LIMITS.derDepth} levels`);
  if ((node.tag & 0x20) === 0) return;
  for (const child of derChildren(node)) checkDerDepth(child, depth + 1);
}

/** Encodes one node; used to rebuild what a signature was made over, such as a precertificate. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of contents) length += part.length;
  // X.690 section 10.1: the shortest form, which is one octet, or their number and the octets.
  let octets = 0;
  if (length >= 0x80) for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets++;
  let at = 2 + octets;
  const out = allocateBytes(at + length);
  out[0] = tag;
  out[1] = octets === 0 ? length : 0x80 | octets;
  for (let i = at - 1, rest = length; i > 1; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256;
  for (const part of contents) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
