/** Where the logs of this server lie: each in a folder of its own, or all of them in the one database. */
import { inFolder, inPostgres, type OpenStore } from '../../../services/log/index.ts';
import type { LogPlace, ServerConfig } from '../config.ts';
import { readSecret } from '../files.ts';

export function logStore({ database }: ServerConfig, { folder, recordFolder }: LogPlace): OpenStore {
  if ('urlFile' in database) return inPostgres({ connection: readSecret(database.urlFile, 'the URL of the database') });
  return inFolder(folder, { recordFolder });
}
