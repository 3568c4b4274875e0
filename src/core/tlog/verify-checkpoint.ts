/** Checkpoints as Sigstore's clients need them: signed by a log of a trusted root, in both generations of Rekor. */
import type { Algorithm, PublicKey } from '../crypto/index.ts';
import { encodeHex } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { type Refusal, refusal, shown } from './log-format.ts';
import { type Note, parseNote } from './note.ts';
import { firstWord, logKeyUsage, type NoteVerifier } from './note-verifier.ts';
import { verifyNote } from './verify-note.ts';

/** A log that somebody trusts, as a trusted root describes it. */
export interface TransparencyLog {
  /** The bytes by which entries name the log, 32 of them. */
  readonly logId: Uint8Array;
  readonly key: PublicKey;
  /** Where the log is served; its host name is the name under which a Rekor v2 log signs. Absent for a key given by hand. */
  readonly baseUrl?: string;
  /** How the key signs; when absent, every way that fits the key and that logs use. */
  readonly algorithm?: Algorithm;
}

export interface Cosignature {
  /** The witness, by the name of its key. */
  readonly witness: NoteVerifier;
  /** When the witness says that it saw the checkpoint, in seconds since 1970. */
  readonly time?: bigint;
}

export interface VerifiedCheckpoint {
  readonly ok: true;
  readonly checkpoint: Checkpoint;
  /** Those of the witnesses asked about that signed too. Cosignatures of others change nothing. */
  readonly cosignatures: readonly Cosignature[];
}

/** Never throws: a checkpoint that cannot be read is as good as one that does not verify. */
export function verifyCheckpoint(envelope: string, log: TransparencyLog, witnesses: readonly NoteVerifier[] = []): VerifiedCheckpoint | Refusal {
  let note: Note;
  let checkpoint: Checkpoint;
  try {
    note = parseNote(envelope);
    checkpoint = parseCheckpoint(note);
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return refusal('CHECKPOINT_INVALID', error.message);
    throw error;
  }
  const name = signerName(checkpoint.origin, log);
  if (name === undefined) return refusal('CHECKPOINT_INVALID', `the checkpoint is of another log: its origin is ${shown(checkpoint.origin)}`);
  const ours = logVerifier(name, log);
  const verdict = verifyNote(note, [ours, ...witnesses]);
  if (!verdict.ok) return refusal('CHECKPOINT_INVALID', verdict.detail);
  if (!verdict.signatures.some(({ verifier }) => verifier === ours)) return refusal('CHECKPOINT_INVALID', 'the log did not sign the checkpoint');
  const cosignatures = verdict.signatures.filter(({ verifier }) => verifier !== ours);
  return {
    ok: true,
    checkpoint,
    cosignatures: cosignatures.map(({ verifier, time }) => (time === undefined ? { witness: verifier } : { witness: verifier, time })),
  };
}

function logVerifier(name: string, log: TransparencyLog): NoteVerifier {
  const usage = logKeyUsage(log.key);
  // In both generations the key ID is the beginning of the log's ID.
  return { name, id: firstWord(log.logId), key: log.key, ...usage, ...(log.algorithm ? { algorithms: [log.algorithm] } : {}) };
}

const TREE_ORIGIN = /^(\S+) - [0-9]+$/;

/** `rekor.sigstore.dev - 2605736670972794746`: the name of a Rekor v1 server, which numbers its trees; undefined for other origins. */
export function treeName(origin: string): string | undefined {
  return TREE_ORIGIN.exec(origin)?.[1];
}

/**
 * The name under which the log must have signed a checkpoint of this origin, or undefined when the origin is not the
 * log's. Rekor v2 signs under its origin, which is the host name of its URL. Rekor v1 puts the number of the tree
 * behind the name; its name is whatever its operator configured, so there the key alone tells the log, and the log's
 * ID is the digest of that key.
 */
export function signerName(origin: string, log: TransparencyLog): string | undefined {
  const name = treeName(origin);
  if (name !== undefined) return encodeHex(log.logId) === log.key.fingerprint ? name : undefined;
  return log.baseUrl !== undefined && hostName(log.baseUrl) === origin ? origin : undefined;
}

/** Without port and path, as Sigstore's clients take it. */
export function hostName(baseUrl: string): string | undefined {
  return URL.parse(baseUrl)?.hostname;
}
