/**
 * Trust and policies in force. They are taken in the background, together, and only ever move forward: what cannot be had,
 * is refused or does not compile leaves in force what was there, and says so.
 */
import type { Clock } from '../../clients/http/index.ts';
import type { TrustClient } from '../../clients/trust/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { addNamespaced, compileTrusted, loadPolicyCompiler, type NamespacedPolicies, type PolicyProblem, type PolicySet } from '../../core/policy/index.ts';
import { leaseAt, type TrustState } from '../../core/trust/index.ts';

/** One moment of trust and policies: a judgement takes it once and uses nothing else. */
export interface InForce {
  readonly trust: TrustState;
  /** Those of the trust state, with what namespaces add. */
  readonly policies: PolicySet;
  /** Those of the trust state alone. */
  readonly signedPolicies: PolicySet;
  /** When the source last confirmed this state, in milliseconds since 1970; of one that was only remembered, when it was accepted. */
  readonly takenAt: number;
  /** Until when it may admit what is new, for the tier of this agent. */
  readonly leaseEndsAt: number;
  /** For people: where it comes from. */
  readonly source: string;
}

/** A policy that stands in a namespace and that nobody signed, such as an ImagePolicy object. */
export interface NamespacedPolicy {
  readonly namespace: string;
  readonly name: string;
  /** YAML or JSON. */
  readonly text: string;
}

export interface RefusedPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly problems: readonly PolicyProblem[];
}

/** For metrics, readiness and alarms. */
export interface TrustHealth {
  readonly source: string;
  /** When the source last confirmed the state; undefined when it did not since this process began. */
  readonly updatedAt?: number;
  /** Milliseconds since the lease of the state in force was given; undefined before there is one. */
  readonly age?: number;
  /** Minus infinity when the tier of this agent is none that the state knows. */
  readonly leaseEndsAt?: number;
  /** Why the last update did not succeed. */
  readonly failure?: SealwardError;
  /** Updates that failed since one succeeded. */
  readonly failures: number;
  /** Why the policies of the newest trust state are not those in force. */
  readonly problems: readonly PolicyProblem[];
  /** Policies of namespaces that are not in force, and why. */
  readonly refused: readonly RefusedPolicy[];
  /** Parts of what was remembered that could not be read back. */
  readonly broken: readonly string[];
}

/** What moved. A new lease alone gives nobody another answer, unless the old one had ended. */
export interface Moved {
  readonly inForce: InForce;
  readonly before: InForce | undefined;
  readonly leaseOnly: boolean;
}

export interface TrustWatchOptions {
  /** Asks nobody yet; called until it succeeds once. */
  readonly open: () => Promise<TrustClient>;
  readonly source: string;
  readonly clock: Clock;
  /** Milliseconds between updates. */
  readonly every: number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly tier?: string;
}

/** After a failure the next update comes after so long, and then after twice as long, up to the usual pace. Milliseconds. */
const RETRY_AFTER = 1000;
/** Agents that began together do not ask together for ever: a fifth of the pace is left to chance. */
const JITTER = 0.2;

export class TrustWatch {
  readonly #options: TrustWatchOptions;
  readonly #listeners = new Set<(moved: Moved) => void>();
  #client: TrustClient | undefined;
  #inForce: InForce | undefined;
  #updatedAt: number | undefined;
  #failure: SealwardError | undefined;
  #failures = 0;
  #problems: readonly PolicyProblem[] = [];
  /** What the policies in force were compiled from. */
  #compiledFrom: string | undefined;
  #namespaced: readonly NamespacedPolicy[] = [];
  /** The last good of each, by namespace and name. */
  #added: NamespacedPolicies['inForce'] = new Map();
  #refused: readonly RefusedPolicy[] = [];
  #cancel: (() => void) | undefined;
  /** Changes are made one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: TrustWatchOptions) {
    this.#options = options;
  }

  get inForce(): InForce | undefined {
    return this.#inForce;
  }

  health(now: number): TrustHealth {
    const lease = this.#inForce && leaseOf(this.#inForce.trust, now, this.#options.tier);
    return {
      source: this.#options.source,
      ...(this.#updatedAt === undefined ? {} : { updatedAt: this.#updatedAt }),
      ...(lease ? { age: lease.age, leaseEndsAt: lease.endsAt } : {}),
      ...(this.#failure ? { failure: this.#failure } : {}),
      failures: this.#failures,
      problems: this.#problems,
      refused: this.#refused,
      broken: this.#client?.status.broken ?? [],
    };
  }

  /** @returns a function that ends the subscription. */
  onChange(listener: (moved: Moved) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends when the first update has; whether it succeeded is in `health`. What was remembered is in force by then in any case. */
  async start(): Promise<void> {
    await this.update();
    this.#schedule();
  }

  /** One update now, besides the usual pace. Never throws. */
  update(): Promise<void> {
    return this.#inTurn(() => this.#update());
  }

  /** All of them, each time: what is missing is gone. Ends when they are in force or refused. */
  setNamespaced(policies: readonly NamespacedPolicy[]): Promise<void> {
    this.#namespaced = policies;
    return this.#inTurn(async () => {
      if (this.#inForce) await this.#take(this.#inForce.trust, this.#inForce.takenAt);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#listeners.clear();
    await this.#turn;
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (!this.#closed) await run();
    });
    return this.#turn;
  }

  #schedule(): void {
    if (this.#closed) return;
    const { clock, every, random } = this.#options;
    const pace = this.#failures === 0 ? every : Math.min(every, RETRY_AFTER * 2 ** Math.min(this.#failures - 1, 20));
    this.#cancel = clock.after(pace * (1 - JITTER * random()), () => {
      void this.update().then(() => this.#schedule());
    });
  }

