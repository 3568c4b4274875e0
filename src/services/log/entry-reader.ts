/** Requests to the log, read and verified in threads: a signature costs more than all else that is done for an entry. */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { type LogEntryForm, readEntryRequest, type RequestRules } from './entry-request.ts';

export type ReadAnswer = { readonly entry: LogEntryForm } | { readonly code: ErrorCode; readonly message: string; readonly hint: string };

export interface EntryReader {
  /** Throws what readEntryRequest throws, and ERR_LOG_BUSY when too much waits. */
  read(bytes: Uint8Array): Promise<LogEntryForm>;
  close(): Promise<void>;
}

interface Job {
  readonly bytes: Uint8Array;
  readonly resolve: (entry: LogEntryForm) => void;
  readonly reject: (error: SealwardError) => void;
}

interface Thread {
  readonly worker: Worker;
  /** In the order in which answers come. */
  readonly sent: Job[][];
}

/** Requests in one message: each message costs a wake-up of the other thread. */
const BATCH = 32;
const BATCHES_AHEAD = 2;
const WAITING_BYTES = 64 * 1024 * 1024;

/** @param threads 0 reads in the calling thread. */
export function createEntryReader(rules: RequestRules, threads: number): EntryReader {
  const program = new URL('./entry-worker.ts', import.meta.url);
  // Where everything is one file there is no other one to start.
  if (threads === 0 || !existsSync(program)) return { read: async (bytes) => readEntryRequest(bytes, rules), close: async () => {} };
  return new ThreadedReader(program, rules, threads);
}

class ThreadedReader implements EntryReader {
  readonly #program: URL;
  readonly #rules: RequestRules;
  readonly #threads: Thread[];
  readonly #waiting: Job[] = [];
  #waitingBytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(program: URL, rules: RequestRules, threads: number) {
    this.#program = program;
    this.#rules = rules;
    this.#threads = Array.from({ length: threads }, () => this.#start());
  }

  read(bytes: Uint8Array): Promise<LogEntryForm> {
    if (this.#closed) return Promise.reject(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the log is being stopped'));
    if (this.#waitingBytes + bytes.length > WAITING_BYTES) return Promise.reject(new SealwardError('ERR_LOG_BUSY', 'too many requests wait to be verified'));
    this.#waitingBytes += bytes.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#send();
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    for (const { reject } of [...this.#waiting, ...this.#threads.flatMap(({ sent }) => sent.flat())]) {
      reject(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the log was stopped'));
    }
  }

  #send(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#threads.reduce((least, other) => (other.sent.length < least.sent.length ? other : least));
      if (thread.sent.length >= BATCHES_AHEAD) return;
      const share = Math.ceil(this.#waiting.length / this.#threads.length);
      const batch = this.#waiting.splice(0, Math.min(BATCH, share));
      thread.sent.push(batch);
      thread.worker.postMessage(
        batch.map(({ bytes }) => bytes),
        [],
      );
    }
  }

  #start(): Thread {
    const worker = new Worker(this.#program, { workerData: this.#rules });
    const thread: Thread = { worker, sent: [] };
    worker.unref();
    worker.on('message', (answers: readonly ReadAnswer[]) => {
      this.#settle(thread.sent.shift() ?? [], answers);
      this.#send();
    });
    worker.on('error', (error) => this.#replace(thread, error));
    return thread;
  }

  #settle(jobs: readonly Job[], answers: readonly ReadAnswer[]): void {
    jobs.forEach(({ bytes, resolve, reject }, i) => {
      this.#waitingBytes -= bytes.length;
      const answer = answers[i] as ReadAnswer;
      if ('entry' in answer) resolve(answer.entry);
      else reject(new SealwardError(answer.code, answer.message, { hint: answer.hint }));
    });
  }

  #replace(thread: Thread, cause: unknown): void {
    if (this.#closed) return;
    const failed: ReadAnswer = { code: 'ERR_SERVICE_UNAVAILABLE', message: `a thread of the log ended: ${String(cause)}`, hint: 'Try again.' };
    for (const batch of thread.sent.splice(0))
      this.#settle(
        batch,
        batch.map(() => failed),
      );
    this.#threads[this.#threads.indexOf(thread)] = this.#start();
    this.#send();
  }
}
