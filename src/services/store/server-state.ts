/** What a server must remember between two starts, apart from its logs: requests, used tokens, serial numbers, what was dated last. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { GroupCommit } from './group-commit.ts';
import { openDatabase } from './sqlite.ts';

export interface ServerState {
  /** Keeps one request for a certificate, as JSON. */
  recordIssuance(at: number, outcome: string, entry: string): Promise<void>;
  /** Takes one of the uses of a token; false when none is left. `until` in milliseconds since 1970. */
  takeToken(id: string, uses: number, until: number): Promise<boolean>;
  giveTokenBack(id: string): Promise<void>;
  /** Moves a counter forward by `count` and answers where it stood. */
  reserve(counter: string, count: number): Promise<bigint>;
  /** Keeps a number that only grows, and answers what it is now. */
  raise(mark: string, value: number): Promise<number>;
  /** Keeps what opens the commitments of an entry of the control log, as JSON, where it can be erased. @param leaf the hash of the entry, in hexadecimal. */
  keepOpenings(leaf: string, openings: string): Promise<void>;
  /** How many requests ended in which way. */
  outcomes(): Promise<Readonly<Record<string, number>>>;
  /** Why nothing can be written any more. */
  failure(): Error | undefined;
  /** Waits for what was begun, and closes. */
  close(): Promise<void>;
}

const SCHEMA = `
  CREATE TABLE issuance (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, outcome TEXT NOT NULL, entry TEXT NOT NULL) STRICT;
  CREATE TABLE token (id TEXT PRIMARY KEY, used INTEGER NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX token_until ON token (until);
  CREATE TABLE counter (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE opening (leaf TEXT PRIMARY KEY, openings TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE outcome (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID
`;
const VERSION = 2;
/** A token that ended may be forgotten; a while later, because clocks differ. */
const FORGET_AFTER_MS = 24 * 60 * 60 * 1000;
const FORGOTTEN_AT_ONCE = 100;

/** What to do where a database is gone that was there. */
export const STATE_MISSING =
  'The server ran before, by the marks beside the keys of its logs, and it remembers here which tokens were used and what was dated last: bring back the newest copy.';

/** @param known whether there was one before; then none is made. */
export function openServerState(path: string, known = false): ServerState {
  const what = 'the database of the server';
  const database = openDatabase(path, { schema: SCHEMA, version: VERSION, what, missing: known ? STATE_MISSING : undefined });
  const commits = new GroupCommit(database, what);
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const statement = (sql: string): ReturnType<DatabaseSync['prepare']> => {
    const found = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, found);
    return found;
  };
  const run = (sql: string, ...values: SQLInputValue[]): void => void statement(sql).run(...values);
  const number = (sql: string, ...values: SQLInputValue[]): number | undefined => Object.values(statement(sql).get(...values) ?? {})[0] as number | undefined;
  return {
    recordIssuance: (at, outcome, entry) =>
      commits.write(() => {
        run('INSERT INTO issuance (at, outcome, entry) VALUES (?, ?, ?)', at, outcome, entry);
        run('INSERT INTO outcome VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1', outcome);
      }),
    takeToken: (id, uses, until) =>
      commits.write(() => {
        const used = number('SELECT used FROM token WHERE id = ?', id) ?? 0;
        if (used >= uses) return false;
        run('INSERT INTO token VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE SET used = used + 1', id, until);
        run('DELETE FROM token WHERE id IN (SELECT id FROM token WHERE until < ? LIMIT ?)', until - FORGET_AFTER_MS, FORGOTTEN_AT_ONCE);
        return true;
      }),
    giveTokenBack: (id) => commits.write(() => run('UPDATE token SET used = used - 1 WHERE id = ? AND used > 0', id)),
    reserve: (counter, count) =>
      commits.write(() => {
        run('INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = next + excluded.next', counter, count);
        return BigInt((number('SELECT next FROM counter WHERE name = ?', counter) ?? 0) - count);
      }),
    raise: (mark, value) =>
      commits.write(() => {
        run('INSERT INTO mark VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)', mark, Math.floor(value));
        return number('SELECT value FROM mark WHERE name = ?', mark) ?? value;
      }),
    keepOpenings: (leaf, openings) => commits.write(() => run('INSERT INTO opening VALUES (?, ?) ON CONFLICT (leaf) DO NOTHING', leaf, openings)),
    outcomes: async () =>
      Object.fromEntries((statement('SELECT name, count FROM outcome').all() as { name: string; count: number }[]).map(({ name, count }) => [name, count])),
    failure: () => commits.failure,
    async close() {
      await commits.settle();
      database.close();
    },
  };
}
