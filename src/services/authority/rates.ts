/** How many certificates one identity may have in a while: a bucket that fills again steadily (bounded in number). */
import { LRUCache } from 'lru-cache';
import { SealwardError } from '../../core/errors.ts';

export interface RateLimit {
  /** So many at once. */
  readonly burst: number;
  /** And so many more in each minute. */
  readonly perMinute: number;
}

const IDENTITIES = 50_000;

export class Rates {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #buckets = new LRUCache<string, { readonly level: number; readonly at: number }>({ max: IDENTITIES });

  /** @param now milliseconds from any start. */
  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Throws ERR_RATE_LIMITED when the identity has had its share. */
  take(identity: string): void {
    const { burst, perMinute } = this.#limit;
    const now = this.#now();
    const bucket = this.#buckets.get(identity) ?? { level: burst, at: now };
    const level = Math.min(burst, bucket.level + ((now - bucket.at) * perMinute) / 60_000);
    if (level < 1) {
      const seconds = Math.max(1, Math.ceil(((1 - level) * 60) / perMinute));
      throw new SealwardError('ERR_RATE_LIMITED', `this identity has had its certificates for now; it may have ${perMinute} in a minute`, {
        hint: `Try again in ${seconds} s.`,
      });
    }
    this.#buckets.set(identity, { level: level - 1, at: now });
  }
}
