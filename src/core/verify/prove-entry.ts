/** Which logs hold an entry about exactly this signature, made with this key, over this digest. */
import type { EntityLogEntry, SignedEntity } from '../bundle/index.ts';
import { algorithmById, hash, type PublicKey } from '../crypto/index.ts';
import { decodeHex, encodeHex, equalBytes } from '../encoding/index.ts';
import { type FindingCode, invariant } from '../errors.ts';
import { type DigestOf, type EntrySubject, entryMatches, verifyEntryInclusion, verifyInclusionPromise } from '../tlog/index.ts';
import type { Anchors, LogAnchor } from '../trust/index.ts';
import type { Subject } from './evidence.ts';
import type { EntryFact, Finding, SignerFact } from './facts.ts';
import type { Edges } from './proof-memory.ts';

/** What one log is worth for one entry: where the entry stands in it, or what does not hold. */
type EntryVerdict = { index?: string; included?: boolean; promisedAt?: number; code?: string; detail?: string };

export function proveEntries(
  entity: SignedEntity,
  signer: SignerFact | undefined,
  subject: Subject,
  anchors: Anchors,
  edges: Edges,
  findings: Finding[],
  broken: Finding[],
): EntryFact[] {
  // Without a signer there is no key that an entry could be about.
  if (!signer || entity.logEntries.length === 0) return [];
  const bound = boundTo(entity, signer, subject, anchors);
  return entity.logEntries.flatMap((logged, at) => {
    const known = anchors.logs.filter(({ logId }) => equalBytes(logId, logged.entry.logId));
    if (known.length === 0) findings.push({ code: 'LOG_UNKNOWN', detail: `the log ${encodeHex(logged.entry.logId).slice(0, 16)}… is not trusted` });
    return known.flatMap((anchor) => {
      const verdict = edges.recall(`entry/${at}/${signer.key}/${anchor.baseUrl}`, anchor.id, () => proveEntry(entity, logged, bound, anchor));
      if (verdict.index !== undefined) return [{ anchor: anchor.id, index: verdict.index, included: verdict.included === true, ...promise(verdict) }];
      broken.push({ code: verdict.code as FindingCode, detail: `entry ${logged.entry.logIndex} of ${anchor.name}: ${verdict.detail}` });
      return [];
    });
  });
}

/** An entry of a trusted log must be about this signature, and whatever the log signed for it must verify, all of it. */
function proveEntry(entity: SignedEntity, { entry, claim }: EntityLogEntry, bound: EntrySubject, anchor: LogAnchor): EntryVerdict {
  const refuse = (code: Finding['code'], detail: string): EntryVerdict => ({ code, detail });
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
  return { index: String(index), included: inclusion !== undefined, ...(promise ? { promisedAt: Number(promise.time) * 1000 } : {}) };
}

function promise({ promisedAt }: EntryVerdict): { promisedAt?: number } {
  return promisedAt === undefined ? {} : { promisedAt };
}

function boundTo(entity: SignedEntity, signer: SignerFact, subject: Subject, anchors: Anchors): EntrySubject {
  const { message, envelope } = entity;
  return {
    signature: entity.signature,
    verifier: entity.certificate ? { kind: 'certificate', der: entity.certificate.leaf.raw } : { kind: 'publicKey', der: keyOf(signer, anchors).spki },
    signed: message.kind === 'bytes' ? digestOf(message.bytes) : artifactDigest(subject),
    ...(envelope ? { payload: digestOf(envelope.payload), payloadType: envelope.payloadType } : {}),
    ...(envelope?.raw ? { envelope: digestOf(envelope.raw) } : {}),
    keyDetails: algorithmById(signer.algorithm).keyDetails,
  };
}

/** A bare key signs only as the anchor that it is. */
function keyOf(signer: SignerFact, { keys }: Anchors): PublicKey {
  const anchor = keys.find(({ id }) => id === signer.anchor);
  invariant(anchor, 'a bare key that is no anchor was taken for a signer');
  return anchor.key;
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
