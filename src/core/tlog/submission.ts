/** What a log asks of a witness, and what a witness answers (C2SP tlog-witness v1.0.0). */
import { decodeBase64, decodeUtf8, encodeBase64, equalBytes, LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { verifyConsistency } from './consistency-proof.ts';
import { logFormatError, parseDecimal, readFormat } from './log-format.ts';
import { emptyRoot, isHash } from './merkle-hash.ts';
import { type Note, parseNote } from './note.ts';
import type { NoteVerifier } from './note-verifier.ts';
import { verifyNote } from './verify-note.ts';

/** The body of POST add-checkpoint. Nothing in it is verified. */
export interface Submission {
  /** Of the checkpoint that the log thinks the witness has seen last; 0 for none. */
  readonly old: bigint;
  readonly proof: readonly Uint8Array[];
  /** The checkpoint as its log signed it. */
  readonly envelope: string;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

/** "The client MUST NOT send more than 63 consistency proof lines." */
const MOST_PROOF_LINES = 63;

export function encodeSubmission({ old, proof, envelope }: Pick<Submission, 'old' | 'proof' | 'envelope'>): string {
  return `old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${envelope}`;
}

/** Throws ERR_LOG_FORMAT, or ERR_TOO_LARGE past LIMITS.submissionBytes. */
export function parseSubmission(body: Uint8Array): Submission {
  if (body.length > LIMITS.submissionBytes) throw new SealwardError('ERR_TOO_LARGE', `the submission is larger than ${LIMITS.submissionBytes} bytes`);
  return readFormat('the submission', () => {
    const text = decodeUtf8(body, 'the submission');
    const end = text.indexOf('\n\n');
    if (end < 0) throw logFormatError('the submission has no empty line before its checkpoint');
    const [first = '', ...lines] = text.slice(0, end).split('\n');
    if (!first.startsWith('old ')) throw logFormatError('the submission does not begin with the old size');
    if (lines.length > MOST_PROOF_LINES) throw logFormatError(`the submission has more than ${MOST_PROOF_LINES} lines of proof`);
    const proof = lines.map((line) => decodeBase64(line, 'a hash of the proof'));
    if (!proof.every(isHash)) throw logFormatError('a line of the proof is no SHA-256 hash');
    const envelope = text.slice(end + 2);
    const note = parseNote(envelope);
    return { old: parseDecimal(first.slice(4), 'the old size'), proof, envelope, note, checkpoint: parseCheckpoint(note) };
  });
}

/** What a witness cosigned last of a log. */
export interface Witnessed {
  readonly size: bigint;
  readonly root: Uint8Array;
}

export type SubmissionVerdict =
  | { readonly status: 200 }
  /** With the size that the witness cosigned last. */
  | { readonly status: 409; readonly size: bigint }
  | { readonly status: 400 | 403 | 422; readonly why: string };

/**
 * Whether a witness may cosign; pure, so whoever stores the answer does that in the same transaction that read `latest`.
 * @param keys of the log whose origin the checkpoint states; a witness that knows no such log answers 404 instead.
 */
export function judgeSubmission({ old, proof, note, checkpoint }: Submission, keys: readonly NoteVerifier[], latest: Witnessed | undefined): SubmissionVerdict {
  const { size, root } = checkpoint;
  if (!verifyNote(note, keys).ok) return { status: 403, why: 'no key of the log signed the checkpoint' };
  // A cosignature covers lines that nobody understands, too.
  if (checkpoint.extensions.length > 0) return { status: 400, why: 'the checkpoint has extension lines' };
  if (old > size) return { status: 400, why: 'the old size is larger than the checkpoint' };
  const known = latest?.size ?? 0n;
  if (old !== known) return { status: 409, size: known };
  if (old === 0n) {
    if (proof.length > 0) return { status: 422, why: 'nothing proves that a tree follows the empty one' };
    return size === 0n && !equalBytes(root, emptyRoot()) ? { status: 422, why: 'this is not the root of the empty tree' } : { status: 200 };
  }
  const consistent = latest && verifyConsistency({ size1: old, size2: size, root1: latest.root, root2: root, proof });
  if (consistent) return { status: 200 };
  return {
    status: 422,
    why: size === old ? 'another tree of that size was cosigned' : 'the proof does not lead from the tree that was cosigned last to this one',
  };
}
