/**
 * Strict base64 (RFC 4648 sections 4 and 5) and hexadecimal: one value has one spelling, anything else is refused.
 * Node's own decoders skip junk and accept both alphabets, so every decoding is held against its re-encoding.
 */
import { SealwardError } from '../errors.ts';

function refuse(what: string, form: string): never {
  throw new SealwardError('ERR_ENCODING_INVALID', `${what} is not strict ${form}`);
}

function view(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Standard alphabet, padded; no white space and no stray bits in the last character. */
export function decodeBase64(text: string, what = 'a base64 value'): Uint8Array {
  const buffer = Buffer.from(text, 'base64');
  if (buffer.toString('base64') !== text) refuse(what, 'base64');
  return view(buffer);
}

/** The URL alphabet without padding, as in JWTs. */
export function decodeBase64Url(text: string, what = 'a base64url value'): Uint8Array {
  const buffer = Buffer.from(text, 'base64url');
  if (buffer.toString('base64url') !== text) refuse(what, 'base64url');
  return view(buffer);
}

/**
 * The four spellings that proto3 JSON allows for a bytes field: either alphabet, padded or not. Each of them is still
 * strict: no mixed alphabets, no white space, no stray bits.
 */
export function decodeProtoBytes(text: string, what = 'a bytes field'): Uint8Array {
  const standard = Buffer.from(text, 'base64');
  const canonical = standard.toString('base64');
  if (canonical === text) return view(standard);
  const bare = text.replace(/={1,2}$/, '');
  if (bare.length !== text.length && text.length % 4 !== 0) refuse(what, 'base64');
  if (canonical.replace(/=+$/, '') === bare || standard.toString('base64url') === bare) return view(standard);
  return refuse(what, 'base64');
}

export function encodeBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64');
}

export function encodeBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

/** Lower-case hexadecimal, as every digest of this field is written. */
export function decodeHex(text: string, what = 'a hexadecimal value'): Uint8Array {
  const buffer = Buffer.from(text, 'hex');
  if (buffer.toString('hex') !== text) refuse(what, 'lower-case hexadecimal');
  return view(buffer);
}

export function encodeHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex');
}
