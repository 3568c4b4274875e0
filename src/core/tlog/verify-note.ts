/** Which of the known keys signed a note, and when the witnesses among them saw it. */
import { verifySignature } from '../crypto/index.ts';
import { concatBytes, equalBytes, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { MAX_INT64, type Refusal, refusal, shown } from './log-format.ts';
import type { Note, NoteSignature } from './note.ts';
import type { NoteVerifier } from './note-verifier.ts';

export interface VerifiedSignature {
  readonly verifier: NoteVerifier;
  /** Of a cosignature: when the witness says that it saw the log so, in seconds since 1970; absent when it does not say. */
  readonly time?: bigint;
}

export type NoteVerdict = { readonly ok: true; readonly signatures: readonly VerifiedSignature[] } | Refusal;

/** Length of a cosignature's timestamp. */
const TIME_BYTES = 8;

/**
 * C2SP signed-note, "Signatures": lines of unknown keys are ignored, even when they share a name or an ID with a known
 * one; a line of a known key must verify, or the note is refused; at least one known key must have signed.
 */
export function verifyNote(note: Note, verifiers: readonly NoteVerifier[]): NoteVerdict {
  const verified: (VerifiedSignature & { readonly line: NoteSignature })[] = [];
  for (const line of note.signatures) {
    const verifier = verifiers.find(({ name, id }) => name === line.name && id === line.id);
    // The same line twice says nothing new; verifying it twice would only let a long note cost much.
    if (!verifier || verified.some((done) => done.verifier === verifier && equalBytes(done.line.signature, line.signature))) continue;
    const answer = verifyLine(note, verifier, line.signature);
    if (!answer) return refusal('SIGNATURE_INVALID', `the signature of ${shown(line.name)} does not verify`);
    verified.push({ verifier, ...answer, line });
  }
  if (verified.length === 0) return refusal('KEY_MISMATCH', 'no key that is known signed the note');
  return { ok: true, signatures: verified.map(({ verifier, time }) => (time === undefined ? { verifier } : { verifier, time })) };
}

function verifyLine(note: Note, verifier: NoteVerifier, signature: Uint8Array): { readonly time?: bigint } | undefined {
  if (verifier.statement === 'text') return signed(verifier, note.bytes, signature) ? {} : undefined;
  if (verifier.statement === 'tree-head') return verifyTreeHead(note, verifier, signature) ? {} : undefined;
  if (signature.length <= TIME_BYTES) return undefined;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  // tlog-cosignature, "Format": "It MUST NOT exceed 2^63 - 1".
  if (time > MAX_INT64) return undefined;
  const message = verifier.statement === 'cosignature/v1' ? cosignedText(note, time) : cosignedSubtree(note, verifier.name, time);
  if (!message || !signed(verifier, message, signature.subarray(TIME_BYTES))) return undefined;
  // A subtree cosignature without a time says that the tree is consistent, not that it is the newest seen.
  return time === 0n ? {} : { time };
}

/** static-ct-api, "Checkpoints": a time, and a digitally-signed struct of RFC 5246 with ECDSA and SHA-256. */
function verifyTreeHead(note: Note, verifier: NoteVerifier, signature: Uint8Array): boolean {
  if (signature.length < TIME_BYTES + 4) return false;
  const view = new DataView(signature.buffer, signature.byteOffset);
  const [algorithm, length] = [view.getUint16(TIME_BYTES), view.getUint16(TIME_BYTES + 2)];
  if (algorithm !== TLS_ECDSA_SHA256 || signature.length !== TIME_BYTES + 4 + length) return false;
  const message = treeHead(note, view.getBigUint64(0));
  return message !== undefined && signed(verifier, message, signature.subarray(TIME_BYTES + 4));
}

/** SignatureAndHashAlgorithm: SHA-256, ECDSA. */
export const TLS_ECDSA_SHA256 = 0x0403;

/** RFC 6962 section 3.5, TreeHeadSignature; undefined for a note that is no checkpoint, or one with lines that it would not cover. */
export function treeHead(note: Pick<Note, 'text'>, time: bigint): Uint8Array | undefined {
  const checkpoint = checkpointIn(note);
  if (!checkpoint || checkpoint.extensions.length > 0) return undefined;
  return concatBytes(Uint8Array.of(0, 1), uint64(time), uint64(checkpoint.size), checkpoint.root);
}

function checkpointIn(note: Pick<Note, 'text'>): ReturnType<typeof parseCheckpoint> | undefined {
  try {
    return parseCheckpoint(note);
  } catch (error) {
    if (error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT') return undefined;
    throw error;
  }
}

function signed({ key, algorithms }: NoteVerifier, bytes: Uint8Array, signature: Uint8Array): boolean {
  return algorithms.some((algorithm) => verifySignature(key, algorithm, { bytes }, signature));
}

/** tlog-cosignature, "Ed25519 signed message": two lines, then the whole text with whatever extensions it has. */
export function cosignedText(note: Pick<Note, 'bytes'>, time: bigint): Uint8Array {
  return concatBytes(utf8(`cosignature/v1\ntime ${time}\n`), note.bytes);
}

/** tlog-cosignature, "ML-DSA-44 signed message", for the whole tree; undefined for a note that is no checkpoint or cannot be stated so. */
export function cosignedSubtree(note: Pick<Note, 'text'>, cosigner: string, time: bigint): Uint8Array | undefined {
  const checkpoint = checkpointIn(note);
  if (!checkpoint) return undefined;
  const [name, origin] = [utf8(cosigner), utf8(checkpoint.origin)];
  // opaque <1..2^8-1>
  if (name.length > 255 || origin.length > 255) return undefined;
  return concatBytes(
    utf8('subtree/v1\n\0'),
    Uint8Array.of(name.length),
    name,
    uint64(time),
    Uint8Array.of(origin.length),
    origin,
    uint64(0n),
    uint64(checkpoint.size),
    checkpoint.root,
  );
}

function uint64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}
