/** A proof in one file (C2SP tlog-proof@v1): that an entry is in a log, under a checkpoint that witnesses may have cosigned. */
import { decodeBase64, decodeUtf8, encodeBase64, LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { rootFromInclusion, verifyInclusion } from './inclusion-proof.ts';
import { logFormatError, parseDecimal, readFormat, type Refusal, refusal, shown } from './log-format.ts';
import { type LogPolicy, meetsQuorum } from './log-policy.ts';
import { isHash, leafHash } from './merkle-hash.ts';
import { parseNote } from './note.ts';
import type { NoteVerifier } from './note-verifier.ts';
import { verifyNote } from './verify-note.ts';

export interface OfflineProof {
  readonly index: bigint;
  readonly proof: readonly Uint8Array[];
  /** The checkpoint with its signatures. */
  readonly envelope: string;
  /** Not authenticated by anything; applications put the entry here, which is hashed anew. */
  readonly extra?: Uint8Array;
}

const HEAD = 'c2sp.org/tlog-proof@v1';

export function encodeOfflineProof({ index, proof, envelope, extra }: OfflineProof): string {
  const lines = [HEAD, ...(extra ? [`extra ${encodeBase64(extra)}`] : []), `index ${index}`, ...proof.map(encodeBase64)];
  return `${lines.join('\n')}\n\n${envelope}`;
}

/** Throws ERR_LOG_FORMAT, or ERR_TOO_LARGE past LIMITS.bundleBytes. */
export function parseOfflineProof(source: Uint8Array): OfflineProof {
  if (source.length > LIMITS.bundleBytes) throw new SealwardError('ERR_TOO_LARGE', `the proof is larger than ${LIMITS.bundleBytes} bytes`);
  return readFormat('the proof', () => {
    const text = decodeUtf8(source, 'the proof');
    const end = text.indexOf('\n\n');
    if (end < 0) throw logFormatError('the proof has no empty line before its checkpoint');
    const [head, ...lines] = text.slice(0, end).split('\n');
    if (head !== HEAD) throw logFormatError(`the proof does not begin with ${HEAD}`);
    const extra = lines[0]?.startsWith('extra ') ? decodeBase64((lines.shift() as string).slice(6), 'the extra data') : undefined;
    const index = lines.shift() ?? '';
    if (!index.startsWith('index ')) throw logFormatError('the proof names no index');
    if (lines.length > LIMITS.inclusionProofHashes) throw new SealwardError('ERR_TOO_LARGE', `the proof has more than ${LIMITS.inclusionProofHashes} hashes`);
    const proof = lines.map((line) => decodeBase64(line, 'a hash of the proof'));
    if (!proof.every(isHash)) throw logFormatError('a line of the proof is no SHA-256 hash');
    return { index: parseDecimal(index.slice(6), 'the index'), proof, envelope: text.slice(end + 2), ...(extra ? { extra } : {}) };
  });
}

export interface ProvenEntry {
  readonly ok: true;
  readonly checkpoint: Checkpoint;
  /** Of the policy's witnesses, those that cosigned. */
  readonly witnesses: readonly NoteVerifier[];
}

/** Whether the entry is in one of the policy's logs, seen by as many witnesses as it wants. Never throws. */
export function verifyOfflineProof({ index, proof, envelope }: OfflineProof, entry: Uint8Array, policy: LogPolicy): ProvenEntry | Refusal {
  const signed = verifySignedCheckpoint(envelope, policy);
  if (!signed.ok) return signed;
  const { size, root } = signed.checkpoint;
  const hash = leafHash(entry);
  if (verifyInclusion({ index, size, leafHash: hash, proof, root })) return signed;
  const other = rootFromInclusion({ index, size, leafHash: hash, proof });
  return refusal('LOG_PROOF_INVALID', other ? 'the proof leads to another root' : `no tree of ${size} entries has such a proof of entry ${index}`);
}

/** A checkpoint that one of the policy's logs signed under its own name, and enough of its witnesses cosigned. Never throws. */
export function verifySignedCheckpoint(envelope: string, policy: LogPolicy): ProvenEntry | Refusal {
  let checkpoint: Checkpoint;
  let note: ReturnType<typeof parseNote>;
  try {
    note = parseNote(envelope);
    checkpoint = parseCheckpoint(note);
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return refusal('CHECKPOINT_INVALID', error.message);
    throw error;
  }
  const logs = policy.logs.map(({ verifier }) => verifier).filter(({ name }) => name === checkpoint.origin);
  if (logs.length === 0) return refusal('LOG_UNKNOWN', `the policy knows no log ${shown(checkpoint.origin)}`);
  const witnesses = [...policy.witnesses.values()].map(({ verifier }) => verifier);
  const verdict = verifyNote(note, [...logs, ...witnesses]);
  if (!verdict.ok) return refusal('CHECKPOINT_INVALID', verdict.detail);
  const signers = verdict.signatures.map(({ verifier }) => verifier);
  if (!signers.some((signer) => logs.includes(signer))) return refusal('CHECKPOINT_INVALID', 'the log did not sign the checkpoint');
  const cosigned = witnesses.filter((witness) => signers.includes(witness));
  if (!meetsQuorum(policy, cosigned)) return refusal('THRESHOLD_NOT_MET', `the policy wants more witnesses than the ${cosigned.length} that cosigned`);
  return { ok: true, checkpoint, witnesses: cosigned };
}
