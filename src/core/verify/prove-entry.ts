/** Which logs hold an entry about exactly this signature, made with this key, over this digest. */
import type { EntityLogEntry, SignedEntity } from '../bundle/index.ts';
import { hash } from '../crypto/index.ts';
import { decodeHex, encodeHex, equalBytes } from '../encoding/index.ts';
import { type DigestOf, type EntrySubject, entryMatches, verifyEntryInclusion, verifyInclusionPromise } from '../tlog/index.ts';
import type { Anchors, LogAnchor } from '../trust/index.ts';
import type { Subject } from './evidence.ts';
import type { EntryFact, Finding, SignerFact } from './facts.ts';

export function proveEntries(
  entity: SignedEntity,
  signers: readonly SignerFact[],
  subject: Subject,
  anchors: Anchors,
  findings: Finding[],
  broken: Finding[],
): EntryFact[] {
  const [signer] = signers;
  // Without a signer there is no key that an entry could be about.
  if (!signer || entity.logEntries.length === 0) return [];
  const bound = boundTo(entity, signer, subject);
  return entity.logEntries.flatMap((logged) => {
    const known = anchors.logs.filter(({ logId }) => equalBytes(logId, logged.entry.logId));
    if (known.length === 0) findings.push({ code: 'LOG_UNKNOWN', detail: `the log ${encodeHex(logged.entry.logId).slice(0, 16)}… is not trusted` });
    return known.flatMap((anchor) => proveEntry(entity, logged, bound, anchor, broken));
  });
}

/** An entry of a trusted log must be about this signature, and whatever the log signed for it must verify, all of it. */
function proveEntry(entity: SignedEntity, { entry, claim }: EntityLogEntry, bound: EntrySubject, anchor: LogAnchor, broken: Finding[]): EntryFact[] {
  const refuse = (code: Finding['code'], detail: string): [] => {
    broken.push({ code, detail: `entry ${entry.logIndex} of ${anchor.name}: ${detail}` });
    return [];
  };
  // verification.md, Binding: a log entry must be about this signature, this key and this digest.
  const match = entryMatches(claim, bound);
  if (!match.ok) return refuse(match.reason, match.detail);
  const promise = entry.inclusionPromise ? verifyInclusionPromise(entry, anchor) : undefined;
  if (promise && !promise.ok) return refuse(promise.reason, promise.detail);
  // The first bundles carry proofs without a checkpoint, which prove nothing: there the promise stands alone.
  const provable = entry.inclusionProof !== undefined && (entity.proofRequired || entry.inclusionProof.checkpoint !== undefined);
  const inclusion = provable || entity.proofRequired || !promise ? verifyEntryInclusion(entry, anchor) : undefined;
  if (inclusion && !inclusion.ok) return refuse(inclusion.reason, inclusion.detail);
  // Of the two indexes the promise signs the entry's, and the proof stands for the leaf's.
  const index = promise ? entry.logIndex : (entry.inclusionProof?.logIndex ?? entry.logIndex);
  // Unsigned times are never used: only the promise covers the time of an entry (CVE-2026-48816).
  return [{ anchor, index, included: inclusion !== undefined, ...(promise ? { promisedAt: Number(promise.time) * 1000 } : {}) }];
}

function boundTo(entity: SignedEntity, signer: SignerFact, subject: Subject): EntrySubject {
  const { message, envelope } = entity;
  return {
    signature: entity.signature,
    verifier: signer.certificate ? { kind: 'certificate', der: signer.certificate.leaf.raw } : { kind: 'publicKey', der: signer.key.spki },
    signed: message.kind === 'bytes' ? digestOf(message.bytes) : artifactDigest(subject),
    ...(envelope ? { payload: digestOf(envelope.payload), payloadType: envelope.payloadType } : {}),
    ...(envelope?.raw ? { envelope: digestOf(envelope.raw) } : {}),
    keyDetails: signer.algorithm.keyDetails,
  };
}

/** Digests of bytes at hand, each computed at most once: an entry may ask for the same one several times. */
function digestOf(bytes: Uint8Array): DigestOf {
  const kept = new Map<string, Uint8Array>();
  return (name) => {
    const digest = kept.get(name) ?? hash(name, bytes);
    kept.set(name, digest);
    return digest;
  };
}

function artifactDigest({ digests, bytes }: Subject): DigestOf {
  const compute = bytes && digestOf(bytes);
  return (name) => {
    const hex = digests[name];
    return hex === undefined ? compute?.(name) : decodeHex(hex);
  };
}
