/** What tags stand for: asked for again each time, by one for all who ask at the same time, each with a deadline of his own. */
import type { EvidenceStore } from '../../clients/evidence/index.ts';
import type { Clock } from '../../clients/http/index.ts';
import type { Registry } from '../../clients/registry/index.ts';
import { type Digest, digestFrom, formatRepository, type Lookup, type Reference } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { heldRegistry } from '../held-registry.ts';
import { isOver, registryNumber } from './flight.ts';
import { FRESH } from './gathered.ts';

export interface TagsOptions {
  readonly store: EvidenceStore;
  readonly clock: Clock;
  /** Milliseconds that one lookup may take, whoever waits for it. */
  readonly patience: number;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
}

interface Wait {
  /** Absolute, on the clock. */
  readonly deadline: number;
  /** Ends the waiting, as if the deadline had come. */
  readonly signal?: AbortSignal;
}

interface Shared {
  readonly resolved: Promise<Lookup<{ readonly digest: Digest }>>;
  /** Given up at this time. */
  readonly until: number;
}

export class Tags {
  readonly #options: TagsOptions;
  readonly #underWay = new Map<string, Shared>();

  constructor(options: TagsOptions) {
    this.#options = options;
  }

  /** What it stood for before counts only where nobody answers in time. */
  async resolve(reference: Reference, registry: Registry, wait: Wait): Promise<Digest | SealwardError> {
    const { clock } = this.#options;
    for (;;) {
      const { resolved, until } = this.#lookup(reference, registry);
      const lookup = await this.#inTime(resolved, wait);
      const now = clock.now();
      if (!lookup) break;
      // Who came when it was nearly over has his own time yet.
      if (isOver(until, now) && wait.deadline > now && !wait.signal?.aborted) continue;
      if (lookup.state === 'complete') return lookup.value.digest;
      if (lookup.state === 'unavailable') return lookup.cause;
      return new SealwardError('ERR_NOT_FOUND', `${tagKey(reference)} is not there`);
    }
    return this.held(reference) ?? new SealwardError('ERR_DEADLINE', `${reference.registry} did not say in time what ${tagKey(reference)} stands for`);
  }

  /** What it was when it was last resolved. */
  held(reference: Reference): Digest | undefined {
    const { digest, state } = this.#options.store.record('tags', tagKey(reference)) ?? {};
    return state === 'complete' && typeof digest === 'string' ? digestFrom(digest) : undefined;
  }

  /** Who asks with other credentials may be told something else. */
  #lookup(reference: Reference, registry: Registry): Shared {
    const { store, clock, patience, signal } = this.#options;
    const key = `${registryNumber(registry)} ${tagKey(reference)}`;
    const known = this.#underWay.get(key);
    if (known && !isOver(known.until, clock.now())) return known;
    const until = clock.now() + patience;
    const online = heldRegistry({ store, registry, now: () => clock.now(), maxAge: FRESH });
    const resolved = online.resolve(reference, { deadline: until, signal }).finally(() => {
      if (this.#underWay.get(key) === lookup) this.#underWay.delete(key);
    });
    resolved.catch(() => undefined);
    const lookup: Shared = { resolved, until };
    this.#underWay.set(key, lookup);
    return lookup;
  }

  /** Undefined when the deadline came first, or whoever asked went away. */
  async #inTime<T>(asked: Promise<T>, { deadline, signal }: Wait): Promise<T | undefined> {
    const { clock } = this.#options;
    let cancel = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      const end = (): void => resolve(undefined);
      const stop = clock.after(deadline - clock.now(), end);
      if (signal?.aborted) end();
      else signal?.addEventListener('abort', end);
      cancel = () => {
        stop();
        signal?.removeEventListener('abort', end);
      };
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      cancel();
    }
  }
}

function tagKey(reference: Reference): string {
  return `${formatRepository(reference)}:${reference.tag ?? 'latest'}`;
}
