/**
 * The evidence that an agent holds: bytes in the store, and of what was asked for lately the facts in memory, within a bound.
 * Whoever asks for more than is held shares one gathering with all others who ask for the same.
 */
import { LRUCache } from 'lru-cache';
import { type EvidenceStore, keptEdges } from '../../clients/evidence/index.ts';
import type { Clock } from '../../clients/http/index.ts';
import type { Registry } from '../../clients/registry/index.ts';
import { type Digest, digestOf, formatDigest } from '../../core/artifact/index.ts';
import { createVerdictCache } from '../../core/crypto/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import { documentKey, encodeEvidence, type Evidence, type ProofMemory, type Subject } from '../../core/verify/index.ts';
import { gatherAll, type Gathering, gatherSteps, labelsOf, nothingAsked } from '../evidence-of.ts';
import { heldRegistry } from '../held-registry.ts';
import { type BufferedStore, bufferedStore, turn } from './buffered-store.ts';
import { Compactor } from './compact.ts';
import { registryNumber } from './flight.ts';
import { FRESH, Gathered, type Remember } from './gathered.ts';
import { factsFrom, type HeldFacts, heldKey, isHeld, overlay, type Sought } from './held-facts.ts';
import type { View } from './view.ts';
import type { Prover } from './prover.ts';
import { type Covering, coveredBy, coveringIndexes, noteIndex, noteWithheld, withheldDocuments } from './known-before.ts';

export interface HeldEvidenceOptions {
  readonly store: EvidenceStore;
  readonly clock: Clock;
  /** How many digests have their facts in memory, and about how many bytes these may take. */
  readonly digests: number;
  readonly bytes: number;
  /** Milliseconds that one gathering may take, whoever waits for it. */
  readonly patience: number;
  /** Whether it is kept what decisions were made from. */
  readonly remembers: boolean;
  readonly prover: Prover;
}

/** What the store says of a digest. */
export interface Loaded {
  readonly evidence: Evidence;
  readonly held: HeldFacts;
  /** Indexes that list it. */
  readonly covering: readonly Covering[];
  /** Whether anything was ever heard about it. */
  readonly isKnown: boolean;
}

/** What is known before anybody is asked. */
type Known = Pick<Loaded, 'evidence' | 'covering'>;

