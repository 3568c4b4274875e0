/** The log of one machine: two files in a folder, the entries and the record of what was signed. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import type { LogStore, TileStorage } from './log-store.ts';
import { type LogIdentity, openSqliteLog, openSqliteRecord } from './sqlite-store.ts';

export type OpenStore = (identity: LogIdentity) => Promise<LogStore>;

export interface FolderOptions {
  readonly tiles?: TileStorage;
  /** The folder of the sign record, best on another disk; without it, the same. It belongs into no backup. */
  readonly recordFolder?: string;
}

/** Makes what is missing only where nothing is there at all; half a log is never filled up. */
export function inFolder(folder: string, { tiles, recordFolder = folder }: FolderOptions = {}): OpenStore {
  return async (identity) => {
    for (const place of [folder, recordFolder]) mkdirSync(place, { recursive: true, mode: 0o700 });
    const [entries, signed] = [join(folder, 'log.db'), join(recordFolder, 'sign.db')];
    if (existsSync(entries) && !existsSync(signed)) {
      throw new SealwardError('ERR_STATE_INVALID', `the record of signed checkpoints ${signed} is missing`, {
        hint: 'Without it nobody knows what the log promised: find the file, or open a new shard and let this one be read only.',
      });
    }
    const record = openSqliteRecord(signed, identity);
    try {
      return openSqliteLog({ ...identity, path: entries, record, ...(tiles ? { tiles } : {}) });
    } catch (error) {
      await record.close();
      throw error;
    }
  };
}
