/**
 * Many small writes, one commit: whatever is asked for while a commit is being made goes into the next one, and each caller
 * hears only when its own is on the disk. A commit that fails leaves the file unknown; nothing is written after it.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { SealwardError } from '../../core/errors.ts';
import { storeError } from './sqlite.ts';

interface Job {
  readonly run: (database: DatabaseSync) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #what: string;
  #waiting: Job[] = [];
  #scheduled: Promise<void> | undefined;
  #failed: SealwardError | undefined;

  constructor(database: DatabaseSync, what: string) {
    this.#database = database;
    this.#what = what;
  }

  /** Why nothing is written any more; undefined while all is well. */
  get failure(): SealwardError | undefined {
    return this.#failed;
  }

  /** @param run reads and writes, synchronously; when it throws, only its own changes are undone. */
  write<T>(run: (database: DatabaseSync) => T): Promise<T> {
    if (this.#failed) return Promise.reject(this.#failed);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, resolve: resolve as (value: unknown) => void, reject });
      this.#scheduled ??= new Promise((done) => setImmediate(() => (this.#commit(), done())));
    });
  }

  /** Returns when nothing waits any more. */
  async settle(): Promise<void> {
    while (this.#scheduled) await this.#scheduled;
  }

  #commit(): void {
    const jobs = this.#waiting;
    this.#waiting = [];
    this.#scheduled = undefined;
    const done: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) done.push(this.#runOne(job));
      this.#database.exec('COMMIT');
    } catch (cause) {
      // After an error of fsync the page cache may lie about what is on the disk: only a new start finds out.
      this.#failed = storeError(cause, this.#what);
      for (const job of jobs) job.reject(this.#failed);
      return;
    }
    for (const answer of done) answer();
  }

  #runOne({ run, resolve, reject }: Job): () => void {
    this.#database.exec('SAVEPOINT job');
    try {
      const value = run(this.#database);
      this.#database.exec('RELEASE job');
      return () => resolve(value);
    } catch (error) {
      this.#database.exec('ROLLBACK TO job; RELEASE job');
      return () => reject(storeError(error, this.#what));
    }
  }
}
