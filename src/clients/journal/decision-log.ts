/**
 * The record of what an agent decided: a leaf per decision in a journal of its own. Identical allowances within a minute
 * share one leaf and are counted; denials and overrides never are. What could not be kept is counted, too, in the log itself.
 */
import { randomBytes } from 'node:crypto';
import { encodeHex, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type DecisionLeaf, decisionText, leafText, parseDecisionLeaf, type RecordedOutcome } from './decision-leaf.ts';
import { type Journal, type JournalOptions, openJournal, type Ticket } from './journal.ts';

export interface DecisionToRecord {
  readonly outcome: RecordedOutcome;
  /** An object in canonical JSON (RFC 8785): the request, digests of evidence and policies, the version of trust and of the judge, reasons. */
  readonly body: string;
  /**
   * What makes two allowances one: digest, policies, trust, place and result. Of other outcomes it changes nothing; without
   * it an allowance has a leaf of its own.
   */
  readonly sameAs?: string;
}

export interface RecordedDecision {
  /** Of this run, from 1. */
  readonly counter: number;
  /** The leaf that records it; undefined when it is lost, which the log will say. */
  readonly index: bigint | undefined;
  readonly shared: boolean;
}

export interface DecisionLogOptions extends JournalOptions {
  /** `strict`: the answer waits until the leaf is on the disk. `async`: it does not, and what the disk cannot follow is counted as lost. */
  readonly mode: 'strict' | 'async';
  /** How long identical allowances share a leaf, in milliseconds; 0: never. */
  readonly shareMs?: number;
  readonly clock?: () => number;
  readonly monotonic?: () => number;
}

interface Shared {
  readonly ticket: Ticket;
  readonly until: number;
  /** Whether the leaf outlives a loss of power. */
  isDurable: boolean;
  count: number;
  first: number;
  last: number;
}

const SHARE_MS = 60_000;
/** Allowances whose repeats are counted at once; the oldest are written down when there are more. */
const SHARED_AT_ONCE = 10_000;
const SWEEP_MS = 1000;
const TAIL = 64n;

