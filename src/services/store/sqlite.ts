/** SQLite files of a server: one process writes, and what is committed outlives a loss of power (WAL, synchronous FULL). */
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SealwardError } from '../../core/errors.ts';

/** Earlier versions can corrupt a file when two connections write and checkpoint at once (the WAL-reset race, fixed in 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3] as const;

export interface DatabaseOptions {
  /** SQL that makes the tables of an empty file. */
  readonly schema: string;
  /** Counts the forms that the schema had; another one is refused. */
  readonly version: number;
  readonly what: string;
  /** What to do when the file is missing, where it is known by other signs that there was one: then none is made. */
  readonly missing?: string | undefined;
}

/** Whether there is more than the empty file that SQLite begins with. */
export function isBegun(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Opens or makes a file, and keeps every other process out of it. Throws ERR_STATE_INVALID; nothing is changed then. */
export function openDatabase(path: string, { schema, version, what, missing }: DatabaseOptions): DatabaseSync {
  if (missing !== undefined && !isBegun(path)) throw new SealwardError('ERR_STATE_INVALID', `${what} ${path} is missing`, { hint: missing });
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    checkVersion(database);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 0; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0');
    const found = valueOf(database, 'PRAGMA user_version');
    const tables = valueOf(database, 'SELECT count(*) FROM sqlite_schema');
    if (found !== version && (found !== 0 || tables !== 0))
      throw new SealwardError('ERR_STATE_INVALID', `${what} ${path} is of another version of this program (${String(found)}, not ${version})`);
    const health = valueOf(database, 'PRAGMA quick_check(1)');
    if (health !== 'ok') throw new SealwardError('ERR_STATE_INVALID', `${what} ${path} is damaged: ${String(health)}`, { hint: DAMAGED });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    if (tables === 0) database.exec(`BEGIN IMMEDIATE; ${schema}; PRAGMA user_version = ${version}; COMMIT`);
    else database.exec('BEGIN IMMEDIATE; COMMIT'); // takes the lock
    return database;
  } catch (cause) {
    database?.close();
    throw storeError(cause, `${what} ${path}`);
  }
}

const DAMAGED =
  'Stop here, keep the file as it is for a look at it, and bring back the last copy; never start on an older one without asking what was done since.';

/** What an exception of SQLite means for whoever runs the server. */
export function storeError(cause: unknown, what: string): SealwardError {
  if (cause instanceof SealwardError) return cause;
  const code = (cause as { errcode?: number }).errcode ?? 0;
  const message = cause instanceof Error ? cause.message : String(cause);
  const primary = code & 0xff;
  if (primary === 5 || primary === 6) {
    return new SealwardError('ERR_STATE_INVALID', `${what} is in use by another process`, {
      cause,
      hint: 'One server runs on one folder; stop the other one first.',
    });
  }
  if (primary === 11 || primary === 26) return new SealwardError('ERR_STATE_INVALID', `${what} is damaged, or is no database`, { cause, hint: DAMAGED });
  if (primary === 13)
    return new SealwardError('ERR_STATE_INVALID', `${what} cannot grow: the disk is full`, {
      cause,
      hint: 'Make room, then start again; what was answered is kept.',
    });
  // Input and output, and files that cannot be opened or made: where those beside the database find no room, it is no better.
  if (primary === 10 || primary === 14)
    return new SealwardError('ERR_STATE_INVALID', `${what} cannot be read or written: ${message}`, {
      cause,
      hint: 'Look whether its disk is full or fails, and whose its files and their folder are, then start again; what was answered is kept.',
    });
  return new SealwardError('ERR_STATE_INVALID', `${what} cannot be used: ${message}`, { cause });
}

function checkVersion(database: DatabaseSync): void {
  const text = String(valueOf(database, 'SELECT sqlite_version()'));
  const parts = text.split('.').map(Number);
  const at = OLDEST_SQLITE.findIndex((wanted, i) => parts[i] !== wanted);
  if (at >= 0 && (parts[at] ?? 0) < (OLDEST_SQLITE[at] as number)) {
    throw new SealwardError('ERR_STATE_INVALID', `this Node brings SQLite ${text}, and ${OLDEST_SQLITE.join('.')} or later is needed`, {
      hint: 'Use a newer Node.',
    });
  }
}

function valueOf(database: DatabaseSync, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}
