/**
 * One of several replicas leads, by a Lease. Clocks are never compared: a candidate waits, on its own clock, for as long as
 * the lease says since it last saw it change; the leader stops, on its own clock, earlier than that. What holds is that two
 * never lead at once, as long as clocks run at about the same pace and no process is stopped in the middle of its work.
 */
import { SealwardError } from '../../core/errors.ts';
import type { KubernetesClient } from './client.ts';
import { type HeldLease, leaseSpec, parseLease } from './lease.ts';
import { type ObjectName, RESOURCES } from './resource.ts';

export interface LeaderOptions {
  readonly lease: ObjectName;
  /** Of this replica and no other: the name of the Pod, and something that is new with each start. */
  readonly identity: string;
  /** Called whenever this replica begins to lead; the signal fires when it does no more. */
  readonly lead: (signal: AbortSignal) => void;
  readonly report?: (problem: SealwardError) => void;
  /** Others wait so long after a renewal; 15 s when missing. */
  readonly leaseSeconds?: number;
  /** A leader that could not renew for so long leads no more; two thirds of the lease when missing. */
  readonly renewSeconds?: number;
  /** How often it is tried; a seventh of the lease when missing. */
  readonly retrySeconds?: number;
}

export class LeaderElection {
  readonly #client: KubernetesClient;
  readonly #options: LeaderOptions;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #leading: AbortController | undefined;
  /** Until when this replica leads, if it does; on its own clock. */
  #until = Number.NEGATIVE_INFINITY;
  #cancelEnd = (): void => {};
  /** The lease as it was last seen, and when it was first seen so. */
  #seen: { readonly lease: HeldLease; readonly at: number } | undefined;

  constructor(client: KubernetesClient, options: LeaderOptions) {
    this.#client = client;
    this.#options = options;
    this.#leaseMs = (options.leaseSeconds ?? 15) * 1000;
    this.#renewMs = options.renewSeconds === undefined ? (this.#leaseMs * 2) / 3 : options.renewSeconds * 1000;
    this.#retryMs = options.retrySeconds === undefined ? this.#leaseMs / 7 : options.retrySeconds * 1000;
    if (!(this.#retryMs < this.#renewMs && this.#renewMs < this.#leaseMs)) {
      throw new SealwardError('ERR_INVARIANT', 'a lease is retried faster than it is given up, and given up before it ends');
    }
    this.#ended = this.#run();
  }

  /** Also asks the clock: a timer that fires late makes nobody lead longer. */
  get isLeader(): boolean {
    return this.#leading !== undefined && this.#client.clock.now() < this.#until;
  }

  /** Stops to lead, and gives the lease back so that another one need not wait. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#client;
    const { signal } = this.#closing;
    const closed = (): boolean => signal.aborted;
    while (!closed()) {
      const asked = clock.now();
      try {
        if (await this.#acquire(asked)) this.#lead(asked);
        else this.#stop();
      } catch (error) {
        // What it holds it holds until the time is up.
        if (!closed()) this.#options.report?.(error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', String(error), { cause: error }));
      }
      // Spread, so that candidates do not all ask at once.
      await clock.sleep(this.#retryMs * (0.8 + 0.4 * random()), signal);
    }
    const held = this.#leading !== undefined;
    this.#stop();
    if (held) await this.#release();
  }

  /** Whether the lease is ours, as of a request that was sent at `asked` or later. */
  async #acquire(asked: number): Promise<boolean> {
    const { lease, identity } = this.#options;
    const call = { deadline: asked + this.#renewMs, attempts: 1, signal: this.#closing.signal };
    const found = await this.#client.get(RESOURCES.leases, lease, call);
    const seconds = Math.ceil(this.#leaseMs / 1000);
    if (!found) {
      const object = { metadata: { name: lease.name }, spec: leaseSpec(identity, seconds, 0, this.#client.clock.now()) };
      return this.#won(() => this.#client.create(RESOURCES.leases, lease.namespace, object, call));
    }
    const held = parseLease(found);
    const now = this.#client.clock.now();
    if (this.#seen?.lease.resourceVersion !== held.resourceVersion) this.#seen = { lease: held, at: now };
    const taken = held.holder !== '' && held.holder !== identity;
    if (taken && now < this.#seen.at + held.seconds * 1000) return false;
    const spec = leaseSpec(identity, seconds, held.transitions + (held.holder === identity ? 0 : 1), now);
    const object = { ...found.json, metadata: { name: lease.name, resourceVersion: held.resourceVersion }, spec };
    return this.#won(() => this.#client.replace(RESOURCES.leases, lease, object, call));
  }

  async #won(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      // Another one was faster; whose it is, the next look tells.
      if (error instanceof SealwardError && error.code === 'ERR_OBJECT_CONFLICT') return false;
      throw error;
    }
  }

  /** @param asked when the renewal was begun: what took long is taken off. */
  #lead(asked: number): void {
    const { clock } = this.#client;
    this.#until = asked + this.#renewMs;
    this.#cancelEnd();
    if (clock.now() >= this.#until) return this.#stop();
    this.#cancelEnd = clock.after(this.#until - clock.now(), () => this.#stop());
    if (this.#leading || this.#closing.signal.aborted) return;
    this.#leading = new AbortController();
    this.#options.lead(this.#leading.signal);
  }

  #stop(): void {
    this.#cancelEnd();
    const leading = this.#leading;
    this.#leading = undefined;
    leading?.abort();
  }

  async #release(): Promise<void> {
    const { lease, identity } = this.#options;
    const call = { deadline: this.#client.clock.now() + this.#retryMs, attempts: 1 };
    try {
      const found = await this.#client.get(RESOURCES.leases, lease, call);
      const held = found && parseLease(found);
      if (!held || held.holder !== identity) return;
      const spec = leaseSpec('', 1, held.transitions, this.#client.clock.now());
      await this.#client.replace(RESOURCES.leases, lease, { metadata: { name: lease.name, resourceVersion: held.resourceVersion }, spec }, call);
    } catch (error) {
      // It ends by itself then.
      if (error instanceof SealwardError) this.#options.report?.(error);
    }
  }
}
