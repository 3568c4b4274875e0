/** A database that several servers share: a few connections, one statement at a time on each, and whether it answers. */
import pg from 'pg';
import { SealwardError } from '../../core/errors.ts';

const CONNECT_MS = 5_000;
const STATEMENT_MS = 10_000;

interface SharedDatabase {
  readonly pool: pg.Pool;
  /** One statement. Throws ERR_SERVICE_UNAVAILABLE when the database does not answer, ERR_STATE_INVALID when it refuses. */
  readonly rows: (sql: string, ...values: readonly unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Why it does not answer. Who asks for that makes it be asked anew: a server that is not ready gets no requests that would. */
  readonly failure: () => SealwardError | undefined;
  readonly close: () => Promise<void>;
}

/** @param url postgres://...; never shown. Nothing is asked yet. */
export function sharedDatabase(url: string, connections: number): SharedDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'sealward',
    // Whatever the database is set to: what is answered is on its disk.
    options: '-c synchronous_commit=on',
  });
  let lost: SealwardError | undefined;
  let asking = false;
  // A connection that breaks while nobody uses it; the next call opens another one.
  pool.on('error', (cause) => void (lost = databaseError(cause)));
  const rows: SharedDatabase['rows'] = async (sql, ...values) => {
    try {
      const { rows: found } = await pool.query<Record<string, unknown>>(sql, [...values]);
      lost = undefined;
      return found;
    } catch (cause) {
      const error = databaseError(cause);
      if (error.code === 'ERR_SERVICE_UNAVAILABLE') lost = error;
      throw error;
    }
  };
  return {
    pool,
    rows,
    failure() {
      if (lost && !asking && !pool.ending) {
        asking = true;
        const asked = (): void => void (asking = false);
        rows('SELECT 1').then(asked, asked);
      }
      return lost;
    },
    close: () => pool.end(),
  };
}

/** Classes of SQLSTATE that say something of the connection or of the server, and nothing of what was asked. */
const PASSING = /^(?:08|53|57)|^40/;

export function databaseError(cause: unknown): SealwardError {
  if (cause instanceof SealwardError) return cause;
  const { code = '', message = '' } = cause as { code?: string; message?: string };
  // Messages of the driver name no password; those of the database may name values, which are none of ours to show.
  if (/^[0-9A-Z]{5}$/.test(code) && !PASSING.test(code))
    return new SealwardError('ERR_STATE_INVALID', `the database refuses (${code}): ${message.slice(0, 200)}`, { cause });
  return new SealwardError('ERR_SERVICE_UNAVAILABLE', `the database does not answer (${code || message.slice(0, 100)})`, { cause });
}
