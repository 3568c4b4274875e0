/**
 * Strict JSON (RFC 8259 and I-JSON, RFC 7493): size first, then UTF-8, then one pass over the text that bounds the
 * nesting and refuses duplicate keys, lone surrogates and numbers that JSON.parse would change without a word: integers
 * beyond 2^53, and what is too large for a double.
 */
import { SealwardError } from '../errors.ts';
import { decodeUtf8 } from './bytes.ts';
import { LIMITS } from './limits.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface JsonLimits {
  /** What the document is, for the messages: "the manifest". */
  readonly what: string;
  readonly maxBytes?: number;
  readonly maxDepth?: number;
}

function refuse(what: string, why: string, cause?: unknown): never {
  // The reason may quote the document, and its control characters have no business on a terminal.
  throw new SealwardError('ERR_JSON_INVALID', `${what} is not strict JSON: ${why.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')}`, { cause });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function parseJson(source: Uint8Array | string, limits: JsonLimits): JsonValue {
  const maxBytes = limits.maxBytes ?? LIMITS.documentBytes;
  if (source.length > maxBytes) {
    throw new SealwardError('ERR_TOO_LARGE', `${limits.what} is larger than ${maxBytes} bytes`);
  }
  const text = typeof source === 'string' ? source : decodeUtf8(source, limits.what);
  if (typeof source === 'string' && !source.isWellFormed()) refuse(limits.what, 'it holds half of a character');
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    return refuse(limits.what, cause instanceof Error ? cause.message : 'it cannot be parsed', cause);
  }
  // The text is grammatical from here on, so the scan below only has to count.
  scan(text, limits.what, limits.maxDepth ?? LIMITS.jsonDepth);
  return value;
}

export function parseJsonObject(source: Uint8Array | string, limits: JsonLimits): JsonObject {
  const value = parseJson(source, limits);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuse(limits.what, 'it is not an object');
  return value;
}

function scan(text: string, what: string, maxDepth: number): void {
  // The text itself is well formed by now, so only escapes can bring lone surrogates in (RFC 7493 section 2.1).
  const mayBeIllFormed = /\\u[dD][89a-fA-F]/.test(text);
  // One entry per open container: the keys seen so far, or null for an array.
  const open: (Set<string> | null)[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const start = i;
      const end = endOfString(text, i);
      i = end;
      if (mayBeIllFormed && !(JSON.parse(text.slice(start, end + 1)) as string).isWellFormed()) refuse(what, 'a string holds half of a character');
      if (!expectKey) continue;
      expectKey = false;
      const keys = open[open.length - 1];
      if (!keys) continue;
      const raw = text.slice(start + 1, end);
      const key = raw.includes('\\') ? (JSON.parse(text.slice(start, end + 1)) as string) : raw;
      if (keys.has(key)) refuse(what, `the key ${JSON.stringify(key.slice(0, 80))} stands twice in one object`);
      if (key === '__proto__') refuse(what, 'the key "__proto__" is not allowed');
      keys.add(key);
    } else if (c === 0x7b /* { */ || c === 0x5b /* [ */) {
      if (open.length >= maxDepth) refuse(what, `it is nested deeper than ${maxDepth} levels`);
      open.push(c === 0x7b ? new Set() : null);
      expectKey = c === 0x7b;
    } else if (c === 0x7d /* } */ || c === 0x5d /* ] */) {
      open.pop();
      expectKey = false;
    } else if (c === 0x2c /* , */) {
      expectKey = open[open.length - 1] instanceof Set;
    } else if (c === 0x2d /* - */ || (c >= 0x30 && c <= 0x39)) {
      i = endOfNumber(text, i, what);
    }
  }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (text.charCodeAt(end - 1) === BACKSLASH && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function endOfNumber(text: string, start: number, what: string): number {
  let end = start + 1;
  while (end < text.length && '0123456789.eE+-'.includes(text[end] as string)) end++;
  const number = text.slice(start, end);
  const isInteger = !/[.eE]/.test(number);
  if (isInteger ? !Number.isSafeInteger(Number(number)) : !Number.isFinite(Number(number))) {
    refuse(what, `the number ${number.slice(0, 40)} is beyond ${isInteger ? '2^53' : 'what a double can hold'}`);
  }
  return end - 1;
}

/** RFC 8785 (JCS). Values come from parseJson or are built here, so there are no NaNs and no lone surrogates to fear. */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // Array.prototype.sort compares UTF-16 code units, which is the order that RFC 8785 section 3.2.3 asks for.
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as JsonValue)}`);
  return `{${members.join(',')}}`;
}

/** Of a value that may be anything: the member, or undefined where there is none of its own. */
export function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

export function stringOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
