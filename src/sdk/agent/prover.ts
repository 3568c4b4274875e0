/**
 * Documents are proven where they are read, and in threads where that takes long: a large attestation, many signatures, many
 * keys to try. What comes out is the same, so that nobody who decides can tell where it was proven.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../clients/http/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type EvidenceDocument, readEvidence, type Subject } from '../../core/verify/index.ts';
import { carry, type CarriedView } from './carried-view.ts';
import type { View } from './view.ts';
import type { ProvenDocument, ReadDocument } from './prove-document.ts';
import type { ProofAsked, ProofGiven } from './prove-worker.ts';

export interface ProverOptions {
  readonly clock: Clock;
  /** How many documents may be proven at one time; they start with the first, and 0 is none. As many as there are processors beside the first, and two at most, when not said. */
  readonly threads?: number;
  /** So much work of one gathering is done where it is read, in bytes times the keys that may have to be tried; `WORK` when not said. */
  readonly inline?: number;
  /** What a thread runs, for tests of threads that fail; the program beside this one when not said. */
  readonly program?: URL;
}

/** Of one gathering: some milliseconds. */
const WORK = 1024 * 1024;
const MOST_THREADS = 2;
const THREAD_MEMORY = { maxOldGenerationSizeMb: 512 };
/** A thread that dies over a document is given it once more: it may have died for another reason. */
const ATTEMPTS = 2;

interface Job {
  readonly asked: Omit<ProofAsked, 'view'>;
  readonly view: View;
  attempts: number;
  readonly resolve: (proven: ProvenDocument) => void;
  readonly reject: (error: SealwardError) => void;
}

interface Thread {
  job: Job | undefined;
  /** The key of the view that it knows. */
  view: string | undefined;
}

/** Of a document that was proven in a thread: what it proved, about what and by which view, and the bytes for whoever asks by another. */
interface Apart {
  readonly subject: string;
  readonly view: string;
  readonly proven: ProvenDocument;
  readonly read: ReadDocument;
}

const apart = new WeakMap<EvidenceDocument, Apart>();

/** What a thread proved of this document; undefined when it was read here. */
export function provenApart(document: EvidenceDocument, subject: Subject, view: View): ProvenDocument | EvidenceDocument {
  const known = apart.get(document);
  if (!known) return document;
  if (known.view === view.key && known.subject === nameOf(subject)) return known.proven;
  return readEvidence(known.read.place, known.read.source, known.read.bytes);
}

function nameOf({ digests, indexes = [] }: Subject): string {
  return JSON.stringify([Object.entries(digests).sort(([a], [b]) => (a < b ? -1 : 1)), indexes.map(({ digest }) => digest)]);
}

/** Reads the documents of one gathering. */
export type DocumentReader = (place: ReadDocument['place'], source: ReadDocument['source'], bytes: Uint8Array) => EvidenceDocument | Promise<EvidenceDocument>;

export class Prover {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #inline: number;
  readonly #program: URL | undefined;
  readonly #threads = new Map<Worker, Thread>();
  /** In the order in which they came; none longer than it is waited for. */
  readonly #waiting = new Set<Job>();
  #carried: CarriedView | undefined;
  #closed = false;

