/** A Lease of coordination.k8s.io/v1, as far as elections go. */
import { type JsonObject, memberOf, stringOf } from '../../core/encoding/index.ts';
import type { ClusterObject } from './object.ts';

export interface HeldLease {
  /** Empty when nobody holds it. */
  readonly holder: string;
  readonly seconds: number;
  readonly transitions: number;
  /** Of which version a change would be. */
  readonly resourceVersion: string;
  /** Another one for every renewal; never compared with a clock of ours. */
  readonly renewed: string;
}

/** A holder may ask for this long at most: a lease for a hundred years would be the end of all elections. */
const LONGEST_SECONDS = 300;

export function parseLease({ json, resourceVersion }: ClusterObject): HeldLease {
  const spec = json['spec'];
  const count = (name: string): number => {
    const value = memberOf(spec, name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  return {
    holder: stringOf(memberOf(spec, 'holderIdentity')) ?? '',
    seconds: Math.min(count('leaseDurationSeconds'), LONGEST_SECONDS),
    transitions: count('leaseTransitions'),
    resourceVersion,
    renewed: stringOf(memberOf(spec, 'renewTime')) ?? '',
  };
}

/** @param now milliseconds; only people read the moments in it. */
export function leaseSpec(holder: string, seconds: number, transitions: number, now: number): JsonObject {
  const moment = new Date(now).toISOString().replace('Z', '000Z'); // MicroTime has six digits
  return { holderIdentity: holder, leaseDurationSeconds: seconds, acquireTime: moment, renewTime: moment, leaseTransitions: transitions };
}
