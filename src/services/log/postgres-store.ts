/**
 * The log in PostgreSQL: any number of servers give indexes, one of them at a time integrates and signs. Indexes come from the
 * locked row of the log and never from a sequence, which leaves gaps when a transaction fails and shows rows out of their order.
 */
import { randomUUID } from 'node:crypto';
import { Client, Pool, type PoolClient, type QueryResultRow } from 'pg';
import { encodeHex, equalBytes } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { entriesMissing, type OpenStore } from './folder-store.ts';
import type { LogStore, NewEntry, PendingEntry, SignedTree, SignRecord, StoredTile, TileStorage } from './log-store.ts';
import { differentTile, foreign, frozenLog, type LogIdentity } from './sqlite-store.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host/database`, or what libpq reads of the environment. */
  readonly connection: string;
  /** Where full tiles go; without it, into the database. */
  readonly tiles?: TileStorage;
  /** Milliseconds for which a server that signs may be silent before another one takes over. */
  readonly lease?: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sealward_log (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, store uuid NOT NULL DEFAULT gen_random_uuid(), origin text NOT NULL UNIQUE, log_id bytea NOT NULL UNIQUE,
    size bigint NOT NULL DEFAULT 0, frozen boolean NOT NULL DEFAULT false,
    holder text NOT NULL DEFAULT '', epoch bigint NOT NULL DEFAULT 0, until timestamptz NOT NULL DEFAULT '-infinity');
  CREATE TABLE IF NOT EXISTS sealward_log_entry (
    log integer NOT NULL REFERENCES sealward_log, seq bigint NOT NULL, leaf bytea NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (log, seq), UNIQUE (log, leaf));
  CREATE TABLE IF NOT EXISTS sealward_log_tile (
    log integer NOT NULL REFERENCES sealward_log, path text NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (log, path));
  CREATE TABLE IF NOT EXISTS sealward_log_signed (
    log integer NOT NULL REFERENCES sealward_log, size bigint NOT NULL, root bytea NOT NULL, note text NOT NULL, PRIMARY KEY (log, size));
  CREATE TABLE IF NOT EXISTS sealward_log_published (
    log integer PRIMARY KEY REFERENCES sealward_log, size bigint NOT NULL, note text NOT NULL)
`;
/** Servers that start at once make the tables one after the other. */
const SCHEMA_LOCK = 0x5ea1a2d;
const LEASE_MS = 5000;
const POLL_MS = 500;
const CONNECTIONS = 6;
/** What the answer to a client waits for must be on the disk of the database, whatever its settings say otherwise. */
const SESSION = '-c synchronous_commit=on -c statement_timeout=15000 -c idle_in_transaction_session_timeout=15000';

export function inPostgres({ connection, tiles, lease = LEASE_MS }: PostgresOptions): OpenStore {
  return async (identity, known = false) => {
    const pool = new Pool({ connectionString: connection, max: CONNECTIONS, connectionTimeoutMillis: 5000, options: SESSION, allowExitOnIdle: true });
    // Of a connection that waited and broke; whoever wants the next one hears of it.
    pool.on('error', () => {});
    try {
      const log = await prepare(pool, identity, known);
      return new PostgresStore(pool, connection, log, lease, tiles);
    } catch (cause) {
      await pool.end();
      if (cause instanceof SealwardError) throw cause;
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `the database of the log cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  };
}

async function prepare(pool: Pool, { origin, logId }: LogIdentity, known: boolean): Promise<number> {
  return transaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    const { rows: settings } = await client.query<{ fsync: string; version: number }>(
      "SELECT current_setting('fsync') AS fsync, current_setting('server_version_num')::int AS version",
    );
    if (settings[0]?.fsync !== 'on') {
      throw new SealwardError('ERR_STATE_INVALID', 'the database does not wait for its disk (fsync is off), so it may lose what was answered for', {
        hint: 'Set fsync = on in postgresql.conf.',
      });
    }
    await client.query(SCHEMA);
    // What is undone when this throws are the tables, too.
    if (!known) await client.query('INSERT INTO sealward_log (origin, log_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [origin, logId]);
    const { rows } = await client.query<{ id: number; origin: string; log_id: Uint8Array }>(
      'SELECT id, origin, log_id FROM sealward_log WHERE origin = $1 OR log_id = $2',
      [origin, logId],
    );
    const [row, other] = rows;
    if (known && !row) throw entriesMissing(`the database has none of ${origin}`);
    if (!row || other || row.origin !== origin || !equalBytes(row.log_id, logId)) throw foreign('a log in this database', row?.origin ?? origin);
    return row.id;
  });
}