  constructor({ clock, threads = Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1)), inline = WORK, program }: ProverOptions) {
    this.#clock = clock;
    this.#inline = inline;
    this.#program = threads === 0 ? undefined : (program ?? workerProgram());
    this.#most = threads;
  }

  /** How many threads there are, and how many documents wait for one. */
  get size(): { readonly threads: number; readonly waiting: number } {
    return { threads: this.#threads.size, waiting: this.#waiting.size };
  }

  /** @param until absolute, on the clock: then ERR_DEADLINE is thrown. */
  reader(subject: Subject, view: View, until: number): DocumentReader {
    let work = 0;
    return (place, source, bytes) => {
      work += bytes.length * (1 + view.anchors.keys.length);
      if (work <= this.#inline || !this.#program) return readEvidence(place, source, bytes);
      return this.#readApart({ place, source, bytes }, subject, view, until);
    };
  }

  async #readApart(read: ReadDocument, subject: Subject, view: View, until: number): Promise<EvidenceDocument> {
    const proven = await this.#prove(read, subject, view, until);
    const document: EvidenceDocument = { ...proven.document, entities: [] };
    apart.set(document, { subject: nameOf(subject), view: view.key, proven, read });
    return document;
  }

  #prove(read: ReadDocument, { digests, indexes }: Subject, view: View, until: number): Promise<ProvenDocument> {
    if (this.#closed) return Promise.reject(stopped());
    const { promise, resolve, reject } = Promise.withResolvers<ProvenDocument>();
    const job: Job = { asked: { ...read, subject: { digests, ...(indexes ? { indexes } : {}) } }, view, attempts: 0, resolve, reject };
    this.#waiting.add(job);
    const cancel = this.#clock.after(until - this.#clock.now(), () => this.#giveUp(job));
    this.#send();
    return promise.finally(cancel);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    this.#threads.clear();
    for (const job of this.#waiting) job.reject(stopped());
    this.#waiting.clear();
    for (const [, { job }] of threads) job?.reject(stopped());
    await Promise.all(threads.map(([worker]) => worker.terminate()));
  }

  #giveUp(job: Job): void {
    this.#waiting.delete(job);
    job.reject(new SealwardError('ERR_DEADLINE', 'a document was not proven in time'));
    // Nobody waits for what it does; the next document takes another thread.
    for (const [worker, thread] of this.#threads) if (thread.job === job) this.#end(worker);
  }

  #send(): void {
    for (const job of this.#waiting) {
      const idle = this.#idleFor(job.view.key) ?? (this.#threads.size < this.#most ? this.#start() : this.#idleFor());
      if (!idle) return;
      const [worker, thread] = idle;
      this.#waiting.delete(job);
      const view = thread.view === job.view.key ? {} : { view: this.#carry(job.view) };
      thread.job = job;
      thread.view = job.view.key;
      job.attempts++;
      // A buffer of its own can be given away; the store and whoever fetched it go on holding this one.
      const bytes = new Uint8Array(job.asked.bytes);
      worker.ref();
      worker.postMessage({ ...job.asked, bytes, ...view } satisfies ProofAsked, [bytes.buffer]);
    }
  }

  #idleFor(view?: string): readonly [Worker, Thread] | undefined {
    return [...this.#threads].find(([, thread]) => !thread.job && (view === undefined || thread.view === view));
  }

  #carry(view: View): CarriedView {
    if (this.#carried?.key !== view.key) this.#carried = carry(view);
    return this.#carried;
  }

  #start(): readonly [Worker, Thread] {
    // What this process was started with is not for it.
    const worker = new Worker(this.#program as URL, { resourceLimits: THREAD_MEMORY, execArgv: [] });
    const thread: Thread = { job: undefined, view: undefined };
    worker.unref();
    this.#threads.set(worker, thread);
    worker.on('message', (given: ProofGiven) => {
      const { job } = thread;
      thread.job = undefined;
      worker.unref();
      if ('proven' in given) job?.resolve(given.proven);
      else job?.reject(new SealwardError(given.code, given.message, { hint: given.hint }));
      this.#send();
    });
    worker.on('error', (cause) => this.#lose(worker, cause));
    worker.on('exit', () => this.#lose(worker, new Error('it ended')));
    return [worker, thread];
  }

  #end(worker: Worker): void {
    this.#threads.delete(worker);
    void worker.terminate();
    this.#send();
  }

  #lose(worker: Worker, cause: unknown): void {
    const job = this.#threads.get(worker)?.job;
    if (!this.#threads.delete(worker)) return;
    if (job && job.attempts < ATTEMPTS && !this.#closed) this.#waiting.add(job);
    else job?.reject(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the thread that proved a document ended', { cause }));
    this.#send();
  }
}

/** Beside this file in the sources, and beside the program when bundled; in the single-file program there is none. */
function workerProgram(): URL | undefined {
  const here = import.meta.url as string | undefined;
  const places = here === undefined ? [] : ['./prove-worker.ts', './prove-worker.mjs'].map((name) => new URL(name, here));
  return places.find((place) => existsSync(place));
}

function stopped(): SealwardError {
  return new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the agent is being stopped');
}
