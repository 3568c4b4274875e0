/** What has to be known before the program itself is loaded; everything else of the environment is read by config.ts. */
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The one reading of process.env. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Where a cache of this user may lie, or undefined when there is no home folder; never a folder that others may write. */
export function cacheFolder(environment: Environment): string | undefined {
  const base = environment['XDG_CACHE_HOME'] || (environment['HOME'] && join(environment['HOME'], '.cache')) || environment['LOCALAPPDATA'];
  return base ? join(base, 'sealward') : undefined;
}

/** Where a command keeps what it must not forget, such as what it saw of a trust repository: no cache, because caches are emptied. */
export function stateFolder(environment: Environment): string | undefined {
  const base = environment['XDG_STATE_HOME'] || (environment['HOME'] && join(environment['HOME'], '.local', 'state')) || environment['LOCALAPPDATA'];
  return base ? join(base, 'sealward') : undefined;
}
