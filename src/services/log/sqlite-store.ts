/** The log in a file of SQLite: one process, one writer, entries and full tiles in one commit. */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { equalBytes } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { GroupCommit, openDatabase } from '../store/index.ts';
import type { LogStore, NewEntry, PendingEntry, SignRecord, StoredTile, TileStorage } from './log-store.ts';

const SCHEMA = `
  CREATE TABLE identity (id TEXT NOT NULL, origin TEXT NOT NULL, log_id BLOB NOT NULL, frozen INTEGER NOT NULL) STRICT;
  CREATE TABLE entry (seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE INDEX entry_leaf ON entry (substr(leaf, 1, 8));
  CREATE TABLE tile (path TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE published (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note TEXT NOT NULL) STRICT
`;
const RECORD_SCHEMA = `
  CREATE TABLE identity (id TEXT NOT NULL, origin TEXT NOT NULL, log_id BLOB NOT NULL, frozen INTEGER NOT NULL) STRICT;
  CREATE TABLE signed (size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL) STRICT
`;
const VERSION = 1;

/** Which log a file belongs to. */
export interface LogIdentity {
  readonly origin: string;
  readonly logId: Uint8Array;
}

export interface SqliteLogOptions extends LogIdentity {
  readonly path: string;
  readonly record: SignRecord;
  /** Where full tiles go; without it, into the same file. */
  readonly tiles?: TileStorage;
}

export function openSqliteLog(options: SqliteLogOptions): LogStore {
  const { path, record } = options;
  const what = 'the database of the log';
  const database = openDatabase(path, { schema: SCHEMA, version: VERSION, what });
  try {
    identify(database, options, `${what} ${path}`);
  } catch (error) {
    database.close();
    throw error;
  }
  const commits = new GroupCommit(database, what);
  const rows = statements(database);
  let size = BigInt(rows.size.get()?.['size'] as number);
  let unsaved: { readonly size: bigint; readonly note: string } | undefined;
  // With the next transaction: one of its own would cost the disk as much as that.
  const showLast = (): void => {
    if (unsaved) rows.publish.run(unsaved.size, unsaved.note);
    unsaved = undefined;
  };
  return {
    id: async () => rows.id.get()?.['id'] as string,
    sequence: (entries) =>
      commits.write(() => {
        if (rows.frozen.get()?.['frozen'] === 1) throw frozenLog();
        showLast();
        // Taken up only when all of it went well: what is thrown here is undone in the file, too.
        const { indexes, next } = place(rows, entries, size);
        size = next;
        return indexes;
      }),
    size: async () => size,
    entries: async (from, to) => rows.range.all(from, to) as unknown as NewEntry[],
    // What is shown may be lost: it is in the sign record, too, and only tells whether that one is as new as the entries.
    async publish(at, note) {
      unsaved = { size: at, note };
    },
    published: async () => {
      if (unsaved) return unsaved;
      const row = rows.published.get() as { size: number; note: string } | undefined;
      return row && { size: BigInt(row.size), note: row.note };
    },
    tiles: options.tiles ?? tilesIn(database, commits),
    record,
    lead: async () => true,
    watch: () => () => {},
    freeze: () => commits.write(() => database.exec('UPDATE identity SET frozen = 1')),
    frozen: async () => rows.frozen.get()?.['frozen'] === 1,
    failure: () => commits.failure ?? record.failure(),
    async close() {
      if (unsaved && !commits.failure) await commits.write(showLast).catch(() => {});
      await commits.settle();
      database.close();
      await record.close();
    },
  };
}

export function frozenLog(): SealwardError {
  return new SealwardError('ERR_LOG_FROZEN', 'this log takes no new entries any more; it can still be read');
}

type Statements = ReturnType<typeof statements>;

