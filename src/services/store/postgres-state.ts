/**
 * The same memory of a server in PostgreSQL, where several servers share it. Each call is one statement, so that it holds
 * or does not; what is answered is on the disk of the database. A call whose answer is lost may have been carried out: for
 * tokens and numbers that errs on the side of refusing and of never repeating.
 */
import type pg from 'pg';
import { SealwardError } from '../../core/errors.ts';
import { databaseError, sharedDatabase } from './postgres-pool.ts';
import { type ServerState, STATE_MISSING } from './server-state.ts';

const VERSION = 2;
/** Any number that nobody else locks by, while tables are made. */
const SCHEMA_LOCK = 7_325_417;
const CONNECTIONS = 10;
const FORGET_AFTER_MS = 24 * 60 * 60 * 1000;
const FORGOTTEN_AT_ONCE = 100;

const SCHEMA = `
  CREATE TABLE server_version (version integer NOT NULL);
  INSERT INTO server_version VALUES (${VERSION});
  CREATE TABLE server_issuance (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, outcome text NOT NULL, entry text NOT NULL);
  CREATE INDEX server_issuance_outcome ON server_issuance (outcome);
  CREATE TABLE server_token (id text PRIMARY KEY, used integer NOT NULL, until bigint NOT NULL);
  CREATE INDEX server_token_until ON server_token (until);
  CREATE TABLE server_counter (name text PRIMARY KEY, next bigint NOT NULL);
  CREATE TABLE server_mark (name text PRIMARY KEY, value bigint NOT NULL);
  CREATE TABLE server_opening (leaf text PRIMARY KEY, openings text NOT NULL)
`;

/**
 * @param url postgres://...; never shown. Throws ERR_SERVICE_UNAVAILABLE when it cannot be reached, ERR_STATE_INVALID when it is not ours to use.
 * @param known whether there were tables before; then none are made.
 */
export async function openPostgresState(url: string, known = false): Promise<ServerState> {
  const { pool, rows, failure, close } = sharedDatabase(url, CONNECTIONS);
  try {
    await prepare(pool, known);
  } catch (cause) {
    await pool.end();
    throw databaseError(cause);
  }
  return {
    recordIssuance: async (at, outcome, entry) => void (await rows('INSERT INTO server_issuance (at, outcome, entry) VALUES ($1, $2, $3)', at, outcome, entry)),
    async takeToken(id, uses, until) {
      const taken = await rows(
        'INSERT INTO server_token VALUES ($1, 1, $3) ON CONFLICT (id) DO UPDATE SET used = server_token.used + 1 WHERE server_token.used < $2 RETURNING used',
        id,
        uses,
        until,
      );
      if (taken.length === 0) return false;
      await rows(
        'DELETE FROM server_token WHERE id IN (SELECT id FROM server_token WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)',
        until - FORGET_AFTER_MS,
        FORGOTTEN_AT_ONCE,
      );
      return true;
    },
    giveTokenBack: async (id) => void (await rows('UPDATE server_token SET used = used - 1 WHERE id = $1 AND used > 0', id)),
    async reserve(counter, count) {
      const sql = 'INSERT INTO server_counter VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next = server_counter.next + excluded.next RETURNING next';
      return BigInt(String((await rows(sql, counter, count))[0]?.['next'])) - BigInt(count);
    },
    async raise(mark, value) {
      const sql =
        'INSERT INTO server_mark VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = greatest(server_mark.value, excluded.value) RETURNING value';
      return Number((await rows(sql, mark, Math.floor(value)))[0]?.['value']);
    },
    keepOpenings: async (leaf, openings) => void (await rows('INSERT INTO server_opening VALUES ($1, $2) ON CONFLICT (leaf) DO NOTHING', leaf, openings)),
    outcomes: async () =>
      Object.fromEntries(
        (await rows('SELECT outcome, count(*) AS n FROM server_issuance GROUP BY outcome')).map(({ outcome, n }) => [String(outcome), Number(n)]),
      ),
    failure,
    close,
  };
}

/** Makes the tables of an empty database, once, also when several servers begin at the same moment. */
async function prepare(pool: pg.Pool, known: boolean): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    const { rows: tables } = await client.query<{ found: string | null }>("SELECT to_regclass('server_version') AS found");
    const empty = tables[0]?.found === null;
    if (empty && known) throw new SealwardError('ERR_STATE_INVALID', 'the database does not hold the tables of the server', { hint: STATE_MISSING });
    if (empty) await client.query(SCHEMA);
    const { rows: versions } = await client.query<{ version: number }>('SELECT version FROM server_version');
    if (versions.length !== 1 || versions[0]?.version !== VERSION) {
      throw new SealwardError('ERR_STATE_INVALID', `the database is of another version of this program (${versions[0]?.version ?? 'none'}, not ${VERSION})`);
    }
    const { rows: settings } = await client.query<{ fsync: string; full_page_writes: string }>(
      "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes",
    );
    if (settings[0]?.fsync !== 'on' || settings[0].full_page_writes !== 'on') {
      throw new SealwardError('ERR_STATE_INVALID', 'the database may lose what it has answered: fsync or full_page_writes is off', { hint: 'Set both to on.' });
    }
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}
