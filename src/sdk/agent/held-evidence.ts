/**
 * The evidence that an agent holds: bytes in the store, and of what was asked for lately the facts in memory, within a bound.
 * Whoever asks for more than is held shares one gathering with all others who ask for the same.
 */
import { LRUCache } from 'lru-cache';
import type { EvidenceStore } from '../../clients/evidence/index.ts';
import type { Clock } from '../../clients/http/index.ts';
import type { Registry } from '../../clients/registry/index.ts';
import type { Digest, RepositoryName } from '../../core/artifact/index.ts';
import { createVerdictCache } from '../../core/crypto/index.ts';
import type { JsonValue } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Evidence, Place, ProofMemory } from '../../core/verify/index.ts';
import { gatherAll, gatherSteps, labelsOf } from '../evidence-of.ts';
import { heldRegistry } from '../held-registry.ts';
import { Flight } from './flight.ts';
import { factsFrom, type HeldFacts, heldKey, isHeld, overlay, type View } from './held-facts.ts';

export interface HeldEvidenceOptions {
  readonly store: EvidenceStore;
  readonly clock: Clock;
  /** How many digests have their facts in memory, and about how many bytes these may take. */
  readonly digests: number;
  readonly bytes: number;
  /** Milliseconds that one gathering may take, whoever waits for it. */
  readonly patience: number;
}

/** What is asked about. */
export interface Sought {
  /** Of the image itself. */
  readonly repository: RepositoryName;
  /** Where signatures lie. */
  readonly signatures: RepositoryName;
  readonly digest: Digest;
}

/** Answers that are younger are not asked for again, not even before a denial. Milliseconds. */
export const FRESH = 5000;
/** A registry that did not answer is asked again after so long. Milliseconds. */
const SILENCE = 1000;
/** Answers that may be of no use: those about digests of which nothing that is signed is held. */
const RECENT = 1000;

interface Recent {
  readonly held: HeldFacts;
  /** Until when nobody asks again. */
  readonly until: number;
}

export class HeldEvidence {
  readonly #options: HeldEvidenceOptions;
  readonly #facts: LRUCache<string, HeldFacts>;
  readonly #recent = new LRUCache<string, Recent>({ max: RECENT });
  readonly #flights = new Map<string, Gathered>();
  readonly #running = new Set<Promise<void>>();
  readonly #memory: ProofMemory = { certificates: createVerdictCache(10_000) };
  readonly #offline: Registry;
  readonly #ending = new AbortController();

  constructor(options: HeldEvidenceOptions) {
    this.#options = options;
    this.#facts = new LRUCache({ max: options.digests, maxSize: options.bytes, sizeCalculation: sizeOf });
    this.#offline = heldRegistry({ store: options.store, now: () => options.clock.now() });
  }

