/** The other direction of the strict reader: the DER that certificates, requests and timestamps are made of (X.690). */
import { concatBytes, utf8 } from './bytes.ts';
import { encodeDer, TAG } from './der.ts';

export function encodeSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.sequence, ...parts);
}

/** DER orders the members of a SET OF by their encodings (section 11.6). */
export function encodeSetOf(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));
}

/** `1.2.840.10045.4.3.2`; the first two arcs share an octet (section 8.19.4). */
export function encodeOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number);
  const octets = [40 * first + second, ...arcs].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80);
    return digits;
  });
  return encodeDer(TAG.oid, Uint8Array.from(octets));
}

/** A non-negative INTEGER in its shortest form. */
export function encodeInteger(value: bigint | number): Uint8Array {
  let hex = BigInt(value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (Number.parseInt(hex.slice(0, 2), 16) >= 0x80) hex = `00${hex}`;
  return encodeDer(TAG.integer, Uint8Array.from(Buffer.from(hex, 'hex')));
}

export function encodeBoolean(value: boolean): Uint8Array {
  return encodeDer(TAG.boolean, Uint8Array.of(value ? 0xff : 0x00));
}

export function encodeNull(): Uint8Array {
  return encodeDer(TAG.null);
}

export function encodeOctetString(bytes: Uint8Array): Uint8Array {
  return encodeDer(TAG.octetString, bytes);
}

export function encodeBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeDer(TAG.bitString, concatBytes(Uint8Array.of(unusedBits), bytes));
}

export function encodeUtf8String(text: string): Uint8Array {
  return encodeDer(TAG.utf8String, utf8(text));
}

/** `[number]`, constructed: an explicit tag, or an implicit one over something constructed. */
export function encodeContext(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(0xa0 | number, ...parts);
}

/** `[number] IMPLICIT` over something primitive. */
export function encodeImplicit(number: number, bytes: Uint8Array): Uint8Array {
  return encodeDer(0x80 | number, bytes);
}

/** RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on. Whole seconds; `milliseconds` since 1970. */
export function encodeTime(milliseconds: number): Uint8Array {
  const year = new Date(milliseconds).getUTCFullYear();
  return year < 2050 && year >= 1950 ? encodeDer(TAG.utcTime, utf8(digits(milliseconds).slice(2))) : encodeGeneralizedTime(milliseconds);
}

export function encodeGeneralizedTime(milliseconds: number): Uint8Array {
  return encodeDer(TAG.generalizedTime, utf8(digits(milliseconds)));
}

function digits(milliseconds: number): string {
  return `${new Date(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:T]/g, '')}Z`;
}

/** A name in the order organisation, common name; empty texts are left out, so that two empty ones give the empty name. */
export function encodeName(commonName: string, organization = ''): Uint8Array {
  const part = (oid: string, text: string): Uint8Array[] => (text === '' ? [] : [encodeDer(TAG.set, encodeSequence(encodeOid(oid), encodeUtf8String(text)))]);
  return encodeSequence(...part('2.5.4.10', organization), ...part('2.5.4.3', commonName));
}
