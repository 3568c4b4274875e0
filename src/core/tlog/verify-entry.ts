/** What a log says about an entry, verified: its promise to include it, and the proof that it did. */
import { verifySignature } from '../crypto/index.ts';
import { encodeBase64, encodeHex, equalBytes, utf8 } from '../encoding/index.ts';
import { verifyInclusion } from './inclusion-proof.ts';
import type { EntryInclusionProof, TransparencyLogEntry } from './log-entry.ts';
import { type Refusal, refusal } from './log-format.ts';
import { leafHash } from './merkle-hash.ts';
import { logKeyUsage, type NoteVerifier } from './note-verifier.ts';
import { type TransparencyLog, treeName, type VerifiedCheckpoint, verifyCheckpoint } from './verify-checkpoint.ts';

export interface VerifiedPromise {
  readonly ok: true;
  /** When the log took the entry in, in seconds since 1970, by its own word. */
  readonly time: bigint;
}

/**
 * The signed entry timestamp of Rekor v1: the log's signature over the canonical JSON (RFC 8785) of body, time, log and
 * the entry's global index. The time of an entry may be taken from nowhere else (CVE-2026-48816).
 */
export function verifyInclusionPromise(entry: TransparencyLogEntry, log: TransparencyLog): VerifiedPromise | Refusal {
  const { inclusionPromise, integratedTime, logIndex, logId, canonicalizedBody } = entry;
  if (!inclusionPromise) return refusal('LOG_PROMISE_INVALID', 'the log entry carries no promise of the log');
  if (integratedTime === undefined) return refusal('LOG_PROMISE_INVALID', 'the log entry states no time for its promise');
  if (!equalBytes(logId, log.logId)) return refusal('LOG_UNKNOWN', 'the log entry is of another log');
  // Base64, hexadecimal and integers need no escapes, and the members stand in their canonical order.
  const body = encodeBase64(canonicalizedBody);
  const bytes = utf8(`{"body":"${body}","integratedTime":${integratedTime},"logID":"${encodeHex(logId)}","logIndex":${logIndex}}`);
  const algorithms = log.algorithm ? [log.algorithm] : logKeyUsage(log.key).algorithms;
  if (!algorithms.some((algorithm) => verifySignature(log.key, algorithm, { bytes }, inclusionPromise))) {
    return refusal('LOG_PROMISE_INVALID', 'the promise of the log is not signed by it, or is about another entry, index or time');
  }
  return { ok: true, time: integratedTime };
}

/**
 * That the entry's body is a leaf of the tree whose checkpoint the log signed. Size and root are the checkpoint's; the
 * copies beside it, which other clients never compare, must say the same.
 */
export function verifyEntryInclusion(entry: TransparencyLogEntry, log: TransparencyLog, witnesses: readonly NoteVerifier[] = []): VerifiedCheckpoint | Refusal {
  const proof = entry.inclusionProof;
  if (!proof) return refusal('LOG_PROOF_MISSING', 'the log entry carries no inclusion proof');
  if (!equalBytes(entry.logId, log.logId)) return refusal('LOG_UNKNOWN', 'the log entry is of another log');
  if (proof.checkpoint === undefined) return refuseBareProof(entry.canonicalizedBody, proof);
  const verdict = verifyCheckpoint(proof.checkpoint, log, witnesses);
  if (!verdict.ok) return verdict;
  const { size, root } = verdict.checkpoint;
  if (proof.treeSize !== size || !equalBytes(proof.rootHash, root)) {
    return refusal('LOG_PROOF_INVALID', `the checkpoint is of a tree of ${size} leaves with another root or size than the inclusion proof states`);
  }
  // A log that names no tree has only one, so both indexes are the same; in Rekor v1 the promise vouches for the entry's.
  if (treeName(verdict.checkpoint.origin) === undefined && entry.logIndex !== proof.logIndex) {
    return refusal('LOG_PROOF_INVALID', `the log entry has the index ${entry.logIndex}, its inclusion proof ${proof.logIndex}`);
  }
  return leadsToRoot(entry.canonicalizedBody, proof)
    ? verdict
    : refusal('LOG_PROOF_INVALID', 'the inclusion proof does not lead from the entry to the root that the log signed');
}

function leadsToRoot(body: Uint8Array, { logIndex, treeSize, rootHash, hashes }: EntryInclusionProof): boolean {
  return verifyInclusion({ index: logIndex, size: treeSize, leafHash: leafHash(body), proof: hashes, root: rootHash });
}

/** Without a checkpoint nobody signed for the root, so the proof proves nothing; whether it is sound only decides what is said about it. */
function refuseBareProof(body: Uint8Array, proof: EntryInclusionProof): Refusal {
  if (!leadsToRoot(body, proof)) return refusal('LOG_PROOF_INVALID', 'the inclusion proof does not lead from the entry to the root that it states');
  return refusal('LOG_PROOF_MISSING', 'the inclusion proof carries no checkpoint of the log');
}
