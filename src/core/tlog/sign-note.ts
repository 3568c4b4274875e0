/** Signing notes: what a key signs of a checkpoint (signed-note v1.0.0, tlog-cosignature v1.1.0), and the line that says so. */
import { concatBytes, utf8 } from '../encoding/index.ts';
import type { PublicKey } from '../crypto/index.ts';
import { invariant, SealwardError } from '../errors.ts';
import { encodeNote, type NoteSignature } from './note.ts';
import { NOTE_KEY_TYPE, type NoteKeyType, type NoteVerifier, noteVerifier } from './note-verifier.ts';
import { cosignedSubtree, cosignedText } from './verify-note.ts';

/** A key that signs notes; one method, behind which a file, a token or a key service stands. */
export interface NoteKey {
  readonly verifier: NoteVerifier;
  /** Signs the message itself, in the form that verifySignature reads. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

const TYPES: Readonly<Record<string, NoteKeyType>> = { ed25519: NOTE_KEY_TYPE.ed25519, ec: NOTE_KEY_TYPE.ecdsa, 'ml-dsa': NOTE_KEY_TYPE.subtree };

/**
 * A log's own key, from whatever signs with it. Throws ERR_KEY_INVALID for kinds that sign no checkpoints.
 * @param name of the log: its origin.
 */
export function logKey(name: string, key: PublicKey, sign: NoteKey['sign']): NoteKey {
  const type = TYPES[key.kind];
  if (type === undefined)
    throw new SealwardError('ERR_KEY_INVALID', `the key of the log ${name} is of a kind that signs no checkpoints`, {
      hint: 'Use Ed25519, and ML-DSA-44 beside it.',
    });
  return { verifier: noteVerifier(name, type, key), sign };
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