function statements(database: DatabaseSync) {
  return {
    size: database.prepare('SELECT coalesce(max(seq) + 1, 0) AS size FROM entry'),
    find: database.prepare('SELECT seq, leaf FROM entry WHERE substr(leaf, 1, 8) = substr(?, 1, 8)'),
    insert: database.prepare('INSERT INTO entry VALUES (?, ?, ?)'),
    range: database.prepare('SELECT leaf, body FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq'),
    publish: database.prepare('INSERT INTO published VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note'),
    published: database.prepare('SELECT size, note FROM published'),
    id: database.prepare('SELECT id FROM identity'),
    frozen: database.prepare('SELECT frozen FROM identity'),
  };
}

function place({ find, insert }: Statements, entries: readonly PendingEntry[], size: bigint): { indexes: bigint[]; next: bigint } {
  let next = size;
  const indexes = entries.map((pending) => {
    const { leaf, body } = 'at' in pending ? pending.at(next) : pending;
    const known = 'at' in pending ? undefined : (find.all(leaf) as { seq: number; leaf: Uint8Array }[]).find((row) => equalBytes(row.leaf, leaf));
    if (known) return BigInt(known.seq);
    insert.run(next, leaf, body);
    return next++;
  });
  return { indexes, next };
}

function tilesIn(database: DatabaseSync, commits: GroupCommit): TileStorage {
  const find = database.prepare('SELECT bytes FROM tile WHERE path = ?');
  const insert = database.prepare('INSERT INTO tile VALUES (?, ?)');
  const get = (path: string): Uint8Array | undefined => find.get(path)?.['bytes'] as Uint8Array | undefined;
  const putOne = ({ path, bytes }: StoredTile): void => {
    const there = get(path);
    if (!there) insert.run(path, bytes);
    else if (!equalBytes(there, bytes)) throw differentTile(path);
  };
  return { put: (tiles) => commits.write(() => tiles.forEach(putOne)), get: async (path) => get(path), keepsEntries: false };
}

export function differentTile(path: string): SealwardError {
  return new SealwardError('ERR_LOG_INCONSISTENT', `${path} is kept with other bytes than the entries give`);
}

/** Opens the record of what was signed. A missing one is only made for a log that never signed anything. */
export function openSqliteRecord(path: string, identity: LogIdentity): SignRecord {
  const what = 'the record of signed checkpoints';
  const database = openDatabase(path, { schema: RECORD_SCHEMA, version: VERSION, what });
  try {
    identify(database, identity, `${what} ${path}`);
  } catch (error) {
    database.close();
    throw error;
  }
  const commits = new GroupCommit(database, what);
  const newest = database.prepare('SELECT size, root, note FROM signed ORDER BY size DESC LIMIT 1');
  const insert = database.prepare('INSERT INTO signed VALUES (?, ?, ?)');
  const read = (): { size: bigint; root: Uint8Array; note: string } | undefined => {
    const row = newest.get() as { size: number; root: Uint8Array; note: string } | undefined;
    return row && { ...row, size: BigInt(row.size) };
  };
  return {
    newest: async () => read(),
    add: (previous, next) =>
      commits.write(() => {
        if ((read()?.size ?? 0n) !== previous || next.size <= previous) return false;
        insert.run(next.size, next.root, next.note);
        return true;
      }),
    failure: () => commits.failure,
    async close() {
      await commits.settle();
      database.close();
    },
  };
}

function identify(database: DatabaseSync, { origin, logId }: LogIdentity, what: string): void {
  const row = database.prepare('SELECT origin, log_id FROM identity').get() as { origin: string; log_id: Uint8Array } | undefined;
  if (!row) database.prepare('INSERT INTO identity VALUES (?, ?, ?, 0)').run(randomUUID(), origin, logId);
  else if (row.origin !== origin || !equalBytes(row.log_id, logId)) throw foreign(what, row.origin);
}

export function foreign(what: string, origin: string): SealwardError {
  return new SealwardError('ERR_STATE_INVALID', `${what} belongs to another log, or to another key of it: ${origin}`, {
    hint: 'Give the key and the name with which the log was made; a new key or name needs a new log (a shard).',
  });
}
