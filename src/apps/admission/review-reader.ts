/** Reviews as questions. What is large is read in a thread, so that the others do not wait for it (7 MiB of JSON take 60 ms). */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import type { Deadline } from './deadline.ts';
import { type Question, readQuestion, type ReadingRules } from './question.ts';

export interface ReviewReader {
  /** Throws what readQuestion throws, and ERR_DEADLINE. */
  read(bytes: Uint8Array, deadline: Deadline): Question | Promise<Question>;
  close(): Promise<void>;
}

export type ReadReview = { readonly question: Question } | { readonly code: ErrorCode; readonly message: string; readonly hint: string };

interface Job {
  readonly bytes: Uint8Array;
  readonly resolve: (question: Question) => void;
  readonly reject: (error: SealwardError) => void;
}

/** In bytes. */
const LARGE = 1024 * 1024;
const THREAD_MEMORY = { maxOldGenerationSizeMb: 256 };

/** @param threads how many may read at one time; they start when the first large review comes. */
export function createReviewReader(rules: ReadingRules, threads: number): ReviewReader {
  const program = workerProgram();
  const inline = (bytes: Uint8Array): Question => readQuestion(bytes, rules);
  if (threads === 0 || program === undefined) return { read: inline, close: async () => {} };
  const pool = new ReaderThreads(program, rules, threads);
  return { read: (bytes, deadline) => (bytes.length > LARGE ? pool.read(bytes, deadline) : inline(bytes)), close: () => pool.close() };
}

/** Beside this file in the sources, and beside the program when bundled; in the single-file program there is none. */
function workerProgram(): URL | undefined {
  const here = import.meta.url as string | undefined;
  const places = here === undefined ? [] : ['./review-worker.ts', './review-worker.mjs'].map((name) => new URL(name, here));
  return places.find((place) => existsSync(place));
}

class ReaderThreads {
  readonly #program: URL;
  readonly #rules: ReadingRules;
  readonly #most: number;
  /** In the order in which they came; none longer than its review is waited for. */
  readonly #waiting = new Set<Job>();
  /** Each thread reads one at a time. */
  readonly #threads = new Map<Worker, Job | undefined>();
  #closed = false;

  constructor(program: URL, rules: ReadingRules, most: number) {
    this.#program = program;
    this.#rules = rules;
    this.#most = most;
  }

  read(bytes: Uint8Array, deadline: Deadline): Promise<Question> {
    if (this.#closed) return Promise.reject(stopped());
    const { promise, resolve, reject } = Promise.withResolvers<Question>();
    const job = { bytes, resolve, reject };
    this.#waiting.add(job);
    this.#send();
    return deadline.within(promise, () => {
      this.#waiting.delete(job);
      throw new SealwardError('ERR_DEADLINE', 'the review was not read in time');
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    this.#threads.clear();
    for (const { reject } of this.#waiting) reject(stopped());
    this.#waiting.clear();
    for (const [, job] of threads) job?.reject(stopped());
    await Promise.all(threads.map(([worker]) => worker.terminate()));
  }

  #send(): void {
    for (const job of this.#waiting) {
      const idle = [...this.#threads].find(([, busy]) => busy === undefined)?.[0] ?? (this.#threads.size < this.#most ? this.#start() : undefined);
      if (!idle) return;
      this.#waiting.delete(job);
      this.#threads.set(idle, job);
      // A buffer of its own can be given away; one out of a pool cannot.
      const copy = new Uint8Array(job.bytes);
      idle.postMessage(copy, [copy.buffer]);
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#program, { workerData: this.#rules, resourceLimits: THREAD_MEMORY });
    worker.unref();
    this.#threads.set(worker, undefined);
    worker.on('message', (read: ReadReview) => {
      const job = this.#threads.get(worker);
      this.#threads.set(worker, undefined);
      if ('question' in read) job?.resolve(read.question);
      else job?.reject(new SealwardError(read.code, read.message, { hint: read.hint }));
      this.#send();
    });
    worker.on('error', (cause) => this.#lose(worker, cause));
    worker.on('exit', () => this.#lose(worker, new Error('it ended')));
    return worker;
  }

  #lose(worker: Worker, cause: unknown): void {
    const job = this.#threads.get(worker);
    if (!this.#threads.delete(worker)) return;
    job?.reject(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the thread that read the review ended', { cause }));
    this.#send();
  }
}

function stopped(): SealwardError {
  return new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the webhook is being stopped');
}