/** A registry that did not answer is asked again after so long. Milliseconds. */
const SILENCE = 1000;
/** How many gatherings may wait to be written before what can be had again is not. */
const MOST_WRITING = 16;
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
  readonly #compactor = new Compactor();
  readonly #ending = new AbortController();
  #written: Promise<void> = Promise.resolve();
  #writing = 0;

  constructor(options: HeldEvidenceOptions) {
    this.#options = options;
    this.#facts = new LRUCache({ max: options.digests, maxSize: options.bytes, sizeCalculation: sizeOf });
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

  /** The same by the whole name of an image beside which its signatures lie: most images are named so, and names take long to read. */
  recallNamed(name: string, view: View): HeldFacts | undefined {
    const held = this.#facts.get(name);
    return held?.view === view.key ? held : undefined;
  }

  /** Whether these are the facts that are held under a key. */
  holds(key: string, held: HeldFacts): boolean {
    return this.#facts.get(key) === held;
  }

  /** What a gathering came to that ended just now; undefined when somebody has to ask again. */
  recent(sought: Sought, view: View, registry: Registry): HeldFacts | undefined {
    const recent = this.#recent.get(this.#flightKey(sought, registry));
    return recent && recent.until > this.#options.clock.now() && recent.held.view === view.key ? recent.held : undefined;
  }

  #flightKey({ signatures, digest }: Sought, registry: Registry): string {
    return `${registryNumber(registry)} ${heldKey(signatures, digest)}`;
  }

  /** From the store; nothing but the digest where it knows nothing. Asks no registry. */
  async load(sought: Sought, view: View): Promise<Loaded> {
    // Reading files lets nobody else have a turn, and what OpenSSL held for the last ones is given back in a turn of its own.
    await turn();
    const store = bufferedStore(this.#options.store);
    const now = this.#options.clock.now();
    const registry = heldRegistry({ store, now: () => now });
    const { repository, signatures, digest } = sought;
    const covering = coveringIndexes(store, digest, heldKey(repository, digest));
    const reader = this.#options.prover.reader(subjectOf(digest, covering), view, now + this.#options.patience);
    const held = async (one: Digest): Promise<Evidence> => {
      const { subject, places, documents } = await gatherAll({ registry, repository: signatures, digest: one, now, reader });
      return { subject, places, documents: [...(await withheldDocuments(store, heldKey(signatures, one), reader)), ...documents] };
    };
    const evidence = coveredBy(
      await held(digest),
      await Promise.all(covering.map(async ({ digest: index, proven }) => ({ proven, evidence: await held(index) }))),
    );
    const labels = view.labels ? await labelsOf(registry, repository, digest, {}) : undefined;
    // What was proven before this process began need not be proven again; what was not is known to the next one.
    const edges = keptEdges(store);
    const made = factsFrom(sought, evidence, labels, view, { ...this.#memory, edges });
    const willWrite = this.#writing < MOST_WRITING;
    const facts = willWrite && this.#options.remembers && isHeld(evidence) ? { ...made, known: remembering(store)(evidence) } : made;
    const isKnown = isHeld(evidence);
    if (isKnown) this.keep(sought, facts);
    // Who reads very much in a row has it again from the next reading: what waits for the disk is held in memory.
    if (willWrite) {
      edges.flush();
      this.#afterwards(this.#write(store));
    }
    return { evidence, held: facts, covering, isKnown };
  }

  /** The gathering about a digest: the one that is under way, or one that begins now. */
  gathering(sought: Sought, view: View, registry: Registry, known: Known): Gathered {
    const key = this.#flightKey(sought, registry);
    const underWay = this.#flights.get(key);
    return underWay && !underWay.ranOut ? underWay : this.#begin(key, sought, view, registry, known);
  }

  #begin(key: string, sought: Sought, view: View, registry: Registry, known: Known): Gathered {
    const { clock, patience } = this.#options;
    const store = bufferedStore(this.#options.store);
    const edges = keptEdges(store);
    const begunAt = clock.now();
    const call = { deadline: begunAt + patience, signal: this.#ending.signal };
    const time = { begunAt, until: call.deadline };
    const flight = new Gathered(sought, known.evidence, { ...this.#memory, edges }, time, this.#options.remembers ? remembering(store) : undefined);
    this.#flights.set(key, flight);
    const online = heldRegistry({ store, registry, now: () => clock.now(), maxAge: FRESH });
    const labels = view.labels ? labelsOf(online, sought.repository, sought.digest, call) : undefined;
    const reader = this.#options.prover.reader(subjectOf(sought.digest, known.covering), view, call.deadline);
    const asked = (digest: Digest): Gathering => ({ registry: online, repository: sought.signatures, digest, now: clock.now(), reader, ...call });
    const steps = async function* (): AsyncGenerator<Evidence> {
      const found = await labels;
      if (found) flight.labels = found;
      const covering = known.covering.map(({ digest, proven }) => ({ proven, digest, evidence: nothingAsked(asked(digest)) }));
      let own = nothingAsked(asked(sought.digest));
      const all = (): Evidence => {
        flight.fresh = coveredBy(own, covering);
        return overlay(known.evidence, flight.fresh);
      };
      for await (own of gatherSteps(asked(sought.digest))) yield all();
      for (const one of covering) for await (one.evidence of gatherSteps(asked(one.digest))) yield all();
    };
    const run = flight.run(steps(), clock).then(async () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
      if (flight.failure === undefined && !this.#ending.signal.aborted) this.#land(key, sought, flight, view, known, store);
      edges.flush();
      await this.#write(store);
    });
    this.#afterwards(run);
    return flight;
  }

  /** One file after the other, whoever has something to write. */
  #write(store: BufferedStore): Promise<void> {
    this.#writing++;
    this.#written = this.#written.then(async () => {
      await store.flush();
      this.#writing--;
    });
    return this.#written;
  }

  /** Ends before the agent does. */
  #afterwards(work: Promise<void>): void {
    const ended = work.then(() => void this.#running.delete(ended));
    this.#running.add(ended);
  }

  #land(key: string, sought: Sought, flight: Gathered, view: View, known: Known, store: EvidenceStore): void {
    const held = flight.settled(view);
    this.keep(sought, held);
    const { places } = flight.evidence;
    // Whoever was satisfied early leaves places that the next one may need.
    if (places.some(({ state }) => state === 'not-asked')) return;
    const { isSilent: silent } = flight;
    // Who comes after one that was given up has time that it had not.
    if (!flight.ranOut) this.#recent.set(key, { held, until: flight.toldAt + (silent ? SILENCE : FRESH) });
    // Of an image under an index each has documents of its own, and what is withheld of which is not told apart.
    if (silent || known.covering.length > 0 || !flight.fresh) return;
    const listed = new Set(flight.fresh.documents.map(documentKey));
    const signed = new Set(held.facts.signatures.filter(({ signers }) => signers.length > 0).map(({ place, document }) => `${place} ${document}`));
    const missing = flight.evidence.documents.filter((one) => !listed.has(documentKey(one)) && signed.has(`${one.place} ${one.digest}`));
    noteWithheld(store, heldKey(sought.signatures, sought.digest), missing, flight.toldAt);
  }

  /** What nobody trusted has signed is not worth a place that something else needs: whoever may start pods could fill them all. */
  keep({ signatures, digest }: Sought, held: HeldFacts): void {
    const isOfUse = held.facts.signatures.some(({ signers }) => signers.length > 0);
    const { compact } = this.#compactor;
    if (isOfUse) this.#facts.set(heldKey(signatures, digest), { ...held, repository: compact(held.repository), facts: compact(held.facts) });
  }

  /** Gathers all that there is about a digest, and of an index notes which images it lists. False when something did not answer; who refuses us answers, too. */
  async refresh(sought: Sought, view: View, registry: Registry): Promise<boolean> {
    const { clock, patience } = this.#options;
    const known = await this.load(sought, view);
    const flight = this.gathering(sought, view, registry, known);
    await flight.ask(() => false, clock, Number.POSITIVE_INFINITY, this.#ending.signal);
    const store = bufferedStore(this.#options.store);
    const online = heldRegistry({ store, registry, now: () => clock.now(), maxAge: FRESH });
    const { repository, digest } = sought;
    const manifest = await online.manifest(repository, digest, { deadline: clock.now() + patience, signal: this.#ending.signal });
    if (manifest.state === 'complete' && manifest.value.manifest.kind === 'index')
      noteIndex(store, digest, manifest.value.manifest, (child) => heldKey(repository, child), clock.now());
    await this.#write(store);
    const refused = (cause: SealwardError | undefined): boolean => cause?.family === 'AccessError';
    const asked = flight.evidence.places.every(({ askedAt = 0, cause }) => askedAt >= flight.begunAt - FRESH || refused(cause));
    return flight.failure === undefined && asked && (manifest.state !== 'unavailable' || refused(manifest.cause));
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
  }
}

/** What documents should be about: the digest, or an index that lists it. */
function subjectOf({ algorithm, hex }: Digest, covering: readonly Pick<Covering, 'proven'>[]): Subject {
  return { digests: { [algorithm]: hex }, indexes: covering.map(({ proven }) => proven) };
}

/** Under its digest, with what else is written of a digest. */
function remembering(store: EvidenceStore): Remember {
  return (evidence) => {
    const bytes = encodeEvidence(evidence);
    const digest = formatDigest(digestOf(bytes));
    store.keep(digest, bytes);
    return digest;
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
