export * from './checkpoint.ts';
export * from './compact-range.ts';
export * from './consistency-proof.ts';
export * from './entry-claim.ts';
export * from './entry-match.ts';
export { GrowingTree, type HashTile } from './growing-tree.ts';
export * from './inclusion-proof.ts';
export * from './log-entry.ts';
export { type LogPolicy, meetsQuorum, parseLogPolicy, type PolicyParty } from './log-policy.ts';
export type { Refusal } from './log-format.ts';
export { emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
export * from './merkle-tree.ts';
export * from './note.ts';
export {
  encodeVerifierKey,
  NOTE_KEY_TYPE,
  type NoteKeyType,
  noteKeyId,
  type NoteStatement,
  type NoteVerifier,
  noteVerifier,
  parseVerifierKey,
} from './note-verifier.ts';
export * from './offline-proof.ts';
export * from './sct.ts';
export * from './sign-note.ts';
export { encodeSubmission, judgeSubmission, parseSubmission, type Submission, type SubmissionVerdict, type Witnessed } from './submission.ts';
export * from './tile.ts';
export * from './tile-proof.ts';
export { type Cosignature, hostName, type TransparencyLog, type VerifiedCheckpoint, verifyCheckpoint } from './verify-checkpoint.ts';
export * from './verify-entry.ts';
export { type NoteVerdict, type VerifiedSignature, verifyNote } from './verify-note.ts';
export { cosignedSubtree, cosignedText, TLS_ECDSA_SHA256, treeHead } from './verify-note.ts';
