/** Trust states that do not hold, to see what would change if they did. */
import { SealwardError } from '../errors.ts';
import { KEY_TRANSITIONS } from './key-states.ts';
import { digestState } from './next.ts';
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
  return withDigest({ ...content, keys: state.keys.map((key) => (isMeant(key) ? revoked(key, from ?? key.window.from) : key)) });
}

function revoked(key: KeyVersion, from: number): KeyVersion {
  const end = Math.min(key.invalidFrom ?? Number.POSITIVE_INFINITY, key.retiredAt ?? Number.POSITIVE_INFINITY);
  if (from > end) throw new SealwardError('ERR_TRUST_TRANSITION', `the key ${key.name}/${key.version} does not count from an earlier moment on already`);
  const canBe = key.state === 'compromised' || KEY_TRANSITIONS[key.state].includes('compromised');
  return canBe ? { ...key, state: 'compromised', invalidFrom: from, reason: 'supposed' } : key;
}

function withDigest(content: Omit<TrustState, 'digest'>): TrustState {
  return { digest: digestState(content), ...content };
}