export async function openDecisionLog(options: DecisionLogOptions): Promise<DecisionLog> {
  // A group of 10 ms costs a decision little and a commit of many no more than a commit of one.
  const journal = await openJournal({ ...options, pace: { gatherMs: options.mode === 'strict' ? 0 : 10, signAfterMs: 10_000, ...options.pace } });
  try {
    return await DecisionLog.start(journal, options);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

export class DecisionLog {
  readonly journal: Journal;
  readonly #options: DecisionLogOptions;
  readonly #boot = encodeHex(randomBytes(16));
  readonly #began: number;
  readonly #shared = new Map<string, Shared>();
  readonly #sweep: NodeJS.Timeout;
  #counter = 0;
  #lost = { count: 0, denied: 0, first: 0, last: 0 };

  private constructor(journal: Journal, options: DecisionLogOptions) {
    this.journal = journal;
    this.#options = options;
    this.#began = this.#monotonic();
    this.#sweep = setInterval(() => this.#writeDown(), SWEEP_MS);
    this.#sweep.unref();
  }

  static async start(journal: Journal, options: DecisionLogOptions): Promise<DecisionLog> {
    const previous = await lastLeaf(journal);
    const log = new DecisionLog(journal, options);
    const clean = previous === undefined || previous.kind === 'stop';
    await journal.append(utf8(leafText({ ...log.#head(), kind: 'start', clean, previous: previous?.boot ?? null })));
    return log;
  }

  /** Decisions of this run that no leaf holds. */
  get lost(): number {
    return this.#lostBefore + this.#lost.count;
  }
  #lostBefore = 0;

  /** Throws ERR_JOURNAL_FAILED when nothing can be kept any more, ERR_TOO_LARGE for a body that fits into no leaf (65,535 bytes with its head), and in strict mode ERR_LOG_BUSY. */
  async record(decision: DecisionToRecord): Promise<RecordedDecision> {
    const now = this.#now();
    const key = decision.outcome === 'allow' && this.#shareMs > 0 ? decision.sameAs : undefined;
    const shared = key === undefined ? undefined : this.#sharedUnder(key, now);
    const recorded = shared ? this.#repeat(shared) : this.#leaf(decision, key, now);
    if (this.#options.mode === 'strict' && recorded.ticket) await recorded.ticket.durable;
    return recorded.answer;
  }

  /** Counts an allowance whose leaf is on the disk already, with nothing to wait for. Undefined: record it. */
  repeat(sameAs: string): RecordedDecision | undefined {
    const shared = this.#sharedUnder(sameAs, this.#now());
    return shared && (shared.isDurable || this.#options.mode === 'async') ? this.#repeat(shared).answer : undefined;
  }

  /** Where nothing can be written any more, no count would be kept, either. */
  #sharedUnder(key: string, now: number): Shared | undefined {
    const shared = this.#shared.get(key);
    return shared && now < shared.until && !this.journal.failure ? shared : undefined;
  }

  #repeat(shared: Shared): { readonly answer: RecordedDecision; readonly ticket: Ticket } {
    const counter = ++this.#counter;
    if (shared.count === 0) shared.first = counter;
    shared.count++;
    shared.last = counter;
    return { answer: { counter, index: shared.ticket.index, shared: true }, ticket: shared.ticket };
  }

  #leaf({ outcome, body }: DecisionToRecord, key: string | undefined, now: number): { readonly answer: RecordedDecision; readonly ticket?: Ticket } {
    this.#writeLost();
    const counter = this.#counter + 1;
    let ticket: Ticket;
    try {
      ticket = this.journal.add(utf8(decisionText(this.#head(now), counter, outcome, body)));
    } catch (error) {
      if (this.#options.mode === 'strict' || !isBusy(error)) throw error;
      this.#counter = counter;
      this.#lost = { count: this.#lost.count + 1, denied: this.#lost.denied + (outcome === 'deny' ? 1 : 0), first: this.#lost.first || counter, last: counter };
      return { answer: { counter, index: undefined, shared: false } };
    }
    this.#counter = counter;
    if (key !== undefined) this.#share(key, ticket, now);
    return { answer: { counter, index: ticket.index, shared: false }, ticket };
  }

  #share(key: string, ticket: Ticket, now: number): void {
    const before = this.#shared.get(key);
    if (before && !this.#writeRepeats(before)) return;
    this.#shared.delete(key);
    const [oldest] = this.#shared.size >= SHARED_AT_ONCE ? this.#shared : [];
    if (oldest) {
      if (!this.#writeRepeats(oldest[1])) return;
      this.#shared.delete(oldest[0]);
    }
    const shared: Shared = { ticket, until: now + this.#shareMs, isDurable: false, count: 0, first: 0, last: 0 };
    this.#shared.set(key, shared);
    ticket.durable.then(
      () => (shared.isDurable = true),
      () => undefined,
    );
  }

  /** What was counted in memory goes to the disk: repeats whose time is over, and losses. */
  #writeDown(all = false): void {
    if (this.journal.failure) return;
    this.#writeLost();
    const now = this.#now();
    for (const [key, shared] of this.#shared) {
      if (!all && now < shared.until) continue;
      if (!this.#writeRepeats(shared)) return;
      this.#shared.delete(key);
    }
  }

  #writeRepeats({ ticket, count, first, last }: Shared): boolean {
    return count === 0 || this.#tryToAdd({ ...this.#head(), kind: 'repeats', of: Number(ticket.index), count, first, last });
  }

  #writeLost(): void {
    if (this.#lost.count === 0 || !this.#tryToAdd({ ...this.#head(), kind: 'lost', ...this.#lost })) return;
    this.#lostBefore += this.#lost.count;
    this.#lost = { count: 0, denied: 0, first: 0, last: 0 };
  }

  /** False while the disk does not follow: the numbers stay in memory, and are written later. */
  #tryToAdd(leaf: Exclude<DecisionLeaf, { readonly kind: 'decision' }>): boolean {
    try {
      this.journal.add(utf8(leafText(leaf)));
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    }
  }

  #head(time = this.#now()): { boot: string; time: number; mono: number } {
    return { boot: this.#boot, time, mono: Math.max(0, Math.floor(this.#monotonic() - this.#began)) };
  }
  #now(): number {
    return Math.floor((this.#options.clock ?? Date.now)());
  }
  #monotonic(): number {
    return (this.#options.monotonic ?? (() => performance.now()))();
  }
  get #shareMs(): number {
    return this.#options.shareMs ?? SHARE_MS;
  }

  /** Leaves from an index on, of those that a checkpoint covers. */
  async *read(from = 0n): AsyncGenerator<{ readonly index: bigint; readonly leaf: DecisionLeaf }> {
    const size = this.journal.signed?.size ?? 0n;
    for (let at = from; at < size; ) {
      const next = at + TAIL < size ? at + TAIL : size;
      for (const entry of await this.journal.entries(at, next)) yield { index: at++, leaf: parseDecisionLeaf(entry) };
    }
  }

  /** Lets go of the leaves that are older, in milliseconds since 1970, as far as whole bundles go; the tree stays, and the log says so. */
  async prune(olderThan: number): Promise<bigint> {
    let [low, high] = [this.journal.kept / 256n, (this.journal.signed?.size ?? 0n) / 256n];
    // The first bundle whose first leaf is not older.
    while (low < high) {
      const middle = (low + high) / 2n;
      const [entry] = await this.journal.entries(middle * 256n, middle * 256n + 1n);
      if (parseDecisionLeaf(entry as Uint8Array).time < olderThan) low = middle + 1n;
      else high = middle;
    }
    // The bundle before it may hold younger leaves.
    const before = (low > 0n ? low - 1n : 0n) * 256n;
    if (before <= this.journal.kept) return this.journal.kept;
    await this.journal.append(utf8(leafText({ ...this.#head(), kind: 'pruned', before: Number(before) })));
    await this.journal.prune(before);
    return before;
  }

  /** Writes down what was counted, says that the run ends, signs, and lets go of the folder. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    try {
      if (this.journal.failure) return;
      await this.#settle();
      this.#writeDown(true);
      await this.#settle();
      await this.journal.append(utf8(leafText({ ...this.#head(), kind: 'stop', counter: this.#counter })));
    } finally {
      await this.journal.close();
    }
  }

  async #settle(): Promise<void> {
    while (this.journal.waiting > 0 && !this.journal.failure) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function lastLeaf(journal: Journal): Promise<DecisionLeaf | undefined> {
  const tree = await journal.sign();
  if (!tree) return undefined;
  const [entry] = await journal.entries(tree.size - 1n, tree.size);
  return parseDecisionLeaf(entry as Uint8Array);
}

function isBusy(error: unknown): boolean {
  return error instanceof SealwardError && error.code === 'ERR_LOG_BUSY';
}
