/** Signing notes: what a key signs of a checkpoint (signed-note v1.0.0, tlog-cosignature v1.1.0), and the line that says so. */
import { concatBytes, utf8 } from '../encoding/index.ts';
import { invariant } from '../errors.ts';
import { encodeNote, type NoteSignature } from './note.ts';
import type { NoteVerifier } from './note-verifier.ts';
import { cosignedSubtree, cosignedText } from './verify-note.ts';

/** A key that signs notes; one method, behind which a file, a token or a key service stands. */
export interface NoteKey {
  readonly verifier: NoteVerifier;
  /** Signs the message itself, in the form that verifySignature reads. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * The line of one key under the text of a checkpoint.
 * @param time in seconds since 1970, for cosignatures; a log states none (0) about its own tree.
 */
export async function signLine(text: string, key: NoteKey, time: bigint): Promise<NoteSignature> {
  const { name, id, statement } = key.verifier;
  const bytes = utf8(text);
  if (statement === 'text') return { name, id, signature: await key.sign(bytes) };
  const message = statement === 'cosignature/v1' ? cosignedText({ bytes }, time) : cosignedSubtree({ text }, name, time);
  invariant(message, 'only checkpoints are cosigned');
  const stated = new Uint8Array(8);
  new DataView(stated.buffer).setBigUint64(0, time);
  return { name, id, signature: concatBytes(stated, await key.sign(message)) };
}

/** A checkpoint signed by its log, with all of its keys; the first is the one that every client knows. */
export async function signNote(text: string, keys: readonly NoteKey[]): Promise<string> {
  return encodeNote(text, await Promise.all(keys.map((key) => signLine(text, key, 0n))));
}
