/** The memory of a witness in PostgreSQL, for several servers that cosign with one key. */
import { Pool } from 'pg';
import type { WitnessedCheckpoint } from '../../clients/witness/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { WitnessMemory } from './witness-routes.ts';

const SCHEMA = 'CREATE TABLE IF NOT EXISTS sealward_witnessed (origin text PRIMARY KEY, size bigint NOT NULL, root bytea NOT NULL, note text NOT NULL)';
/** Servers that start at once make the table one after the other. */
const SCHEMA_LOCK = 0x5ea1a2e;
const CONNECTIONS = 4;
/** A cosignature that left must be remembered, whatever the settings of the database say. */
const SESSION = '-c synchronous_commit=on -c statement_timeout=10000';

interface Row {
  readonly origin: string;
  readonly size: string;
  readonly root: Uint8Array;
  readonly note: string;
}

/** @param connection postgres://...; never shown. Throws ERR_SERVICE_UNAVAILABLE. */
export async function openPostgresWitness(connection: string): Promise<WitnessMemory> {
  const pool = new Pool({ connectionString: connection, max: CONNECTIONS, connectionTimeoutMillis: 5000, options: SESSION, allowExitOnIdle: true });
  let lost: SealwardError | undefined;
  // Of a connection that waited and broke; whoever wants the next one hears of it.
  pool.on('error', () => {});
  const ask = async (sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    try {
      const { rows } = await pool.query<Row>(sql, [...values]);
      lost = undefined;
      return rows;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      lost = new SealwardError('ERR_SERVICE_UNAVAILABLE', `the database does not keep what the witness cosigned: ${message}`, { cause });
      throw lost;
    }
  };
  try {
    await ask(`BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}); ${SCHEMA}; COMMIT`);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    async latest(origin) {
      const [row] = await ask('SELECT origin, size, root, note FROM sealward_witnessed WHERE origin = $1', [origin]);
      return row && { ...row, size: BigInt(row.size), root: new Uint8Array(row.root) };
    },
    // One statement, which compares and sets: of two servers one is first, and the other judges again.
    async replace(origin, size, { size: next, root, note }: WitnessedCheckpoint) {
      const values = [origin, String(next), root, note];
      const set =
        size === undefined
          ? await ask('INSERT INTO sealward_witnessed VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING origin', values)
          : await ask('UPDATE sealward_witnessed SET size = $2, root = $3, note = $4 WHERE origin = $1 AND size = $5 RETURNING origin', [
              ...values,
              String(size),
            ]);
      return set.length === 1;
    },
    failure: () => lost,
    close: () => pool.end(),
  };
}
