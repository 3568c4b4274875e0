/** Distinguished names as people read them. Comparison is always of the raw DER, never of this text. */
import { decodeUtf8, derOid, derSequence, encodeHex, expectTag, parseDer, derChildren, TAG } from '../encoding/index.ts';
import type { DerNode } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';

/** RFC 4514 section 3 and the two more that certificates of this field use. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
]);

const MAX_ATTRIBUTES = 64;
const MAX_VALUE_CHARACTERS = 256;
const T61_STRING = 0x14;
const BMP_STRING = 0x1e;

/**
 * The name in the order and the escapes of RFC 4514 (last part first); long values and endless names are cut with an
 * ellipsis. What is no name at all is written in hex, as it decides nothing.
 */
export function nameText(nameDer: Uint8Array): string {
  try {
    return readName(nameDer);
  } catch (cause) {
    if (cause instanceof SealwardError) return `#${encodeHex(nameDer.subarray(0, MAX_VALUE_CHARACTERS))}`;
    throw cause;
  }
}

function readName(nameDer: Uint8Array): string {
  const parts: string[] = [];
  for (const relative of derSequence(parseDer(nameDer), 'the name')) {
    const attributes = derChildren(expectTag(relative, TAG.set, 'a part of the name'));
    for (let i = 0; i < attributes.length && parts.length <= MAX_ATTRIBUTES; i++) {
      const text = attributeText(attributes[i]);
      // RFC 4514 section 2.2: the values of one multi-valued part are joined by a plus sign.
      if (i === 0) parts.push(text);
      else parts[parts.length - 1] = `${parts[parts.length - 1]}+${text}`;
    }
    if (parts.length > MAX_ATTRIBUTES) break;
  }
  if (parts.length > MAX_ATTRIBUTES) parts[MAX_ATTRIBUTES] = '…';
  return parts.reverse().join(',');
}

function attributeText(node: DerNode | undefined): string {
  const [type, value] = derSequence(node, 'a part of the name');
  const oid = derOid(type, 'the type of a part of the name');
  const name = SHORT_NAMES.get(oid);
  const text = value && stringValue(value);
  // RFC 4514 section 2.4: whatever is not a known string is written as its encoding.
  if (name === undefined || text === undefined) return `${name ?? oid}=#${encodeHex((value?.raw ?? new Uint8Array()).subarray(0, MAX_VALUE_CHARACTERS))}`;
  return `${name}=${escapeValue(text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text)}`;
}

function stringValue({ tag, value }: DerNode): string | undefined {
  const head = value.subarray(0, 4 * MAX_VALUE_CHARACTERS);
  switch (tag) {
    case TAG.utf8String:
      return decodeUtf8(value, 'a part of the name');
    case TAG.printableString:
    case TAG.ia5String:
    case T61_STRING:
      return Array.from(head, (octet) => String.fromCharCode(octet)).join('');
    case BMP_STRING:
      return Array.from({ length: head.length >> 1 }, (_, i) => String.fromCharCode(((head[2 * i] as number) << 8) | (head[2 * i + 1] as number))).join('');
    default:
      return undefined;
  }
}

/** RFC 4514 section 2.4; control characters as well, so that a name can never move a terminal's cursor. */
function escapeValue(text: string): string {
  return text.replace(/^[ #]|[",+;<>\\=]| $/g, (character) => `\\${character}`).replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, hexPairs);
}

function hexPairs(character: string): string {
  return Array.from(Buffer.from(character, 'utf8'), (octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('');
}
