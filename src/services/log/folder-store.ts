/** The log of one machine: two files in a folder, the entries and the record of what was signed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import { isBegun } from '../store/index.ts';
import type { LogStore, TileStorage } from './log-store.ts';
import { type LogIdentity, openSqliteLog, openSqliteRecord } from './sqlite-store.ts';

/** @param known whether the key signs for a store already; then none is made. */
export type OpenStore = (identity: LogIdentity, known?: boolean) => Promise<LogStore>;

export interface FolderOptions {
  readonly tiles?: TileStorage;
  /** The folder of the sign record, best on another disk; without it, the same. It belongs into no backup. */
  readonly recordFolder?: string;
}

/** Makes what is missing only where nothing is there at all; half a log is never filled up, and what is refused is left as it is. */
export function inFolder(folder: string, { tiles, recordFolder = folder }: FolderOptions = {}): OpenStore {
  return async (identity, known = false) => {
    const [entries, signed] = [join(folder, 'log.db'), join(recordFolder, 'sign.db')];
    if (isBegun(entries) && !isBegun(signed)) {
      throw new SealwardError('ERR_STATE_INVALID', `the record of signed checkpoints ${signed} is missing`, {
        hint: 'Without it nobody knows what the log promised: find the file, or open a new shard and let this one be read only.',
      });
    }
    if (known && !isBegun(entries)) throw entriesMissing(entries);
    for (const place of [folder, recordFolder]) mkdirSync(place, { recursive: true, mode: 0o700 });
    const record = openSqliteRecord(signed, identity);
    try {
      // The record is made first, so that it may stand there alone after a crash: but then nothing was signed yet.
      if (!isBegun(entries) && (await record.newest())) throw entriesMissing(entries);
      return openSqliteLog({ ...identity, path: entries, record, ...(tiles ? { tiles } : {}) });
    } catch (error) {
      await record.close();
      throw error;
    }
  };
}

export function entriesMissing(where: string): SealwardError {
  return new SealwardError('ERR_STATE_INVALID', `the entries of the log are missing: ${where}`, {
    hint: 'Its key has signed for them: bring back the newest files, and never older ones; a new store needs a new key and a new name.',
  });
}
