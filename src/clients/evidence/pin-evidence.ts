/**
 * What a decision was made from stays as long as its record: the evidence as it was known, in bytes, with a pin that
 * says until when. The documents that the bytes name stay with them.
 */
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { documentsIn } from '../../core/verify/index.ts';
import type { EvidenceStore } from './store.ts';

/** A pin is not written anew for less. */
const SLACK_MILLISECONDS = 60 * 60_000;

/**
 * @param bytes what `encodeEvidence` wrote.
 * @param until milliseconds since 1970; for ever when not said.
 * @returns the digest under which it lies; undefined when it could not be kept.
 */
export function keepPinned(store: EvidenceStore, bytes: Uint8Array, until?: number): string | undefined {
  const digest = formatDigest(digestOf(bytes));
  // The bytes first: a pin without them would say that something can be made again that cannot.
  return store.keep(digest, bytes) && pinEvidence(store, digest, until) ? digest : undefined;
}

/** The pin alone, where the bytes are kept by whoever gathered them. */
export function pinEvidence(store: EvidenceStore, digest: string, until?: number): boolean {
  const held = store.record('pins', digest);
  const enough = held && (held['until'] === undefined || (until !== undefined && Number(held['until']) >= until - SLACK_MILLISECONDS));
  return enough || store.write('pins', digest, { reason: 'a decision was made from it', ...(until === undefined ? {} : { until }) });
}

/** What the pins hold at a moment, and which of them are over. */
export function pinned(store: EvidenceStore, now: number): { readonly digests: ReadonlySet<string>; readonly over: readonly string[] } {
  const digests = new Set<string>();
  const over: string[] = [];
  for (const { key, body } of store.records('pins')) {
    const { until } = body;
    if (typeof until === 'number' && until < now) {
      over.push(key);
      continue;
    }
    digests.add(key);
    for (const name of namedIn(store.bytes(key))) digests.add(name);
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
