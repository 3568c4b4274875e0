/** The memory of a witness in PostgreSQL, for several servers that cosign with one key. */
import type { WitnessedCheckpoint } from '../../clients/witness/index.ts';
import { databaseError, sharedDatabase } from '../store/index.ts';
import type { WitnessMemory } from './witness-routes.ts';

const SCHEMA = 'CREATE TABLE IF NOT EXISTS sealward_witnessed (origin text PRIMARY KEY, size bigint NOT NULL, root bytea NOT NULL, note text NOT NULL)';
/** Servers that start at once make the table one after the other. */
const SCHEMA_LOCK = 0x5ea1a2e;
const CONNECTIONS = 4;

/** @param connection postgres://...; never shown. Throws ERR_SERVICE_UNAVAILABLE, ERR_STATE_INVALID. */
export async function openPostgresWitness(connection: string): Promise<WitnessMemory> {
  const { pool, rows, failure, close } = sharedDatabase(connection, CONNECTIONS);
  try {
    await pool.query(`BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}); ${SCHEMA}; COMMIT`);
  } catch (cause) {
    await close();
    throw databaseError(cause);
  }
  return {
    async latest(origin) {
      const [row] = await rows('SELECT size, root, note FROM sealward_witnessed WHERE origin = $1', origin);
      return row && { origin, size: BigInt(String(row['size'])), root: new Uint8Array(row['root'] as Uint8Array), note: String(row['note']) };
    },
    // One statement, which compares and sets: of two servers one is first, and the other judges again.
    async replace(origin, size, { size: next, root, note }: WitnessedCheckpoint) {
      const values = [origin, String(next), root, note];
      const set =
        size === undefined
          ? await rows('INSERT INTO sealward_witnessed VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING origin', ...values)
          : await rows(
              'UPDATE sealward_witnessed SET size = $2, root = $3, note = $4 WHERE origin = $1 AND size = $5 RETURNING origin',
              ...values,
              String(size),
            );
      return set.length === 1;
    },
    failure,
    close,
  };
}
