/**
 * Takes `managedFields` out of a review before it is parsed: the API server's own notes on who set which field, often more
 * than half of an object, and read by nobody here. What stands in their place is an empty list. Of valid JSON this makes
 * valid JSON; bytes that are none are none afterwards, either, or stand within what nobody reads.
 */
const KEY = Buffer.from('"managedFields":[');
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Less is parsed as soon as it is cut out. */
const WORTH_BYTES = 256;

export function withoutManagedFields(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(KEY); at >= 0; at = bytes.indexOf(KEY, at)) {
    const before = at === 0 ? 0 : (bytes[at - 1] as number);
    const begin = at + KEY.length;
    // Within a string a quote has a backslash before it; a key has the end of another member, or the beginning of its object.
    if (before !== COMMA && before !== OPEN_OBJECT) {
      at = begin;
      continue;
    }
    const end = endOfList(bytes, begin);
    // A list that does not end is in no JSON; to look for the end of the next one, and the next, would take the square of the time.
    if (end < 0) break;
    if (end - begin >= WORTH_BYTES) {
      kept.push(bytes.subarray(from, begin));
      from = end;
    }
    at = end;
  }
  if (from === 0) return bytes;
  kept.push(bytes.subarray(from));
  return Buffer.concat(kept);
}

/** Where the list ends, at its bracket; -1 when it does not. */
function endOfList(bytes: Buffer, begin: number): number {
  const end = bytes.length;
  let depth = 1;
  for (let at = begin; at < end; ) {
    const byte = bytes[at++];
    if (byte === QUOTE) at = endOfText(bytes, at);
    else if (byte === OPEN_LIST) depth++;
    else if (byte === CLOSE_LIST && --depth === 0) return at - 1;
  }
  return -1;
}

/** Behind the quote that ends the text, or behind all. */
function endOfText(bytes: Buffer, begin: number): number {
  const end = bytes.length;
  for (let at = begin; at < end; ) {
    const byte = bytes[at++];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return end;
}
