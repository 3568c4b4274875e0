/** Which logs hold a signature, and who dated it. Parties are counted, never entries or tokens. */
import { type Asked, type Context, type Dated, iso, type Miss, miss, missOf } from './asked.ts';
import { type AnchorIndex, isTrustedAt, nameOf, operatorOf } from './anchor-index.ts';
import type { EntryFact, SignatureFacts, TimeFact } from './facts.ts';

/** Windows are inclusive at both ends (sigstore common.proto, TimeRange). */
export function trustedTimes({ times }: SignatureFacts, anchors: AnchorIndex): readonly TimeFact[] {
  // Mostly all of them are, and then nothing needs to be copied.
  return times.every(({ anchor, at }) => isTrustedAt(anchors, anchor, at)) ? times : times.filter(({ anchor, at }) => isTrustedAt(anchors, anchor, at));
}

/** Counting is per independent party, never per entry (CVE-2026-49834). */
export function parties(facts: readonly { readonly anchor: string; readonly principal?: string }[], anchors: AnchorIndex): number {
  if (facts.length < 2) return facts.length;
  return new Set(facts.map(({ anchor, principal }) => operatorOf(anchors, anchor) ?? principal ?? anchor)).size;
}

export function checkLogs({ facts, times }: Dated, { logs }: Asked, context: Context): Miss | undefined {
  if (logs === 0) return undefined;
  const counted = facts.entries.filter((entry) => isInWindow(entry, times, context));
  const found = parties(counted, context.anchors);
  if (found >= logs) return undefined;
  if (counted.length > 0) return miss('THRESHOLD_NOT_MET', () => `${found} of ${logs} independent logs hold it`);
  const [outside] = facts.entries;
  if (outside) return miss('LOG_OUTSIDE_WINDOW', () => `${nameOf(context.anchors, outside.anchor)} is not trusted for that time`);
  return missOf(facts.findings.find(({ code }) => code.startsWith('LOG_'))) ?? miss('LOG_ENTRY_MISSING', () => 'it carries no log entry');
}

/** A promise is judged at the time it states; an entry without one at the times that others state, or as of now. */
export function isInWindow({ anchor, promisedAt }: EntryFact, times: readonly TimeFact[], { anchors, now }: Context): boolean {
  if (promisedAt !== undefined) return isTrustedAt(anchors, anchor, promisedAt);
  if (times.length === 0) return isTrustedAt(anchors, anchor, now);
  return times.some(({ at }) => isTrustedAt(anchors, anchor, at));
}

export function checkTimes({ facts, times }: Dated, { timestamps, undated, signer: wanted }: Asked, { anchors }: Context): Miss | undefined {
  if (timestamps !== 0) {
    const found = parties(
      times.filter(({ by }) => by === 'timestamp-authority'),
      anchors,
    );
    // Not "fewer than": a threshold that is no number at all must not be met by anything (CVE-2026-23992).
    if (!(found >= timestamps)) return miss('THRESHOLD_NOT_MET', () => `${found} of ${timestamps} independent timestamp authorities dated it`);
  }
  // A bare key has no window unless somebody gave it one, so nothing has to date its signatures.
  if (wanted === 'key' || !facts.signers[0]?.certificate || times.length > 0 || undated === 'now') return undefined;
  const [outside] = facts.times;
  if (outside) {
    const code = outside.by === 'log' ? 'LOG_OUTSIDE_WINDOW' : 'TIMESTAMP_OUTSIDE_WINDOW';
    return miss(code, () => `${nameOf(anchors, outside.anchor)} is not trusted for ${iso(outside.at)}`);
  }
  const why = facts.findings.find(({ code }) => code.startsWith('TIMESTAMP_'));
  return missOf(why) ?? miss('TIME_MISSING', () => 'neither a log nor a timestamp authority states a time');
}
