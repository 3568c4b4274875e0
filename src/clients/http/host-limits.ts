/** Limits for every host that is asked, each by itself: the gate of an HttpClient, to be shared by all clients of a process. */
import { quoted } from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { BreakerState } from './breaker.ts';
import { type Clock, systemClock } from './clock.ts';
import type { HostGate, Visit } from './host-gate.ts';
import { type HostLimit, HostQueue } from './host-queue.ts';
import type { HttpRequest } from './request.ts';

export type { HostLimit } from './host-queue.ts';

export interface HostLimitsOptions {
  readonly clock?: Clock;
  /** Uniform in [0, 1), for jitter. */
  readonly random?: () => number;
  /** For every host that is not named below. */
  readonly limit?: Partial<HostLimit>;
  /** By `host:port`, as it stands in a URL. */
  readonly hosts?: Readonly<Record<string, Partial<HostLimit>>>;
}

export interface HostState {
  readonly host: string;
  readonly breaker: BreakerState;
  readonly underWay: number;
  readonly waiting: number;
}

/** A herd of new images gets through; what is fetched ahead does not take the registry from everybody else. */
const DEFAULT: HostLimit = { perSecond: 50, burst: 100, atOnce: 16 };

export class HostLimits implements HostGate {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #options: HostLimitsOptions;
  /** In the order in which they were asked last. */
  readonly #queues = new Map<string, HostQueue>();

  constructor(options: HostLimitsOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#options = options;
  }

  async enter(host: string, request: Pick<HttpRequest, 'deadline' | 'signal' | 'what'>): Promise<Visit> {
    const queue = this.#queues.get(host) ?? this.#newQueue(host, request.what);
    this.#queues.delete(host);
    this.#queues.set(host, queue);
    return queue.enter(request);
  }

  /** How every known host is, for metrics and for people. */
  get states(): readonly HostState[] {
    return [...this.#queues].map(([host, queue]) => ({ host, breaker: queue.state, underWay: queue.underWay, waiting: queue.waiting }));
  }

  #newQueue(host: string, what: string): HostQueue {
    if (this.#queues.size >= LIMITS.hostsLimited) this.#makeRoom(host, what);
    const { limit, hosts } = this.#options;
    return new HostQueue(host, this.#clock, { ...DEFAULT, ...limit, ...hosts?.[host] }, this.#random);
  }

  /** Servers name hosts, in redirects for instance. What is known of a host that fails is forgotten last. */
  #makeRoom(host: string, what: string): void {
    const idle = [...this.#queues].filter(([, queue]) => queue.isIdle);
    const [name] = idle.find(([, queue]) => queue.isFresh) ?? idle[0] ?? [];
    if (name === undefined) {
      throw new SealwardError('ERR_REGISTRY_BUSY', `${quoted(host, 260)} was not asked for ${what}: ${LIMITS.hostsLimited} other hosts are being asked`, {
        retryAfterMs: 1000,
      });
    }
    this.#queues.delete(name);
  }
}
