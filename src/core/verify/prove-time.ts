/** Which timestamp authorities dated the signature (RFC 3161). */
import type { SignedEntity } from '../bundle/index.ts';
import { parseTimestampToken, type TimestampToken, verifyTimestampToken } from '../crypto/index.ts';
import { type FindingCode, SealwardError } from '../errors.ts';
import type { Anchors, TimestampAuthorityAnchor } from '../trust/index.ts';
import type { Finding, TimeFact } from './facts.ts';
import type { Edges, ProofMemory } from './proof-memory.ts';

export function proveTimestamps(entity: SignedEntity, anchors: Anchors, memory: ProofMemory, edges: Edges, findings: Finding[], broken: Finding[]): TimeFact[] {
  return entity.timestamps.flatMap((bytes, at) => {
    const token = readToken(bytes, broken);
    return token ? proveToken(token, entity.timestamped, anchors, memory, { edges, question: `timestamp/${at}` }, findings, broken) : [];
  });
}

function readToken(bytes: Uint8Array, broken: Finding[]): TimestampToken | undefined {
  try {
    return parseTimestampToken(bytes);
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    broken.push({ code: 'TIMESTAMP_INVALID', detail: error.message });
    return undefined;
  }
}

/** A token of an authority that is not trusted does not count; one that names a trusted authority must verify in all. */
function proveToken(
  token: TimestampToken,
  dated: Uint8Array,
  anchors: Anchors,
  memory: ProofMemory,
  { edges, question }: { edges: Edges; question: string },
  findings: Finding[],
  broken: Finding[],
): TimeFact[] {
  const facts: TimeFact[] = [];
  const failed: Finding[] = [];
  for (const anchor of anchors.timestampAuthorities) {
    const verdict = edges.recall(question, anchor.id, () => proveTime(token, dated, anchor, memory));
    if (verdict.reason === undefined) facts.push({ anchor: anchor.id, by: 'timestamp-authority', ...(verdict as StatedTime) });
    else failed.push({ code: verdict.reason as FindingCode, detail: `the timestamp does not count for ${anchor.name}` });
  }
  if (facts.length > 0) return facts;
  const named = failed.find(({ code }) => code === 'TIMESTAMP_INVALID' || code === 'TIMESTAMP_MISMATCH');
  if (named) broken.push(named);
  findings.push(named ?? failed[0] ?? { code: 'TIMESTAMP_UNTRUSTED', detail: 'no timestamp authority is trusted' });
  return [];
}

type StatedTime = { principal: string; at: number; from: number; to: number };

function proveTime(
  token: TimestampToken,
  dated: Uint8Array,
  { certificates }: TimestampAuthorityAnchor,
  memory: ProofMemory,
): Partial<StatedTime> & { reason?: string } {
  const verdict = verifyTimestampToken(token, dated, certificates, memory.certificates);
  if (!verdict.ok) return { reason: verdict.reason };
  return { principal: verdict.signer.publicKey.fingerprint, at: verdict.at, from: verdict.from, to: verdict.to };
}
