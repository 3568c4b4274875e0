/** The other direction of core/encoding's strict reader: just enough DER to issue certificates and timestamps. */
import { concatBytes, encodeDer, TAG, utf8 } from '../core/encoding/index.ts';

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.sequence, ...parts);
}

/** DER orders the members of a SET OF by their encodings (X.690 section 11.6). */
export function setOf(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));
}

/** `1.2.840.10045.4.3.2`; the first two arcs share an octet (X.690 section 8.19.4). */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number);
  const octets = [40 * first + second, ...arcs].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80);
    return digits;
  });
  return encodeDer(TAG.oid, Uint8Array.from(octets));
}

/** A non-negative INTEGER in its shortest form. */
export function integer(value: bigint | number): Uint8Array {
  let hex = BigInt(value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (Number.parseInt(hex.slice(0, 2), 16) >= 0x80) hex = `00${hex}`;
  return encodeDer(TAG.integer, Uint8Array.from(Buffer.from(hex, 'hex')));
}

export function boolean(value: boolean): Uint8Array {
  return encodeDer(TAG.boolean, Uint8Array.of(value ? 0xff : 0x00));
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return encodeDer(TAG.octetString, bytes);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeDer(TAG.bitString, concatBytes(Uint8Array.of(unusedBits), bytes));
}

export function utf8String(text: string): Uint8Array {
  return encodeDer(TAG.utf8String, utf8(text));
}

/** `[number]`, constructed: an explicit tag, or an implicit one over something constructed. */
export function context(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(0xa0 | number, ...parts);
}

/** `[number] IMPLICIT` over something primitive. */
export function implicit(number: number, bytes: Uint8Array): Uint8Array {
  return encodeDer(0x80 | number, bytes);
}

/** RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on. Whole seconds; `milliseconds` since 1970. */
export function time(milliseconds: number): Uint8Array {
  const year = new Date(milliseconds).getUTCFullYear();
  return year < 2050 && year >= 1950 ? encodeDer(TAG.utcTime, utf8(digits(milliseconds).slice(2))) : generalizedTime(milliseconds);
}

export function generalizedTime(milliseconds: number): Uint8Array {
  return encodeDer(TAG.generalizedTime, utf8(digits(milliseconds)));
}

function digits(milliseconds: number): string {
  return `${new Date(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:T]/g, '')}Z`;
}

/** A name of one part: `CN=text`. An empty text gives the empty name. */
export function commonName(text: string): Uint8Array {
  return text === '' ? sequence() : sequence(encodeDer(TAG.set, sequence(objectIdentifier('2.5.4.3'), utf8String(text))));
}
