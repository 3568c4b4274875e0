/**
 * Facts as bytes, for whoever keeps them: canonical JSON (RFC 8785), so that the same facts are the same bytes. They stand
 * under the digest of the evidence and that of the anchors they were proven under. Whoever keeps them sees to it that
 * nobody else can write there; what is read back is checked for its shape, not for its truth.
 */
import { fingerprintOf } from '../crypto/index.ts';
import { canonicalJson, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../encoding/index.ts';
import { invariant, SealwardError } from '../errors.ts';
import type { Anchors } from '../trust/index.ts';
import type { Evidence } from './evidence.ts';
import type { Facts } from './facts.ts';

const VERSION = 1;

export function encodeFacts(facts: Facts): Uint8Array {
  return utf8(canonicalJson({ version: VERSION, facts: facts as unknown as JsonObject }));
}

/** Throws ERR_STATE_INVALID for anything but what `encodeFacts` of this version wrote, byte for byte. */
export function decodeFacts(bytes: Uint8Array): Facts {
  const { version, facts, ...more } = parseJsonObject(bytes, { what: 'the stored facts', maxBytes: LIMITS.documentBytes, maxDepth: 2 * LIMITS.jsonDepth });
  if (version !== VERSION || !isFacts(facts) || Object.keys(more).length > 0) {
    throw new SealwardError('ERR_STATE_INVALID', 'the stored facts are not of this version of the judge');
  }
  return facts;
}

function isFacts(value: unknown): value is Facts {
  if (value === null || typeof value !== 'object') return false;
  const { digests, indexes, places, signatures, unreadable } = value as Record<string, unknown>;
  return typeof digests === 'object' && Array.isArray(indexes) && Array.isArray(places) && Array.isArray(signatures) && Array.isArray(unreadable);
}

/** `sha256:hex` over the ids of all anchors: facts proven under one set say nothing of another. Windows and names do not matter. */
export function digestOfAnchors(anchors: Anchors): string {
  const ids = [anchors.keys, anchors.authorities, anchors.logs, anchors.certificateLogs, anchors.timestampAuthorities].map((some) =>
    some.map(({ id }) => id).sort(),
  );
  return `sha256:${fingerprintOf(utf8(canonicalJson(ids)))}`;
}

/** `sha256:hex` over what is known of one digest: each document with what stood beside it, in whatever order it was found. */
export function digestOfEvidence({ subject, documents }: Evidence): string {
  const parts = documents.map(({ digest, place, source }) => ({ digest, place, kind: source?.kind ?? '', beside: { ...source?.annotations } }));
  const texts = parts.map((part) => canonicalJson(part)).sort();
  invariant(Object.keys(subject.digests).length > 0, 'evidence about no digest has no name');
  return `sha256:${fingerprintOf(utf8(canonicalJson({ digests: { ...subject.digests }, documents: texts })))}`;
}