  /** How many digests have their facts in memory, and about how many bytes these take. */
  get size(): { readonly digests: number; readonly bytes: number; readonly gathering: number } {
    return { digests: this.#facts.size, bytes: this.#facts.calculatedSize, gathering: this.#flights.size };
  }

  /** From memory alone. */
  recall(sought: Sought, view: View): HeldFacts | undefined {
    const held = this.#facts.get(heldKey(sought.signatures, sought.digest));
    return held?.view === view.key ? held : undefined;
  }

  /** What a gathering came to that ended just now; undefined when somebody has to ask again. */
  recent(sought: Sought, view: View): HeldFacts | undefined {
    const recent = this.#recent.get(heldKey(sought.signatures, sought.digest));
    return recent && recent.until > this.#options.clock.now() && recent.held.view === view.key ? recent.held : undefined;
  }

  /** From the store; undefined when it knows nothing of the digest. Asks no registry. */
  async load(sought: Sought, view: View): Promise<{ readonly evidence: Evidence; readonly held: HeldFacts } | undefined> {
    const evidence = await this.#gatherOffline(sought);
    if (!isHeld(evidence)) return undefined;
    const labels = view.labels ? await labelsOf(this.#offline, sought.repository, sought.digest, {}) : undefined;
    const held = factsFrom(evidence, labels, view, this.#memory);
    this.keep(sought, held);
    return { evidence, held };
  }

  #gatherOffline({ signatures, digest }: Sought): Promise<Evidence> {
    return gatherAll({ registry: this.#offline, repository: signatures, digest, now: this.#options.clock.now() });
  }

  /** The gathering about a digest: the one that is under way, or one that begins now. */
  gathering(sought: Sought, view: View, registry: Registry, known?: Evidence): Gathered {
    const key = heldKey(sought.signatures, sought.digest);
    return this.#flights.get(key) ?? this.#begin(key, sought, view, registry, known);
  }

  #begin(key: string, sought: Sought, view: View, registry: Registry, known: Evidence | undefined): Gathered {
    const { clock, store, patience } = this.#options;
    const memory: ProofMemory = { ...this.#memory, edges: forOneFlight() };
    const flight = new Gathered(sought, known, memory, clock.now());
    this.#flights.set(key, flight);
    const call = { deadline: clock.now() + patience, signal: this.#ending.signal };
    const online = heldRegistry({ store, registry, now: () => clock.now(), maxAge: FRESH });
    const labels = view.labels ? labelsOf(online, sought.repository, sought.digest, call) : undefined;
    const steps = async function* (): AsyncGenerator<Evidence> {
      const found = await labels;
      if (found) flight.labels = found;
      for await (const step of gatherSteps({ registry: online, repository: sought.signatures, digest: sought.digest, now: clock.now(), ...call }))
        yield known ? overlay(known, step) : step;
    };
    const run = flight.run(steps(), clock).then(() => {
      this.#flights.delete(key);
      this.#running.delete(run);
      if (flight.failure === undefined && !this.#ending.signal.aborted) this.#land(key, sought, flight, view);
    });
    this.#running.add(run);
    return flight;
  }

  #land(key: string, sought: Sought, flight: Gathered, view: View): void {
    const held = flight.facts(view);
    // What is told again from what is held was not answered.
    const silent = flight.evidence.places.some(({ askedAt = 0 }) => askedAt < flight.begunAt - FRESH);
    this.#recent.set(key, { held, until: flight.endedAt + (silent ? SILENCE : FRESH) });
    this.keep(sought, held);
  }

  /** What nobody trusted has signed is not worth a place that something else needs: whoever may start pods could fill them all. */
  keep({ signatures, digest }: Sought, held: HeldFacts): void {
    if (held.facts.signatures.some(({ signers }) => signers.length > 0)) this.#facts.set(heldKey(signatures, digest), held);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
  }
}

/** A gathering, with what its evidence comes to under a view. */
export class Gathered extends Flight {
  labels: HeldFacts['labels'];
  readonly #memory: ProofMemory;
  #made: { readonly evidence: Evidence; readonly labels: HeldFacts['labels']; readonly held: HeldFacts } | undefined;

  readonly begunAt: number;

  /** @param known what is held, and what counts where nobody answers. */
  constructor({ digest }: Sought, known: Evidence | undefined, memory: ProofMemory, begunAt: number) {
    super(known ?? { subject: { digests: { [digest.algorithm]: digest.hex } }, places: [], documents: [] });
    this.#memory = memory;
    this.begunAt = begunAt;
  }

  facts(view: View): HeldFacts {
    const { evidence, labels } = this;
    if (this.#made?.evidence !== evidence || this.#made.labels !== labels || this.#made.held.view !== view.key)
      this.#made = { evidence, labels, held: factsFrom(evidence, labels, view, this.#memory) };
    return this.#made.held;
  }

  /** What is known when somebody's time is over: places that have not answered by now are named. */
  late(view: View): HeldFacts {
    const places = this.evidence.places.map((place): Place => {
      const missing = place.state === 'unavailable' && place.cause?.code === 'ERR_EVIDENCE_MISSING';
      if (place.state !== 'not-asked' && !missing) return place;
      return { ...place, state: 'unavailable', cause: new SealwardError('ERR_DEADLINE', `${place.where} did not answer in time`) };
    });
    const none: Place = { name: 'referrers-api', where: 'the referrers API', state: 'unavailable', cause: SILENT };
    return factsFrom({ ...this.evidence, places: places.length > 0 ? places : [none] }, this.labels, view, this.#memory);
  }
}

const SILENT = new SealwardError('ERR_DEADLINE', 'the referrers API did not answer in time');

/** Each step looks at all that is known by then, and what the steps before it proved is not proven again. */
function forOneFlight(): NonNullable<ProofMemory['edges']> {
  const edges = new Map<string, JsonValue>();
  return {
    get: (evidence, anchor) => edges.get(`${evidence}\n${anchor}`),
    set: (evidence, anchor, verdict) => void edges.set(`${evidence}\n${anchor}`, verdict),
  };
}

/** About how many bytes facts take in memory: what most of them were measured to take, by what there is many of. */
function sizeOf({ facts, values }: HeldFacts): number {
  const entries = facts.signatures.reduce(
    (sum, { signers, entries, times, findings, broken }) => sum + signers.length + entries.length + times.length + findings.length + broken.length,
    0,
  );
  return 1024 + facts.signatures.length * 1024 + entries * 400 + facts.unreadable.length * 400 + values.size * 300;
}
