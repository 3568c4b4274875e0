/**
 * How long it took from the signature to the first admission: of each digest whose first Pod came while somebody watched, the
 * time from when the newest signature that counts was dated, by a log or a timestamp authority, to when that Pod was made.
 */
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { Held } from './inventory.ts';

export interface FirstRunsOptions {
  /** Told of each digest once. @param seconds undefined when nobody dated a signature that counts. */
  readonly told: (seconds: number | undefined) => void;
  /** Whether this replica counts; the others only remember, so that whoever leads next counts nothing twice. */
  readonly counts: () => boolean;
  /** How many digests are remembered. */
  readonly most?: number;
}

export class FirstRuns {
  readonly #options: FirstRunsOptions;
  /** The one that was met last is the last. */
  readonly #met = new Set<string>();

  constructor(options: FirstRunsOptions) {
    this.#options = options;
  }

  /** They ran before anybody looked: who knows since when. */
  known(held: readonly Held[]): void {
    for (const { name } of held) this.#meet(digestOf(name));
  }

  /** Called for each answer that is another than before, the first one included. */
  judged({ name, pods, judged, confirmed }: Held): void {
    const digest = digestOf(name);
    // What nobody knows yet is told by the next answer; by a tag alone nothing is known of one image.
    if (digest === undefined || !judged || judged.outcome === 'inconclusive' || (judged.outcome === 'rejected' && !confirmed)) return;
    if (!this.#meet(digest) || judged.outcome !== 'verified' || !this.#options.counts()) return;
    const first = Math.min(...[...pods.values()].map(({ createdAt }) => createdAt));
    const dates = datesOf(judged);
    if (dates.length === 0 || !Number.isFinite(first)) return;
    if (dates.includes(undefined)) return this.#options.told(undefined);
    const seconds = (first - Math.max(...dates.map(Number))) / 1000;
    // Signed after it was let in, as a mode that only warns does. Pods are dated to the second.
    if (seconds > -1) this.#options.told(Math.max(0, seconds));
  }

  /** @returns whether it is new. */
  #meet(digest: string | undefined): boolean {
    if (digest === undefined) return false;
    const isNew = !this.#met.delete(digest);
    this.#met.add(digest);
    for (const old of this.#met) if (this.#met.size > (this.#options.most ?? 50_000)) this.#met.delete(old);
    return isNew;
  }
}

/** Of all signatures that count; undefined of those that nobody dated. */
function datesOf({ decision }: JudgedName): (number | undefined)[] {
  const requirements = (decision?.policies ?? []).flatMap((policy) => policy.requirements);
  return requirements.flatMap(({ candidates }) => candidates.filter(({ counts }) => counts).map(({ datedAt }) => datedAt));
}

function digestOf(name: string): string | undefined {
  return name.split('@')[1];
}
