/** Trust states that do not hold, to see what would change if they did. */
import { SealwardError } from '../errors.ts';
import { KEY_TRANSITIONS } from './key-states.ts';
import { composeState, digestState, listedIn, type TrustChain } from './next.ts';
import type { KeyVersion, TrustState } from './state.ts';

/**
 * The state as it would be after a revocation.
 * @param reference `release` (all its versions), `release/3`, or the SHA-256 of the key, which need not be in the list.
 * @param from milliseconds since 1970: from when nothing counts; without it nothing since the activation of the key.
 * Throws ERR_TRUST_PLAN when no key is called so, and ERR_TRUST_TRANSITION when the date would be later than the one that holds.
 */
export function supposeRevoked(state: TrustState, reference: string, from?: number): TrustState {
  const { digest: _, ...content } = state;
  const isMeant = ({ name, version, anchor }: KeyVersion): boolean => [name, `${name}/${version}`, anchor].includes(reference);
  if (!state.keys.some(isMeant)) {
    // A key of a policy, which no list knows: it can only be denied whole.
    if (!/^[0-9a-f]{64}$/.test(reference))
      throw new SealwardError('ERR_TRUST_PLAN', `no key of the trust state is called ${JSON.stringify(reference.slice(0, 80))}`);
    const denials = [...state.denials, { id: 'supposed', kind: 'key' as const, key: reference, reason: 'supposed', addedAt: state.lease.issuedAt }];
    return withDigest({ ...content, denials });
  }
  const meant = state.keys.filter(isMeant);
  // Of several versions those that ended earlier stay as they are.
  if (from !== undefined && meant.every((key) => from > endOf(key)))
    throw new SealwardError('ERR_TRUST_TRANSITION', `the key ${meant[0]?.name}/${meant[0]?.version} does not count from an earlier moment on already`);
  const keys = state.keys.map((key) => (isMeant(key) && (from ?? key.window.from) <= endOf(key) ? revoked(key, from ?? key.window.from) : key));
  return withDigest({ ...content, keys });
}

/**
 * The state as it would be if these were all the files that people signed for; versions and lease stay what they are.
 * Whether anybody may sign for them is not asked. Throws for documents that cannot be read.
 */
export function supposeFiles({ metadata, state }: TrustChain, files: ReadonlyMap<string, Uint8Array>): TrustState {
  return composeState(metadata, files, listedIn(files), state.lease.issuedAt);
}

/** The state as it would be if its lease were renewed until after a moment, in milliseconds since 1970. */
export function supposeRenewed(state: TrustState, moment: number): TrustState {
  const { digest: _, ...content } = state;
  return withDigest({ ...content, lease: { issuedAt: Math.max(content.lease.issuedAt, moment), endsAt: moment + 1 } });
}

function endOf({ invalidFrom, retiredAt }: KeyVersion): number {
  return Math.min(invalidFrom ?? Number.POSITIVE_INFINITY, retiredAt ?? Number.POSITIVE_INFINITY);
}

function revoked(key: KeyVersion, from: number): KeyVersion {
  const canBe = key.state === 'compromised' || KEY_TRANSITIONS[key.state].includes('compromised');
  return canBe ? { ...key, state: 'compromised', invalidFrom: from, reason: 'supposed' } : key;
}

function withDigest(content: Omit<TrustState, 'digest'>): TrustState {
  return { digest: digestState(content), ...content };
}
