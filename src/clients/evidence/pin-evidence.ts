/**
 * What a decision was made from stays as long as its record: the evidence as it was known, in bytes, with a pin that
 * names the documents in it and says until when.
 */
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { documentsIn } from '../../core/verify/index.ts';
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
  // The bytes first: a pin without them would say that something can be made again that cannot.
  if (!store.keep(digest, bytes)) return undefined;
  return renewPin(store, digest, until, documents) ? digest : undefined;
}

/** The pin alone, where the bytes are kept by whoever gathered them; the documents are then those that the bytes name. */
export function renewPin(store: EvidenceStore, digest: string, until: number | undefined, documents?: readonly string[]): boolean {
  const held = store.record('pins', digest);
  const enough = held && (held['until'] === undefined || (until !== undefined && Number(held['until']) >= until - SLACK_MILLISECONDS));
  if (enough) return true;
  const names = documents ? [...documents] : held?.['names'];
  const reason = 'a decision was made from it';
  return store.write('pins', digest, { reason, ...(names === undefined ? {} : { names }), ...(until === undefined ? {} : { until }) });
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
    for (const name of Array.isArray(names) ? names : namedIn(store.bytes(key))) if (typeof name === 'string') digests.add(name);
  }
  return { digests, over };
}

/** A pin may be of anything, such as an image that runs. */
function namedIn(bytes: Uint8Array | undefined): readonly string[] {
  try {
    return bytes ? documentsIn(bytes) : [];
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return [];
    throw error;
  }
}
