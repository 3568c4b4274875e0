/** A log at work: whoever adds an entry waits in a pool, gets an index that outlives a crash, and a proof under a checkpoint that is signed. */
import { SealwardError } from '../../core/errors.ts';
import { verifyInclusion } from '../../core/tlog/index.ts';
import { Integrator, type IntegratorOptions } from './integrator.ts';
import type { PendingEntry, SignedTree } from './log-store.ts';

export interface Included {
  readonly index: bigint;
  readonly tree: SignedTree;
  readonly proof: readonly Uint8Array[];
}

export interface EngineOptions extends IntegratorOptions {
  /** Called once when nothing can be signed or written any more until a new start. */
  readonly failed: (error: SealwardError) => void;
  readonly pace?: Partial<Pace>;
  /** Told of each checkpoint that is shown. */
  readonly shown?: (note: string) => void;
}

/** Milliseconds and counts. */
export interface Pace {
  /** Who waits alone is not kept waiting; who waits with many others shares the cost of a signature with them. */
  readonly soonest: number;
  readonly latest: number;
  /** More than so many in a round: the next one may wait longer. */
  readonly crowd: number;
  /** Entries that may wait at once; whoever comes then is told to come back. */
  readonly outstanding: number;
  readonly patience: number;
  /** Between two attempts after the database did not answer. */
  readonly retry: number;
}

const PACE: Pace = { soonest: 2, latest: 100, crowd: 16, outstanding: 4096, patience: 20_000, retry: 250 };
/** How long those who wait are still answered when the log is stopped. */
const CLOSING_MS = 5000;
/** Entries in one transaction. */
const BATCH = 1024;

interface Waiting {
  readonly entry: PendingEntry;
  readonly since: number;
  readonly resolve: (value: Included) => void;
  readonly reject: (error: SealwardError) => void;
  index?: bigint;
}

export class LogEngine {
  readonly #options: EngineOptions;
  readonly #pace: Pace;
  readonly #integrator: Integrator;
  readonly #pool: Waiting[] = [];
  #placed: Waiting[] = [];
  #published: SignedTree | undefined;
  #failure: SealwardError | undefined;
  #closing = false;
  #closed: Promise<void> | undefined;
  #closeBy = Number.POSITIVE_INFINITY;
  #pause: number;
  #lastRound = 0;
  #sequencing: Promise<void> | undefined;
  #signing: Promise<void> | undefined;
  #again = false;
  readonly #begun = Promise.withResolvers<void>();
  readonly #unwatch: () => void;
  readonly #sweep: NodeJS.Timeout;

  private constructor(options: EngineOptions, integrator: Integrator) {
    this.#options = options;
    this.#pace = { ...PACE, ...options.pace };
    this.#pause = this.#pace.soonest;
    this.#integrator = integrator;
    this.#unwatch = options.store.watch(() => this.#wake());
    this.#sweep = setInterval(() => this.#giveUp(), 1000);
    this.#sweep.unref();
  }

  /** Refuses to start on what contradicts itself; answers when the newest checkpoint can be shown. */
  static async open(options: EngineOptions): Promise<LogEngine> {
    const integrator = await Integrator.open(options);
    await integrator.askAgain();
    const engine = new LogEngine(options, integrator);
    engine.#published = await engine.#newest();
    engine.#wake();
    await engine.#begun.promise;
    return engine;
  }

  get published(): SignedTree | undefined {
    return this.#published;
  }
  get failure(): SealwardError | undefined {
    return this.#failure;
  }
  get waiting(): number {
    return this.#pool.length + this.#placed.length;
  }
  get tree(): Integrator['tree'] {
    return this.#integrator.tree;
  }

