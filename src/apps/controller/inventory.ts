/**
 * Which digests run where, and what each is worth now. Every image is judged once for each namespace that runs it, again
 * after each change of trust or policies, and again at the moment that its decision names. It is judged from what is held;
 * what nothing is held about is asked for, a few at a time.
 */
import type { Clock } from '../../clients/http/index.ts';
import { SealwardError } from '../../core/errors.ts';
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
  /** How often in a row it was judged again for want of a better answer, and there was none. */
  inVain: number;
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
  /** Undefined while nobody knows enough of a namespace to say which policies hold there: then nothing is judged. See `judgeNamespace`. */
  readonly place: (namespace: string) => Place | undefined;
  /** Told of each answer that is another than before, or the first, and when it is confirmed. @param before the same as now where only that changed. */
  readonly changed: (held: Held, before: JudgedName | undefined) => void;
  /** Told of each Pod more of an image that was judged. */
  readonly joined: (held: Held, pod: RunningPod) => void;
  readonly report: (problem: SealwardError) => void;
  /** Images that are asked for at once. */
  readonly atOnce?: number;
  /** Milliseconds that asking for one may take. */
  readonly patience?: number;
}

/** Node fires a timer beyond 2^31-1 ms at once, and clocks are set meanwhile. */
const LONGEST_WAIT = 3_600_000;
/** What is not well is asked for again after so long, then after twice as long, and so on. */
const RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 900_000;
const SOONEST_MS = 1000;
/** Turns of the event loop in between: so many decisions take about a millisecond. */
const PER_TURN = 200;

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #held = new Map<string, Held>();
  /** By key what waits to be asked for, or is being asked for; `stale` when what the answer is made from moved since that began. */
  readonly #asked = new Map<string, { stale: boolean }>();
  readonly #waiting: string[] = [];
  #underWay = 0;
  #rounds: Promise<void> = Promise.resolve();
  #all: Promise<void> | undefined;
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

  /** What is known of each image of a Pod; nothing of one that is gone, though another one has its name. */
  of({ namespace, name, uid, images }: RunningPod): Held[] {
    const held = images.flatMap((image) => this.#held.get(keyOf({ namespace, name: image.name })) ?? []);
    return held.filter(({ pods }) => pods.get(`${namespace}/${name}`)?.uid === uid);
  }

  /** @param before what it was; @param after what it is now. Either may be missing. */
  podChanged(before: RunningPod | undefined, after: RunningPod | undefined): void {
    if (before) this.#leave(before, after);
    if (after?.runs) for (const { name } of after.images) this.#enter(name, after);
  }

  #enter(name: string, pod: RunningPod): void {
    const key = keyOf({ namespace: pod.namespace, name });
    const known = this.#held.get(key);
    const held = known ?? { namespace: pod.namespace, name, pods: new Map<string, RunningPod>(), confirmed: false, judgedAt: 0, changedAt: 0, inVain: 0 };
    const podKey = `${pod.namespace}/${pod.name}`;
    const isNew = held.pods.get(podKey)?.uid !== pod.uid;
    held.pods.set(podKey, pod);
    if (!known) {
      this.#held.set(key, held);
      void this.#inTurn(() => this.#judge(held));
    } else if (isNew && held.judged) this.#options.joined(held, pod);
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

  /** All of it anew, from what is held: trust or policies moved. Ends when each has an answer of now. */
  judgeAll(): Promise<void> {
    for (const asking of this.#asked.values()) asking.stale = true;
    this.#all ??= this.#inTurn(() => {
      this.#all = undefined;
      return this.#judgeEach(() => true);
    });
    return this.#all;
  }

  /** What runs in one namespace: what is known of it moved. */
  judgeNamespace(namespace: string): Promise<void> {
    for (const [key, asking] of this.#asked) if (key.startsWith(keyOf({ namespace, name: '' }))) asking.stale = true;
    return this.#inTurn(() => this.#judgeEach((held) => held.namespace === namespace));
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    this.#rounds = this.#rounds.then(run);
    return this.#rounds;
  }

  async #judgeEach(isMeant: (held: Held) => boolean): Promise<void> {
    let count = 0;
    for (const held of this.#held.values()) {
      if (this.#closed) return;
      if (!isMeant(held)) continue;
      await this.#judge(held);
      if (++count % PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Never throws: one image that cannot be judged keeps nobody from judging the others. */
  async #judge(held: Held): Promise<void> {
    const place = this.#options.place(held.namespace);
    if (this.#closed || held.pods.size === 0 || !place || !this.#options.ready()) return;
    try {
      const answer = await this.#options.judge.judgeHeld(held.name, { place, admittedBefore: true, dryRun: true });
      // A denial of the trust state needs nobody's word. Other refusals are told at once, and what is signed since is asked for;
      // what could not be found out is told only when that was asked for as well, and holds until it is asked again.
      const final = answer.outcome === 'verified' || answer.code === 'DENIED';
      if (final || (answer.outcome === 'rejected' && held.judged?.outcome !== 'inconclusive')) this.#take(held, answer, final);
      if (!final) this.#ask(keyOf(held));
    } catch (error) {
      this.#failed(held, error);
    }
  }

  #take(held: Held, answer: JudgedName, confirmed: boolean): void {
    if (this.#closed) return;
    const { judged: before, confirmed: sure } = held;
    held.judged = answer;
    held.judgedAt = this.#options.clock.now();
    const isOther = !before || before.code !== answer.code || before.action !== answer.action || before.outcome !== answer.outcome;
    held.confirmed = confirmed || (sure && !isOther);
    if (isOther) {
      held.changedAt = held.judgedAt;
      held.inVain = 0;
    }
    this.#schedule(dueAt(held));
    if (isOther || held.confirmed !== sure) this.#options.changed(held, isOther ? before : answer);
  }

  #ask(key: string): void {
    if (this.#asked.has(key)) return;
    this.#asked.set(key, { stale: false });
    this.#waiting.push(key);
    this.#next();
  }

  #next(): void {
    const { atOnce = 4 } = this.#options;
    while (this.#underWay < atOnce && !this.#closed) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      this.#underWay++;
      void this.#askFor(key).finally(() => {
        this.#underWay--;
        this.#next();
      });
    }
  }

  /** By key: the last Pod may go meanwhile, and another one come that runs the same image. Never throws. */
  async #askFor(key: string): Promise<void> {
    const { clock, patience = 30_000, judge, place } = this.#options;
    const held = this.#held.get(key);
    const asking = this.#asked.get(key);
    if (asking) asking.stale = false;
    try {
      const where = held && place(held.namespace);
      if (!where) return;
      const ask: Ask = { place: where, deadline: clock.now() + patience, signal: this.#ending.signal, admittedBefore: true, dryRun: true };
      const answer = await judge.judge(held.name, ask);
      const now = this.#held.get(key);
      if (now && !asking?.stale) this.#take(now, answer, true);
    } catch (error) {
      if (held) this.#failed(held, error);
    } finally {
      this.#asked.delete(key);
      const now = this.#held.get(key);
      if (now && asking?.stale) void this.#inTurn(() => this.#judge(now));
    }
  }

  #failed({ name }: Held, error: unknown): void {
    const problem = error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', `${name} was not judged: ${String(error)}`, { cause: error });
    this.#options.report(problem);
  }

  /** When the first decision may change by time alone, or what could not be found out may be found; infinite when never. */
  get next(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const held of this.#held.values()) if (!this.#asked.has(keyOf(held))) first = Math.min(first, dueAt(held));
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
      void this.#inTurn(() => this.#judgeDue());
    });
  }

  /** What is being asked for gets its answer, and its time, by that. */
  async #judgeDue(): Promise<void> {
    const now = this.#options.clock.now();
    await this.#judgeEach((held) => {
      const isDue = dueAt(held) <= now && !this.#asked.has(keyOf(held));
      if (isDue) held.inVain++;
      return isDue;
    });
    this.#schedule(this.next);
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
function dueAt({ judged, judgedAt, inVain }: Held): number {
  if (!judged) return Number.POSITIVE_INFINITY;
  const until = Math.max(judged.decision?.until ?? Number.POSITIVE_INFINITY, judgedAt + SOONEST_MS);
  return judged.outcome === 'verified' ? until : Math.min(until, judgedAt + Math.min(RETRY_MS * 2 ** inVain, LONGEST_RETRY_MS));
}
