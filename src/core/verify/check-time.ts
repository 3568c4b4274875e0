/** Which logs hold a signature, and who dated it. Parties are counted, never entries or tokens. */
import { type Asked, type Context, type Dated, iso, type Miss, miss, missOf } from './asked.ts';
import { type AnchorIndex, isTrustedAt, isTrustedNow, nameOf, operatorOf } from './anchor-index.ts';
import type { EntryFact, SignatureFacts, TimeFact } from './facts.ts';
import { firstOf } from './key-state.ts';
import type { TrustIndex } from './trust-index.ts';

/** Windows are inclusive at both ends (sigstore common.proto, TimeRange). */
export function trustedTimes({ times }: SignatureFacts, context: Context): readonly TimeFact[] {
  // Mostly all of them are, and then nothing needs to be copied.
  return times.every((time) => isBelieved(time, context)) ? times : times.filter((time) => isBelieved(time, context));
}

function isBelieved({ anchor, at, principal, index }: TimeFact, { anchors, trust }: Context): boolean {
  return isTrustedAt(anchors, anchor, at) && (!trust || mayState(anchor, at, trust, principal, index));
}

/** A party that is suspended, compromised or revoked may have been made to say any time; one that ended well could until it did. */
function mayState(anchor: string, at: number, trust: TrustIndex, principal?: string, index?: string): boolean {
  if (trust.denies && (trust.keys.has(anchor) || (principal !== undefined && trust.keys.has(principal)) || isCutOff(anchor, index, trust))) return false;
  return (trust.versions.get(anchor) ?? []).every(({ state, window, retiredAt, invalidFrom }) => {
    if (at < window.from) return false;
    switch (state) {
      case 'active':
      case 'pre-active':
        return window.to === undefined || at <= window.to;
      case 'retired':
        return at <= (retiredAt ?? window.from);
      case 'superseded':
        return at < (invalidFrom ?? window.from);
      default:
        return false;
    }
  });
}

function isCutOff(anchor: string, index: string | undefined, trust: TrustIndex): boolean {
  const from = trust.logs.get(anchor);
  return from !== undefined && index !== undefined && BigInt(index) >= from;
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
function isInWindow({ anchor, index, promisedAt }: EntryFact, times: readonly TimeFact[], context: Context): boolean {
  const { anchors, clock, trust } = context;
  const holdsAt = (at: number): boolean => isTrustedAt(anchors, anchor, at) && (!trust || mayState(anchor, at, trust, undefined, index));
  if (promisedAt !== undefined) return holdsAt(promisedAt);
  if (times.length === 0) return isTrustedNow(anchors, anchor, clock) && holdsAt(clock.now);
  return times.some(({ at }) => holdsAt(at));
}

export function checkTimes({ facts, times }: Dated, { timestamps, dated, undated, signer: wanted }: Asked, context: Context): Miss | undefined {
  const { anchors } = context;
  if (timestamps !== 0) {
    const found = parties(
      times.filter(({ by }) => by === 'timestamp-authority'),
      anchors,
    );
    // Not "fewer than": a threshold that is no number at all must not be met by anything (CVE-2026-23992).
    if (!(found >= timestamps)) return miss('THRESHOLD_NOT_MET', () => `${found} of ${timestamps} independent timestamp authorities dated it`);
  }
  if (dated !== 0) {
    const found = parties([...times, ...facts.entries.filter((entry) => isInWindow(entry, times, context))], anchors);
    if (!(found >= dated)) return miss('THRESHOLD_NOT_MET', () => `${found} of ${dated} independent logs or timestamp authorities vouch for it`);
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

/** By the earliest time that somebody proves: a date that was added later makes nothing younger. */
export function checkAge({ times }: Dated, { minAge, maxAge }: Asked, { clock }: Context): Miss | undefined {
  if (minAge === undefined && maxAge === undefined) return undefined;
  const first = firstOf(times);
  if (!first) return miss('TIME_MISSING', () => 'its age is asked for, and nobody dated it');
  if (maxAge !== undefined && !clock.notAfter(first.to + maxAge)) return miss('SIGNATURE_TOO_OLD', () => `it is dated ${iso(first.to)}`);
  if (minAge !== undefined && !clock.reached(first.to + minAge)) return miss('SIGNATURE_TOO_YOUNG', () => `it is dated ${iso(first.to)}`);
  return undefined;
}