  /** Answers when the entry stands in a tree that is signed for. What was added before keeps its index, and gets a fresh proof. */
  add(entry: PendingEntry): Promise<Included> {
    if (this.#failure) return Promise.reject(stopped(this.#failure));
    if (this.#closing) return Promise.reject(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the log is being stopped'));
    if (this.waiting >= this.#pace.outstanding) {
      return Promise.reject(new SealwardError('ERR_LOG_BUSY', `${this.waiting} entries wait for their place already`));
    }
    return new Promise((resolve, reject) => {
      this.#pool.push({ entry, since: Date.now(), resolve, reject });
      this.#sequencing ??= this.#sequence();
    });
  }

  /** Answers everybody who waits, and stops. */
  close(): Promise<void> {
    return (this.#closed ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#closing = true;
    this.#closeBy = Date.now() + CLOSING_MS;
    while (this.#sequencing ?? this.#signing) await (this.#sequencing ?? this.#signing);
    clearInterval(this.#sweep);
    this.#unwatch();
    this.#rejectAll(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the log was stopped'));
    await this.#options.store.close();
  }

  async #sequence(): Promise<void> {
    // What comes in the same turn goes into the same transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pool.length > 0 && !this.#failure) {
      // So does, under load, what comes until the next round: a transaction costs the disk the same for one and for hundreds.
      const wait = this.#lastRound + this.#pause - performance.now();
      if (wait > 0 && this.#pool.length < BATCH && !this.#closing) await sleep(wait);
      const batch = this.#pool.splice(0, BATCH);
      try {
        const indexes = await this.#options.store.sequence(batch.map(({ entry }) => entry));
        batch.forEach((waiting, i) => (waiting.index = indexes[i] as bigint));
        this.#placed.push(...batch);
      } catch (error) {
        // Whether it was stored is not known: the client asks again, and gets the index that it may already have.
        for (const { reject } of batch) reject(unavailable(error));
        this.#checkStore(error);
      }
      await this.#answer();
      if (this.#placed.length > 0) this.#wake();
    }
    this.#sequencing = undefined;
  }

  #wake(): void {
    if (this.#failure) return;
    this.#again = true;
    this.#signing ??= this.#sign();
  }

  async #sign(): Promise<void> {
    try {
      while (this.#again && !this.#failure) {
        this.#again = false;
        const crowd = this.#placed.length + this.#pool.length;
        this.#pause = Math.min(this.#pace.latest, Math.max(this.#pace.soonest, crowd > this.#pace.crowd ? this.#pause * 2 : this.#pause / 2));
        await this.#round();
        this.#lastRound = performance.now();
        this.#begun.resolve();
        // What witnesses have not seen is tried again, also when nobody waits for it: they may be back.
        if (this.#placed.length > 0 ? Date.now() < this.#closeBy : this.#integrator.heldBack && !this.#closing) this.#again = true;
      }
    } finally {
      this.#signing = undefined;
      this.#begun.resolve();
    }
  }

  async #round(): Promise<void> {
    try {
      const published = (await this.#options.store.lead()) ? await this.#integrator.round() : undefined;
      const newest = published ?? (await this.#newest());
      if (newest && newest.size > (this.#published?.size ?? 0n)) {
        this.#published = newest;
        this.#options.shown?.(newest.note);
      } else if (this.#placed.length > 0) await sleep(this.#pace.soonest);
      else if (this.#integrator.heldBack) await sleep(this.#pace.retry);
      await this.#answer();
    } catch (error) {
      this.#checkStore(error);
      if (!this.#failure) await sleep(this.#pace.retry);
    }
  }

  /** What another process published since. */
  async #newest(): Promise<SignedTree | undefined> {
    const newest = await this.#options.store.published();
    return newest && newest.size > (this.#published?.size ?? 0n) ? this.#integrator.follow(newest) : undefined;
  }

  async #answer(): Promise<void> {
    const tree = this.#published;
    if (!tree) return;
    const ready = this.#placed.filter(({ index }) => (index as bigint) < tree.size);
    if (ready.length === 0) return;
    this.#placed = this.#placed.filter(({ index }) => (index as bigint) >= tree.size);
    for (const { entry, index = 0n, resolve, reject } of ready) {
      try {
        const { leaf } = 'at' in entry ? entry.at(index) : entry;
        const proof = await this.tree.inclusionProof(index, tree.size);
        // Read as the client will: what leaves proves what it should, or nothing leaves.
        if (!verifyInclusion({ index, size: tree.size, leafHash: leaf, proof, root: tree.root })) {
          throw new SealwardError('ERR_LOG_INCONSISTENT', `the proof of the entry ${index} does not lead to the root that was signed`);
        }
        resolve({ index, tree, proof });
      } catch (error) {
        reject(unavailable(error));
        this.#checkStore(error);
      }
    }
  }

  #giveUp(): void {
    const before = Date.now() - this.#pace.patience;
    const late = (waiting: Waiting): boolean => waiting.since < before;
    for (const { reject } of this.#placed.filter(late)) {
      reject(
        new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the entry has its place, and no checkpoint covers it yet', {
          hint: 'Send it again: it keeps its place.',
        }),
      );
    }
    this.#placed = this.#placed.filter((waiting) => !late(waiting));
  }

  /** After a write that failed, or a contradiction, only a new start finds out what is true. */
  #checkStore(error: unknown): void {
    const broken = this.#options.store.failure() ?? (error instanceof SealwardError && FATAL.includes(error.code) ? error : undefined);
    if (!broken || this.#failure) return;
    this.#failure = unavailable(broken);
    this.#rejectAll(stopped(this.#failure));
    this.#options.failed(this.#failure);
  }

  #rejectAll(error: SealwardError): void {
    for (const { reject } of [...this.#pool.splice(0), ...this.#placed.splice(0)]) reject(error);
  }
}

const FATAL: readonly string[] = ['ERR_LOG_INCONSISTENT', 'ERR_LOG_ROLLED_BACK', 'ERR_INVARIANT'];

function stopped(cause: SealwardError): SealwardError {
  return new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the log has stopped: what it keeps has to be looked at first', { cause });
}

function unavailable(error: unknown): SealwardError {
  if (error instanceof SealwardError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SealwardError('ERR_SERVICE_UNAVAILABLE', `the store of the log does not answer: ${message}`, { cause: error });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
