/**
 * The bytes that TUF signs: the "canonical JSON" of securesystemslib, which is that of OLPC and not of RFC 8785.
 * Members stand in the order of their code points, strings escape the quote and the backslash alone and carry
 * everything else as it is, control characters too, and numbers are integers.
 */
import { type JsonValue, utf8 } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';

export function canonicalBytes(value: JsonValue): Uint8Array {
  return utf8(encode(value));
}

function encode(value: JsonValue): string {
  if (typeof value === 'string') return encodeText(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new SealwardError('ERR_TRUST_INVALID', `canonical JSON holds integers, and ${value} is none`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  const members = Object.keys(value)
    .sort(byCodePoint)
    .map((key) => `${encodeText(key)}:${encode(value[key] as JsonValue)}`);
  return `{${members.join(',')}}`;
}

const encodeText = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** UTF-16 puts the astral planes before U+E000; UTF-8 does not, and neither do Python and Go, whose clients read this. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(utf8(a), utf8(b));
