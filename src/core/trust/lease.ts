/** Until when a trust state may admit what is new. Past that, what was admitted before may go on, and what is revoked is revoked. */
import { SealwardError } from '../errors.ts';
import type { TrustState } from './state.ts';

export interface Lease {
  /** Milliseconds since 1970; up to and without this moment. */
  readonly endsAt: number;
  readonly live: boolean;
  /** How old what is known is: milliseconds since the lease was given. */
  readonly age: number;
}

/** @param tier the name of a tier of the trust state, where whoever asks was told to keep one; it never outlasts the timestamp itself. */
export function leaseAt(state: Pick<TrustState, 'lease' | 'tiers'>, now: number, tier?: string): Lease {
  const { issuedAt, endsAt } = state.lease;
  const found = state.tiers.find(({ name }) => name === tier);
  if (tier !== undefined && !found)
    throw new SealwardError('ERR_CONFIG_INVALID', `the trust state has no lease tier ${JSON.stringify(tier.slice(0, 80))}`, {
      hint: `Its tiers are: ${state.tiers.map(({ name }) => name).join(', ') || 'none'}.`,
    });
  const end = found ? Math.min(endsAt, issuedAt + found.duration) : endsAt;
  return { endsAt: end, live: now < end, age: Math.max(0, now - issuedAt) };
}