class PostgresStore implements LogStore {
  readonly #pool: Pool;
  readonly #connection: string;
  readonly #log: number;
  readonly #lease: number;
  readonly #holder = randomUUID();
  readonly #channel: string;
  readonly tiles: TileStorage;
  readonly record: SignRecord;

  constructor(pool: Pool, connection: string, log: number, lease: number, tiles: TileStorage | undefined) {
    this.#pool = pool;
    this.#connection = connection;
    this.#log = log;
    this.#lease = lease;
    this.#channel = `sealward_log_${log}`;
    this.tiles = tiles ?? { put: (wanted) => this.#putTiles(wanted), get: (path) => this.#tile(path), keepsEntries: false };
    this.record = { newest: () => this.#newest(), add: (previous, next) => this.#add(previous, next), failure: () => undefined, close: async () => {} };
  }

  async id(): Promise<string> {
    return (await this.#one<{ store: string }>('SELECT store FROM sealward_log WHERE id = $1', [this.#log]))?.store ?? '';
  }

  sequence(entries: readonly PendingEntry[]): Promise<readonly bigint[]> {
    return transaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ size: string; frozen: boolean }>('SELECT size, frozen FROM sealward_log WHERE id = $1 FOR UPDATE', [this.#log]);
      const [head] = rows;
      if (!head || head.frozen) throw frozenLog();
      const leaves = entries.flatMap((entry) => ('at' in entry ? [] : [asBuffer(entry.leaf)]));
      const found = await client.query<{ seq: string; leaf: Uint8Array }>(
        'SELECT seq, leaf FROM sealward_log_entry WHERE log = $1 AND leaf = ANY ($2::bytea[])',
        [this.#log, leaves],
      );
      const known = new Map(found.rows.map(({ seq, leaf }) => [encodeHex(leaf), BigInt(seq)]));
      let next = BigInt(head.size);
      const fresh: { readonly seq: bigint; readonly leaf: Buffer; readonly body: Buffer }[] = [];
      const indexes = entries.map((pending) => {
        const { body, leaf } = 'at' in pending ? pending.at(next) : pending;
        const key = encodeHex(leaf);
        const there = known.get(key);
        if (there !== undefined) return there;
        known.set(key, next);
        fresh.push({ seq: next, leaf: asBuffer(leaf), body: asBuffer(body) });
        return next++;
      });
      if (fresh.length > 0) {
        await client.query('INSERT INTO sealward_log_entry SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[])', [
          this.#log,
          fresh.map(({ seq }) => String(seq)),
          fresh.map(({ leaf }) => leaf),
          fresh.map(({ body }) => body),
        ]);
        await client.query('UPDATE sealward_log SET size = $2 WHERE id = $1', [this.#log, String(next)]);
        await client.query('SELECT pg_notify($1, $2)', [this.#channel, this.#holder]);
      }
      return indexes;
    });
  }

  async size(): Promise<bigint> {
    return BigInt((await this.#one<{ size: string }>('SELECT size FROM sealward_log WHERE id = $1', [this.#log]))?.size ?? 0);
  }

  async entries(from: bigint, to: bigint): Promise<readonly NewEntry[]> {
    const { rows } = await this.#pool.query<{ leaf: Uint8Array; body: Uint8Array }>(
      'SELECT leaf, body FROM sealward_log_entry WHERE log = $1 AND seq >= $2 AND seq < $3 ORDER BY seq',
      [this.#log, String(from), String(to)],
    );
    return rows;
  }

  async publish(size: bigint, note: string): Promise<void> {
    await this.#pool.query(
      `WITH put AS (
         INSERT INTO sealward_log_published VALUES ($1, $2, $3)
         ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note WHERE sealward_log_published.size < excluded.size
       ) SELECT pg_notify($4, $5)`,
      [this.#log, String(size), note, this.#channel, this.#holder],
    );
  }

  async published(): Promise<{ readonly size: bigint; readonly note: string } | undefined> {
    const row = await this.#one<{ size: string; note: string }>('SELECT size, note FROM sealward_log_published WHERE log = $1', [this.#log]);
    return row && { size: BigInt(row.size), note: row.note };
  }

  async lead(): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `UPDATE sealward_log SET holder = $2, epoch = epoch + (holder <> $2)::int, until = clock_timestamp() + $3 * interval '1 ms'
       WHERE id = $1 AND (holder = $2 OR until < clock_timestamp())`,
      [this.#log, this.#holder, this.#lease],
    );
    return rowCount === 1;
  }

  watch(changed: () => void): () => void {
    const listener = listen(this.#connection, this.#channel, (by) => by !== this.#holder && changed());
    // A word that is lost on the way costs half a second, and nothing else.
    const poll = setInterval(() => {
      listener.check();
      changed();
    }, POLL_MS);
    poll.unref();
    return () => {
      clearInterval(poll);
      listener.end();
    };
  }

  async freeze(): Promise<void> {
    await this.#pool.query('UPDATE sealward_log SET frozen = true WHERE id = $1', [this.#log]);
  }

  async frozen(): Promise<boolean> {
    return (await this.#one<{ frozen: boolean }>('SELECT frozen FROM sealward_log WHERE id = $1', [this.#log]))?.frozen === true;
  }

  /** What the database did not answer is asked again; it ends itself when its disk lies. */
  failure(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    // Whoever waits for the lease need not wait until it ends.
    await this.#pool.query("UPDATE sealward_log SET until = '-infinity' WHERE id = $1 AND holder = $2", [this.#log, this.#holder]).catch(() => {});
    await this.#pool.end();
  }

  async #putTiles(tiles: readonly StoredTile[]): Promise<void> {
    await this.#pool.query('INSERT INTO sealward_log_tile SELECT $1, * FROM unnest($2::text[], $3::bytea[]) ON CONFLICT DO NOTHING', [
      this.#log,
      tiles.map(({ path }) => path),
      tiles.map(({ bytes }) => asBuffer(bytes)),
    ]);
    for (const { path, bytes } of tiles) {
      const there = await this.#tile(path);
      if (!there || !equalBytes(there, bytes)) throw differentTile(path);
    }
  }

  async #tile(path: string): Promise<Uint8Array | undefined> {
    return (await this.#one<{ bytes: Uint8Array }>('SELECT bytes FROM sealward_log_tile WHERE log = $1 AND path = $2', [this.#log, path]))?.bytes;
  }

  async #newest(): Promise<SignedTree | undefined> {
    const row = await this.#one<SignedRow>(NEWEST, [this.#log]);
    return row && { ...row, size: BigInt(row.size) };
  }

  /** Under the lock of the log's row, which also fences: who lost the lease adds nothing. */
  #add(previous: bigint, next: SignedTree): Promise<boolean> {
    return transaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ holder: string }>('SELECT holder FROM sealward_log WHERE id = $1 FOR UPDATE', [this.#log]);
      const newest = (await client.query<SignedRow>(NEWEST, [this.#log])).rows[0];
      if (rows[0]?.holder !== this.#holder || BigInt(newest?.size ?? 0) !== previous || next.size <= previous) return false;
      await client.query('INSERT INTO sealward_log_signed VALUES ($1, $2, $3, $4)', [this.#log, String(next.size), asBuffer(next.root), next.note]);
      return true;
    });
  }

  async #one<T extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<T | undefined> {
    return (await this.#pool.query<T>(sql, [...values])).rows[0];
  }
}

interface SignedRow {
  readonly size: string;
  readonly root: Uint8Array;
  readonly note: string;
}

const NEWEST = 'SELECT size, root, note FROM sealward_log_signed WHERE log = $1 ORDER BY size DESC LIMIT 1';

/** A connection that fails within is thrown away: nobody knows in which state it is. */
async function transaction<T>(pool: Pool, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // The query that runs hears of it, too; without a listener it would end the process.
  const ignore = (): void => {};
  client.on('error', ignore);
  try {
    await client.query('BEGIN');
    const value = await run(client);
    await client.query('COMMIT');
    client.off('error', ignore).release();
    return value;
  } catch (error) {
    const undone = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
    client.off('error', ignore).release(!undone);
    throw error;
  }
}

/** A connection of its own that hears what other servers say; it is made again when it breaks. */
function listen(connectionString: string, channel: string, heard: (by: string) => void): { check(): void; end(): void } {
  let client: Client | undefined;
  let ended = false;
  const connect = (): void => {
    const one = new Client({ connectionString, connectionTimeoutMillis: 5000 });
    client = one;
    const lost = (): void => {
      if (client === one) client = undefined;
    };
    one.on('error', lost);
    one.on('end', lost);
    one.on('notification', ({ payload = '' }) => heard(payload));
    one
      .connect()
      .then(async () => void (await (ended ? one.end() : one.query(`LISTEN ${channel}`))))
      .catch(lost);
  };
  connect();
  return {
    check() {
      if (!client && !ended) connect();
    },
    end() {
      ended = true;
      void client?.end().catch(() => {});
    },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
