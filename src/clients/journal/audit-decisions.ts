/** Whether the numbers of a decision log add up: every decision is a leaf, a count, or said to be lost. */
import { type DecisionLeaf, parseDecisionLeaf } from './decision-leaf.ts';

export interface DecisionAudit {
  /** Decisions with a leaf of their own, by outcome. */
  readonly decisions: Readonly<Record<string, number>>;
  /** Decisions that share the leaf of an identical one. */
  readonly repeated: number;
  readonly lost: number;
  readonly runs: number;
  /** Runs that ended without saying so: up to a minute of repeats, and in async mode what waited for the disk, is not counted in them. */
  readonly cutOff: number;
  /** What does not add up; a log that nobody touched has none. */
  readonly contradictions: readonly string[];
}

interface Run {
  counted: number;
  highest: number;
  stopped: boolean;
}

export class DecisionAuditor {
  readonly #decisions: Record<string, number> = {};
  readonly #contradictions: string[] = [];
  #run: Run | undefined;
  #boot: string | undefined;
  readonly #totals = { repeated: 0, lost: 0, runs: 0, cutOff: 0 };
  readonly #whole: boolean;

  /** @param whole whether the leaves start with the first of the log. */
  constructor(whole = true) {
    this.#whole = whole;
  }

  add(entry: Uint8Array, index: bigint): void {
    const leaf = parseDecisionLeaf(entry);
    if (leaf.kind === 'start') this.#start(leaf, index);
    else if (leaf.boot !== this.#boot) {
      if (this.#run || this.#whole) this.#contradictions.push(`the leaf ${index} is of a run that did not start before it`);
      this.#boot = leaf.boot;
      this.#run = undefined;
    }
    this.#count(leaf, index);
  }

  #start(leaf: DecisionLeaf & { readonly kind: 'start' }, index: bigint): void {
    this.#end();
    const clean = this.#run ? this.#run.stopped : true;
    if (this.#boot !== undefined && (leaf.clean !== clean || leaf.previous !== this.#boot)) {
      this.#contradictions.push(`the leaf ${index} says something else about the run before it than that run did`);
    }
    this.#boot = leaf.boot;
    this.#run = { counted: 0, highest: 0, stopped: false };
    this.#totals.runs++;
  }

  #count(leaf: DecisionLeaf, index: bigint): void {
    const run = this.#run;
    if (leaf.kind === 'decision') this.#decisions[leaf.outcome] = (this.#decisions[leaf.outcome] ?? 0) + 1;
    if (leaf.kind === 'repeats') this.#totals.repeated += leaf.count;
    if (leaf.kind === 'lost') this.#totals.lost += leaf.count;
    if (!run) return;
    if (run.stopped) this.#contradictions.push(`the leaf ${index} comes after the end of its run`);
    if (leaf.kind === 'decision') {
      // Decisions get their leaves in the order of their numbers.
      run.counted++;
      run.highest = Math.max(run.highest, leaf.counter);
    } else if (leaf.kind === 'repeats' || leaf.kind === 'lost') {
      run.counted += leaf.count;
      run.highest = Math.max(run.highest, leaf.last);
      if (leaf.last - leaf.first + 1 < leaf.count) this.#contradictions.push(`the leaf ${index} counts more than it spans`);
    } else if (leaf.kind === 'stop') {
      run.stopped = true;
      if (run.counted !== leaf.counter)
        this.#contradictions.push(`the run that ends with leaf ${index} made ${leaf.counter} decisions, and ${run.counted} are here`);
    }
    if (run.counted > run.highest && leaf.kind !== 'start') this.#contradictions.push(`up to the leaf ${index} there are more decisions than numbers`);
  }

  #end(): void {
    if (this.#run && !this.#run.stopped) this.#totals.cutOff++;
  }

  /** @param open whether the last run may still be going on. */
  result(open = true): DecisionAudit {
    if (!open) this.#end();
    return { decisions: { ...this.#decisions }, ...this.#totals, contradictions: [...this.#contradictions] };
  }
}
