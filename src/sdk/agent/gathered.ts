/** A gathering under way, with what its evidence comes to under a view. */
import { SealwardError } from '../../core/errors.ts';
import type { Evidence, Place, ProofMemory } from '../../core/verify/index.ts';
import { Flight, isOver } from './flight.ts';
import { factsFrom, type HeldFacts, type Sought } from './held-facts.ts';
import type { View } from './view.ts';

/** Answers that are younger are not asked for again, not even before a denial. Milliseconds. */
export const FRESH = 5000;

/** Keeps evidence as it is known; its digest. */
export type Remember = (evidence: Evidence) => string;

export class Gathered extends Flight {
  labels: HeldFacts['labels'];
  readonly begunAt: number;
  /** When it is given up. */
  readonly until: number;
  /** What the places listed by now, without what was known before. */
  fresh: Evidence | undefined;
  readonly #sought: Sought;
  readonly #memory: ProofMemory;
  readonly #remember: Remember | undefined;
  #settled: { readonly evidence: Evidence; readonly known: string } | undefined;
  #made: { readonly evidence: Evidence; readonly labels: HeldFacts['labels']; readonly held: HeldFacts } | undefined;

  /**
   * @param known what is held, and what counts where nobody answers.
   * @param memory with edges: each step looks at all that is known by then, and what the steps before it proved is not proven again.
   */
  constructor(sought: Sought, known: Evidence, memory: ProofMemory, time: { readonly begunAt: number; readonly until: number }, remember?: Remember) {
    super(known);
    this.begunAt = time.begunAt;
    this.until = time.until;
    this.#remember = remember;
    this.#sought = sought;
    this.#memory = memory;
  }

  /** Whether a place did not answer; what is told again from what is held was not answered. */
  get isSilent(): boolean {
    return this.evidence.places.some(({ askedAt = 0 }) => askedAt < this.begunAt - FRESH);
  }

  /** Whether a place did not answer before the gathering was given up; with more time it might have. */
  get ranOut(): boolean {
    return this.ended && isOver(this.until, this.toldAt) && this.isSilent;
  }

  facts(view: View): HeldFacts {
    const { evidence, labels } = this;
    if (this.#made?.evidence !== evidence || this.#made.labels !== labels || this.#made.held.view !== view.key)
      this.#made = { evidence, labels, held: factsFrom(this.#sought, evidence, labels, view, this.#memory) };
    return this.#made.held;
  }

  /** The same, to be decided over for good: then it is remembered what it was made from. */
  settled(view: View): HeldFacts {
    const { evidence } = this;
    const held = this.facts(view);
    if (!this.#remember) return held;
    if (this.#settled?.evidence !== evidence) this.#settled = { evidence, known: this.#remember(evidence) };
    return { ...held, known: this.#settled.known };
  }

  /** What is known when somebody's time is over: places that have not answered by now are named. */
  late(view: View): HeldFacts {
    const places = this.evidence.places.map((place): Place => {
      const missing = place.state === 'unavailable' && place.cause?.code === 'ERR_EVIDENCE_MISSING';
      if (place.state !== 'not-asked' && !missing) return place;
      return { ...place, state: 'unavailable', cause: new SealwardError('ERR_DEADLINE', `${place.where} did not answer in time`) };
    });
    return factsFrom(this.#sought, { ...this.evidence, places }, this.labels, view, this.#memory);
  }
}
