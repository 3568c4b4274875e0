/**
 * Signed notes (C2SP signed-note v1.0.0): text, a blank line, and lines of signatures. Nothing here is verified; what
 * stands in a note may be used only after verifyNote or verifyCheckpoint said that a known key signed it.
 */
import { concatBytes, decodeBase64, decodeUtf8, encodeBase64, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { logFormatError, readFormat, shown } from './log-format.ts';

export interface NoteSignature {
  /** The name of the key, as the line states it. */
  readonly name: string;
  /** The key ID: 32 bits that tell keys of one name apart; a hint, never a proof. */
  readonly id: number;
  /** What follows the key ID; its form depends on the type of the key. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** The signed text, with its final newline. */
  readonly text: string;
  /** The same as bytes: exactly what is signed. */
  readonly bytes: Uint8Array;
  readonly signatures: readonly NoteSignature[];
}

const DASH = '\u2014 ';
/** White_Space is what the specification calls Unicode spaces; control characters other than these are refused in the whole note. */
const NAME = /^[^\p{White_Space}+]+$/u;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus characters." */
export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

/** Throws ERR_LOG_FORMAT, or ERR_TOO_LARGE past LIMITS.bundleBytes and LIMITS.signaturesPerNote. */
export function parseNote(source: Uint8Array | string): Note {
  if (source.length > LIMITS.bundleBytes) throw new SealwardError('ERR_TOO_LARGE', `the note is larger than ${LIMITS.bundleBytes} bytes`);
  return readFormat('the note', () => readNote(typeof source === 'string' ? source : decodeUtf8(source, 'the note')));
}

function readNote(note: string): Note {
  // A text that came through JSON escapes may hold half a character, which has no UTF-8.
  if (!note.isWellFormed()) throw logFormatError('the note is not valid UTF-8');
  if (CONTROL.test(note)) throw logFormatError('the note holds a control character');
  // "The text is separated from the signatures by the last empty line in the note."
  const split = note.lastIndexOf('\n\n');
  if (split < 0) throw logFormatError('the note has no blank line before its signatures');
  const text = note.slice(0, split + 1);
  const block = note.slice(split + 2);
  if (block === '') throw logFormatError('the note carries no signature');
  if (!block.endsWith('\n')) throw logFormatError('the last signature line of the note does not end');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > LIMITS.signaturesPerNote) {
    throw new SealwardError('ERR_TOO_LARGE', `the note carries ${lines.length} signatures, the bound is ${LIMITS.signaturesPerNote}`);
  }
  return { text, bytes: utf8(text), signatures: lines.map(readSignature) };
}

function readSignature(line: string): NoteSignature {
  const end = line.indexOf(' ', DASH.length);
  const name = line.slice(DASH.length, end);
  if (!line.startsWith(DASH) || end < 0 || !isKeyName(name)) throw logFormatError(`a signature line of the note is malformed: ${shown(line)}`);
  const bytes = decodeBase64(line.slice(end + 1), `the signature of ${shown(name)}`);
  if (bytes.length < 5) throw logFormatError(`the signature of ${shown(name)} is too short`);
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, id, signature: bytes.subarray(4) };
}

/** Signature lines without their note, as witnesses answer them. Throws ERR_LOG_FORMAT or ERR_TOO_LARGE. */
export function parseSignatureLines(source: Uint8Array): readonly NoteSignature[] {
  return parseNote(`no text\n\n${decodeUtf8(source, 'the signature lines')}`).signatures;
}

/** The inverse of parseNote, for logs and witnesses. The text ends in a newline. */
export function encodeNote(text: string, signatures: readonly NoteSignature[]): string {
  return `${text}\n${signatures.map(encodeSignature).join('')}`;
}

export function encodeSignature({ name, id, signature }: NoteSignature): string {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, id);
  return `${DASH}${name} ${encodeBase64(concatBytes(head, signature))}\n`;
}
