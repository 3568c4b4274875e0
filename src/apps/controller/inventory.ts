/**
 * Which digests run where, and what each is worth now. Every image is judged once for each namespace that runs it, again
 * after each change of trust or policies, and again at the moment that its decision names. It is judged from what is held;
 * what nothing is held about is asked for, a few at a time.
 */
import type { Clock } from '../../clients/http/index.ts';
import type { Place } from '../../core/policy/index.ts';
import type { Ask, JudgedName } from '../../sdk/agent/index.ts';
import type { RunningPod } from './running-pod.ts';

/** One image in one namespace: what a report speaks of. */
export interface Held {
  readonly namespace: string;
  /** As it is judged: with the digest, where one is known. */
  readonly name: string;
  /** By NAMESPACE/NAME. */
  readonly pods: Map<string, RunningPod>;
  judged?: JudgedName;
  /** Whether places were asked for this answer, where that could change it: only then something may be done about the image. */
  confirmed: boolean;
  /** When it was judged, and since when the answer is this one; in milliseconds since 1970. */
  judgedAt: number;
  changedAt: number;
}

export interface Judge {
  judge(name: string, ask: Ask): Promise<JudgedName>;
  judgeHeld(name: string, ask: Omit<Ask, 'deadline' | 'signal' | 'registry'>): Promise<JudgedName>;
}

export interface InventoryOptions {
  readonly judge: Judge;
  /** Before there is trust nothing is judged; `judgeAll` is called when there is. */
  readonly ready: () => boolean;
  readonly clock: Clock;
  readonly place: (namespace: string) => Place;
  /** Told of each answer that is another than before, or the first, and when it is confirmed. @param before the same as now where only that changed. */
  readonly changed: (held: Held, before: JudgedName | undefined) => void;
  /** Images that are asked for at once. */
  readonly atOnce?: number;
  /** Milliseconds that asking for one may take. */
  readonly patience?: number;
}

