/**
 * What a signature is worth by the state of its key. *Before* a date is believed only when somebody whom the thief could
 * not control says so; *after* it never; what nobody dated counts as after. The order is that of the states' severity.
 */
import type { KeyVersion } from '../trust/index.ts';
import { type AnchorIndex, operatorOf } from './anchor-index.ts';
import { type Asked, type Context, type Dated, iso, type Miss, miss } from './asked.ts';
import type { TimeFact } from './facts.ts';

const NONE: readonly KeyVersion[] = [];

export function checkKeyState(dated: Dated, asked: Asked, context: Context): Miss | undefined {
  const { trust } = context;
  const [signer] = dated.facts.signers;
  if (!trust || trust.versions.size === 0 || !signer) return undefined;
  if (asked.signer === 'key') return signer.anchor === undefined ? undefined : stateOf(signer.anchor, 'artifact', dated, asked, context);
  let first: Miss | undefined;
  for (const { anchor } of signer.certificate?.issuers ?? []) {
    if (asked.anchors && !asked.anchors.has(anchor)) continue;
    const missed = stateOf(anchor, 'certificate-authority', dated, asked, context);
    if (!missed) return undefined;
    first ??= missed;
  }
  return first;
}

function stateOf(anchor: string, role: KeyVersion['role'], dated: Dated, asked: Asked, context: Context): Miss | undefined {
  for (const version of context.trust?.versions.get(anchor) ?? NONE) {
    const name = `${version.name}/${version.version}`;
    if (version.role !== role) return miss('KEY_MISMATCH', () => `${name} is a key for another purpose: ${version.role}`);
    const missed = checkVersion(version, name, dated, asked, context);
    if (missed) return missed;
  }
  return undefined;
}

/** keys.md, "Verdict order": steps 3 to 8. */
function checkVersion(version: KeyVersion, name: string, dated: Dated, asked: Asked, context: Context): Miss | undefined {
  const { state, window } = version;
  const { clock } = context;
  const first = firstOf(dated.times);
  if (first === undefined ? !clock.reached(window.from) : first.to < window.from) {
    return miss('KEY_NOT_ACTIVE', () => `${name} counts from ${iso(window.from)}, and the signature is ${when(first)}`);
  }
  switch (state) {
    case 'revoked-all':
      return miss('KEY_REVOKED', () => because(name, version));
    case 'compromised':
      return wasWitnessedBefore(version, dated, asked, context.anchors)
        ? undefined
        : miss('KEY_COMPROMISED', () => `${because(name, version)}; the signature is ${when(first)}`);
    case 'superseded':
      return wasBefore(version.invalidFrom ?? window.from, version, dated.times, context.anchors)
        ? undefined
        : miss('KEY_SUPERSEDED', () => `${because(name, version)} at ${iso(version.invalidFrom ?? window.from)}; the signature is ${when(first)}`);
    case 'suspended':
      return checkSuspended(version, name, dated, asked, context);
    case 'retired':
      return checkRetired(version, name, first, context);
    case 'active':
    case 'pre-active':
      return checkActive(version, name, dated.times, context);
  }
}

/** The earliest time that somebody proves: by then it existed, whatever later times say. */
export function firstOf(times: readonly TimeFact[]): TimeFact | undefined {
  if (times.length < 2) return times[0];
  return times.reduce((least, time) => (time.to < least.to ? time : least));
}

function when(first: TimeFact | undefined): string {
  return first === undefined ? 'not dated' : `dated ${iso(first.to)}`;
}

export function because(name: string, { state, reason }: KeyVersion): string {
  return `${name} is ${state}${reason === undefined ? '' : ` (${reason})`}`;
}

/** keys.md 2.3.4: a party that the key's own operator runs cannot rescue its signatures. */
function isIndependent(time: TimeFact, version: KeyVersion, anchors: AnchorIndex): boolean {
  if (time.anchor === version.anchor || time.principal === version.anchor) return false;
  return version.operator === undefined || operatorOf(anchors, time.anchor) !== version.operator;
}

function wasBefore(moment: number, version: KeyVersion, times: readonly TimeFact[], anchors: AnchorIndex): boolean {
  return times.some((time) => time.to < moment && isIndependent(time, version, anchors));
}

/** Only where the policy says so, and only when an independent log took the signature in before. */
function wasWitnessedBefore(version: KeyVersion, { times }: Dated, { compromised }: Asked, anchors: AnchorIndex): boolean {
  if (compromised !== 'accept-witnessed') return false;
  const logged = times.filter(({ by }) => by === 'log');
  return wasBefore(version.invalidFrom ?? version.window.from, version, logged, anchors);
}

function checkSuspended(version: KeyVersion, name: string, { times }: Dated, { suspended }: Asked, { anchors, admittedBefore }: Context): Miss | undefined {
  const since = version.suspendedAt ?? version.window.from;
  if (!wasBefore(since, version, times, anchors)) return miss('KEY_SUSPENDED', () => `${because(name, version)} since ${iso(since)}`);
  // Held until it is known what came of it; what already ran goes on running.
  if (suspended === 'hold' && !admittedBefore) return miss('KEY_SUSPENDED', () => `${because(name, version)}, and what it signed before is held`);
  return undefined;
}

function checkRetired({ retiredAt, window, acceptUndatedUntil }: KeyVersion, name: string, first: TimeFact | undefined, { clock }: Context): Miss | undefined {
  const last = retiredAt ?? window.from;
  if (first === undefined) {
    if (acceptUndatedUntil !== undefined && clock.notAfter(acceptUndatedUntil)) return undefined;
    return miss('KEY_RETIRED', () => `${name} was retired at ${iso(last)}, and nobody dated the signature`);
  }
  return first.to <= last ? undefined : miss('KEY_RETIRED', () => `${name} was retired at ${iso(last)}, and the signature is ${when(first)}`);
}

/** Without a time that somebody proves it is as of now. */
function checkActive({ window }: KeyVersion, name: string, times: readonly TimeFact[], { clock }: Context): Miss | undefined {
  const { to } = window;
  if (to === undefined) return undefined;
  const first = firstOf(times);
  const inTime = first === undefined ? clock.notAfter(to) : first.to <= to;
  return inTime ? undefined : miss('KEY_OUTSIDE_WINDOW', () => `${name} counted until ${iso(to)}, and the signature is ${when(first)}`);
}
