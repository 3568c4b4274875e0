/** From what to what a key may go, and what all that was said about one comes to (NIST SP 800-57 part 1, section 7). */
import { SealwardError } from '../errors.ts';
import type { ListedDenial, ListedKey } from './documents.ts';
import type { KeyState, KeyVersion } from './state.ts';

/** No way leads back to more trust, except out of a suspension. */
export const KEY_TRANSITIONS: Readonly<Record<KeyState, readonly KeyState[]>> = {
  'pre-active': ['active', 'compromised', 'revoked-all'],
  active: ['suspended', 'retired', 'superseded', 'compromised', 'revoked-all'],
  suspended: ['active', 'retired', 'compromised', 'revoked-all'],
  retired: ['compromised', 'revoked-all'],
  superseded: ['compromised', 'revoked-all'],
  compromised: ['revoked-all'],
  'revoked-all': [],
};

/** Whether a key may be found in the one state by who saw it in the other last: in any number of steps, because versions may be missed. */
export function mayBecome(from: KeyState, to: KeyState): boolean {
  const seen = new Set<KeyState>([from]);
  for (const state of seen) for (const next of KEY_TRANSITIONS[state]) seen.add(next);
  return seen.has(to);
}

/** What the listed key is worth once the denials are heard. */
export function effectiveKey(listed: ListedKey, denials: readonly ListedDenial[]): KeyVersion {
  const { key: _, lifted, ...version } = listed;
  const about = denials.filter((one) => (one.kind === 'suspension' || one.kind === 'revocation') && one.name === listed.name && one.version === listed.version);
  const revocation = about.find(({ kind }) => kind === 'revocation');
  if (revocation && listed.state !== 'revoked-all')
    return { ...version, state: 'compromised', invalidFrom: Math.min(listed.window.from, listed.invalidFrom ?? listed.window.from), reason: revocation.reason };
  const suspensions = about.filter((one) => one.kind === 'suspension' && !lifted.includes(one.id));
  const [first] = suspensions;
  if (!first || (listed.state !== 'active' && listed.state !== 'pre-active')) return version;
  return { ...version, state: 'suspended', suspendedAt: Math.min(...suspensions.map((one) => (one as { at: number }).at)), reason: first.reason };
}

function refuse(key: KeyVersion, why: string): never {
  throw new SealwardError('ERR_TRUST_TRANSITION', `the key ${key.name}/${key.version} ${why}`);
}

/** Throws ERR_TRUST_TRANSITION where a key would gain trust that it had lost, or be something else than it was. */
export function checkKeyTransition(before: KeyVersion, after: KeyVersion): void {
  if (before.anchor !== after.anchor || before.role !== after.role) refuse(after, 'is another key, or in another role, than it was');
  if (!mayBecome(before.state, after.state)) refuse(after, `was ${before.state} and cannot become ${after.state}`);
  if (before.state !== 'pre-active' && before.window.from !== after.window.from) refuse(after, 'is active since another moment than it was');
  checkEnds(before, after);
  if (before.retiredAt !== undefined && undatedUntil(after) > undatedUntil(before))
    refuse(after, 'accepts undated signatures for longer than it did when it was retired');
  if (before.destroyedAt !== undefined && after.destroyedAt === undefined) refuse(after, 'was destroyed, and is said to be there again');
}

function undatedUntil({ acceptUndatedUntil }: KeyVersion): number {
  return acceptUndatedUntil ?? Number.NEGATIVE_INFINITY;
}

/** The moment from which nothing counts any more only moves earlier, under whichever name. */
function checkEnds(before: KeyVersion, after: KeyVersion): void {
  // Of a key of which nothing counts, no date matters.
  if (after.state === 'revoked-all') return;
  const held = Math.min(before.invalidFrom ?? Number.POSITIVE_INFINITY, before.retiredAt ?? Number.POSITIVE_INFINITY);
  const offered = after.invalidFrom ?? after.retiredAt ?? Number.POSITIVE_INFINITY;
  if (offered > held)
    refuse(
      after,
      `would count until a later moment than it did (${after.invalidFrom === undefined ? 'retiredAt' : 'invalidFrom'}), and that only ever moves earlier`,
    );
}