/** Node fires a timer beyond 2^31-1 ms at once, and clocks are set meanwhile. */
const LONGEST_WAIT = 3_600_000;
/** What could not be found out is asked for again after so long. */
const RETRY_MS = 60_000;
const SOONEST_MS = 1000;
/** Turns of the event loop in between: so many decisions take about a millisecond. */
const PER_TURN = 200;

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #held = new Map<string, Held>();
  readonly #asked = new Set<string>();
  readonly #waiting: Held[] = [];
  #underWay = 0;
  #rounds: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;
  #scheduled = Number.POSITIVE_INFINITY;
  #closed = false;
  readonly #ending = new AbortController();

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /** In the order of their names. */
  get held(): readonly Held[] {
    return [...this.#held.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** Images that a registry is being asked for, or that wait for it. */
  get waiting(): number {
    return this.#underWay + this.#waiting.length;
  }

  /** @param before what it was; @param after what it is now. Either may be missing. */
  podChanged(before: RunningPod | undefined, after: RunningPod | undefined): void {
    if (before) this.#leave(before, after);
    if (after?.runs) for (const { name } of after.images) this.#enter(name, after);
  }

  #enter(name: string, pod: RunningPod): void {
    const key = keyOf({ namespace: pod.namespace, name });
    const known = this.#held.get(key);
    const held = known ?? { namespace: pod.namespace, name, pods: new Map<string, RunningPod>(), confirmed: false, judgedAt: 0, changedAt: 0 };
    held.pods.set(`${pod.namespace}/${pod.name}`, pod);
    if (known) return;
    this.#held.set(key, held);
    this.#rounds = this.#rounds.then(() => this.#judge(held));
  }

  #leave(before: RunningPod, after: RunningPod | undefined): void {
    const stays = new Set(after?.runs ? after.images.map(({ name }) => name) : []);
    for (const { name } of before.images) {
      if (stays.has(name)) continue;
      const key = keyOf({ namespace: before.namespace, name });
      const held = this.#held.get(key);
      held?.pods.delete(`${before.namespace}/${before.name}`);
      if (held?.pods.size === 0) this.#held.delete(key);
    }
  }

  /** All of it anew, from what is held. Ends when each has an answer of now. */
  judgeAll(): Promise<void> {
    this.#rounds = this.#rounds.then(async () => {
      let count = 0;
      for (const held of this.#held.values()) {
        if (this.#closed) return;
        await this.#judge(held);
        if (++count % PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
    return this.#rounds;
  }

  async #judge(held: Held): Promise<void> {
    if (this.#closed || held.pods.size === 0 || !this.#options.ready()) return;
    const answer = await this.#options.judge.judgeHeld(held.name, { place: this.#options.place(held.namespace), admittedBefore: true, dryRun: true });
    // A denial of the trust state needs nobody's word. Other refusals are told at once, and what is signed since is asked for;
    // what could not be found out is told only when that was asked for as well.
    const final = answer.outcome === 'verified' || answer.code === 'DENIED';
    if (answer.outcome !== 'inconclusive') this.#take(held, answer, final);
    if (!final) this.#ask(held);
  }

  #take(held: Held, answer: JudgedName, confirmed: boolean): void {
    if (this.#closed) return;
    const { judged: before, confirmed: sure } = held;
    held.judged = answer;
    held.judgedAt = this.#options.clock.now();
    const isOther = !before || before.code !== answer.code || before.action !== answer.action || before.outcome !== answer.outcome;
    held.confirmed = confirmed || (sure && !isOther);
    if (isOther) held.changedAt = held.judgedAt;
    if (isOther || held.confirmed !== sure) this.#options.changed(held, isOther ? before : answer);
    this.#schedule(dueAt(held));
  }

  #ask(held: Held): void {
    const key = keyOf(held);
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    this.#waiting.push(held);
    this.#next();
  }

  #next(): void {
    const { atOnce = 4, clock, patience = 30_000, judge, place } = this.#options;
    while (this.#underWay < atOnce && !this.#closed) {
      const held = this.#waiting.shift();
      if (!held) return;
      this.#underWay++;
      void (async () => {
        try {
          if (held.pods.size === 0) return;
          const ask: Ask = { place: place(held.namespace), deadline: clock.now() + patience, signal: this.#ending.signal, admittedBefore: true, dryRun: true };
          this.#take(held, await judge.judge(held.name, ask), true);
        } finally {
          this.#underWay--;
          this.#asked.delete(keyOf(held));
          this.#next();
        }
      })();
    }
  }

  /** When the first decision may change by time alone, or what could not be found out may be found; infinite when never. */
  get next(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const held of this.#held.values()) first = Math.min(first, dueAt(held));
    return first;
  }

  /** A timer for the earliest of all; a later one changes nothing. */
  #schedule(at: number): void {
    if (this.#closed || at >= this.#scheduled) return;
    const { clock } = this.#options;
    this.#cancel?.();
    this.#scheduled = at;
    this.#cancel = clock.after(Math.min(Math.max(1, at - clock.now()), LONGEST_WAIT), () => {
      this.#cancel = undefined;
      this.#scheduled = Number.POSITIVE_INFINITY;
      void this.#judgeDue();
    });
  }

  #judgeDue(): Promise<void> {
    this.#rounds = this.#rounds.then(async () => {
      const now = this.#options.clock.now();
      for (const held of this.#held.values()) if (dueAt(held) <= now) await this.#judge(held);
      this.#schedule(this.next);
    });
    return this.#rounds;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#waiting.length = 0;
    this.#ending.abort();
    await this.#rounds;
  }
}

export function keyOf({ namespace, name }: Pick<Held, 'namespace' | 'name'>): string {
  return `${namespace} ${name}`;
}

/** Never at once: a decision that says "until now" would be made again without end. */
function dueAt({ judged, judgedAt }: Held): number {
  if (!judged) return Number.POSITIVE_INFINITY;
  const until = Math.max(judged.decision?.until ?? Number.POSITIVE_INFINITY, judgedAt + SOONEST_MS);
  return judged.outcome === 'verified' ? until : Math.min(until, judgedAt + RETRY_MS);
}
