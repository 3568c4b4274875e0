/** A witness for the logs of others (C2SP tlog-witness), served over HTTP, which remembers in a file before it answers. */
import type { Witness, WitnessedCheckpoint, WitnessStore } from '../../clients/witness/index.ts';
import type { ServiceRoute } from '../../core/contract/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { GroupCommit, openDatabase } from '../store/index.ts';

const SCHEMA = 'CREATE TABLE witnessed (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) STRICT, WITHOUT ROWID';
const VERSION = 1;

export interface WitnessMemory extends WitnessStore {
  /** Why nothing can be remembered any more until a new start. */
  failure(): Error | undefined;
  close(): Promise<void>;
}

const MISSING = 'A witness that forgets helps a log to tell two stories: bring back the newest file, or begin with a new key and a new name.';

/** Never restored from a copy: a witness that forgets helps a log to tell two stories. @param known whether there was one before; then none is made. */
export function openWitnessFile(path: string, known = false): WitnessMemory {
  const what = 'the memory of the witness';
  const database = openDatabase(path, { schema: SCHEMA, version: VERSION, what, missing: known ? MISSING : undefined });
  const commits = new GroupCommit(database, what);
  const find = database.prepare('SELECT origin, size, root, note FROM witnessed WHERE origin = ?');
  const put = database.prepare(
    'INSERT INTO witnessed VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note',
  );
  const read = (origin: string): WitnessedCheckpoint | undefined => {
    const row = find.get(origin) as { origin: string; size: number; root: Uint8Array; note: string } | undefined;
    return row && { ...row, size: BigInt(row.size) };
  };
  return {
    latest: async (origin) => read(origin),
    replace: (origin, size, next) =>
      commits.write(() => {
        if (read(origin)?.size !== size) return false;
        put.run(origin, next.size, next.root, next.note);
        return true;
      }),
    failure: () => commits.failure,
    async close() {
      await commits.settle();
      database.close();
    },
  };
}

/** @param prefix of the paths, which is the URL that logs are told without its host. */
export function witnessRoutes(witness: Pick<Witness, 'addCheckpoint' | 'latest'>, prefix = ''): ServiceRoute[] {
  return [
    {
      method: 'POST',
      path: `${prefix}/add-checkpoint`,
      maxBytes: LIMITS.submissionBytes,
      async answer({ body: submission }) {
        const { status, contentType, body } = await witness.addCheckpoint(submission);
        return { status, headers: { 'content-type': contentType, 'cache-control': 'no-store' }, body };
      },
    },
    {
      method: 'GET',
      path: `${prefix}/:origin/checkpoint`,
      maxBytes: 0,
      async answer({ params }) {
        const note = await witness.latest(params['origin'] ?? '');
        if (note === undefined) throw new SealwardError('ERR_NOT_FOUND', 'this witness has seen no checkpoint of that log');
        return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' }, body: note };
      },
    },
  ];
}
