/**
 * What a decision was made from stays as long as its record: the evidence as it was known, in bytes, with a pin that
 * names the documents in it and says until when.
 */
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import type { EvidenceStore } from './store.ts';

/** A pin is not written anew for less. */
const SLACK_MILLISECONDS = 60 * 60_000;

export interface PinnedEvidence {
  /** What `encodeEvidence` wrote. */
  readonly bytes: Uint8Array;
  /** Digests of the documents in it. */
  readonly documents: readonly string[];
  /** Milliseconds since 1970; for ever when not said. */
  readonly until?: number;
}

/** Gives the digest under which it lies; undefined when it could not be kept. */
export function pinEvidence(store: EvidenceStore, { bytes, documents, until }: PinnedEvidence): string | undefined {
  const digest = formatDigest(digestOf(bytes));
  const held = store.record('pins', digest);
  const enough = held && (held['until'] === undefined || (until !== undefined && Number(held['until']) >= until - SLACK_MILLISECONDS));
  // The bytes first: a pin without them would say that something can be made again that cannot.
  if (!store.keep(digest, bytes)) return undefined;
  const reason = 'a decision was made from it';
  return enough || store.write('pins', digest, { reason, names: [...documents], ...(until === undefined ? {} : { until }) }) ? digest : undefined;
}

/** What the pins hold at a moment, and which of them are over. */
export function pinned(store: EvidenceStore, now: number): { readonly digests: ReadonlySet<string>; readonly over: readonly string[] } {
  const digests = new Set<string>();
  const over: string[] = [];
  for (const { key, body } of store.records('pins')) {
    const { until, names } = body;
    if (typeof until === 'number' && until < now) {
      over.push(key);
      continue;
    }
    digests.add(key);
    for (const name of Array.isArray(names) ? names : []) if (typeof name === 'string') digests.add(name);
  }
  return { digests, over };
}