  async #update(): Promise<void> {
    try {
      this.#client ??= await this.#options.open();
      const { state, acceptedAt = 0 } = this.#client.status;
      if (state && !this.#inForce) await this.#take(state, acceptedAt);
      const next = await this.#client.update();
      this.#updatedAt = this.#options.clock.now();
      await this.#take(next, this.#updatedAt);
      this.#failure = undefined;
      this.#failures = 0;
    } catch (cause) {
      this.#failure = cause instanceof SealwardError ? cause : new SealwardError('ERR_INVARIANT', `trust could not be taken: ${String(cause)}`, { cause });
      this.#failures++;
    }
  }

  /** Denials hold from now on, also where the policies that came with them cannot be understood. */
  async #take(trust: TrustState, takenAt: number): Promise<void> {
    const before = this.#inForce;
    const compiler = await loadPolicyCompiler();
    const from = fingerprint(trust);
    let signed = before?.signedPolicies;
    if (from === this.#compiledFrom) this.#problems = [];
    else {
      const compiled = compileTrusted(trust, compiler);
      this.#problems = compiled.ok ? [] : compiled.problems;
      if (compiled.ok) {
        signed = compiled.policies;
        this.#compiledFrom = from;
      }
    }
    // Without policies there is nothing to judge by, not even the default rule.
    if (!signed) return;
    const policies = this.#namespaced.length + this.#added.size + this.#refused.length === 0 ? signed : this.#withNamespaced(signed, compiler, trust);
    const { endsAt } = leaseOf(trust, takenAt, this.#options.tier);
    const inForce: InForce = {
      trust,
      policies: before?.policies.digest === policies.digest ? before.policies : policies,
      signedPolicies: signed,
      takenAt,
      leaseEndsAt: endsAt,
      source: this.#options.source,
    };
    this.#inForce = inForce;
    if (before?.trust.digest === trust.digest && before.policies === inForce.policies) return;
    const leaseOnly = before !== undefined && before.policies === inForce.policies && sameContent(before.trust, trust);
    for (const listener of this.#listeners) listener({ inForce, before, leaseOnly });
  }

  /** What an object asked for before it was broken is asked for until it is mended, or gone. */
  #withNamespaced(signed: PolicySet, compiler: Awaited<ReturnType<typeof loadPolicyCompiler>>, { keys }: TrustState): PolicySet {
    const { policies, refused, inForce } = addNamespaced(signed, this.#namespaced, compiler, { keys, before: this.#added });
    this.#added = inForce;
    this.#refused = refused;
    return policies;
  }
}

/** All that compiling reads of a trust state. */
function fingerprint({ policies, exceptions, keys }: TrustState): string {
  const texts = (some: TrustState['policies']): string[] => some.map(({ path, digest }) => `${path} ${digest}`);
  return JSON.stringify([texts(policies), texts(exceptions), keys]);
}

/** Whether two states of one repository differ by their leases alone. */
function sameContent(a: TrustState, b: TrustState): boolean {
  return a.versions['root'] === b.versions['root'] && a.versions['snapshot'] === b.versions['snapshot'];
}

/** A tier that the state does not know has no lease at all, as the judge sees it. */
function leaseOf(trust: TrustState, now: number, tier: string | undefined): { readonly endsAt: number; readonly age: number } {
  const known = tier === undefined || trust.tiers.some(({ name }) => name === tier);
  const { endsAt, age } = leaseAt(trust, now, known ? tier : undefined);
  invariant(age >= 0, 'a lease is not given in the future');
  return { endsAt: known ? endsAt : Number.NEGATIVE_INFINITY, age };
}
