/** Where replicas keep the authority that they share. Whoever saves says which version it read: of two, one wins, and the other reads again. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../../../clients/files/index.ts';
import { utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';

export interface KeptAuthority {
  /** Absent where somebody made the place, and nobody put anything there. */
  readonly text?: string;
  readonly version: string;
}

export interface AuthorityKeeper {
  load(): Promise<KeptAuthority | undefined>;
  /** @param version what was read; undefined when there was nothing. @returns false when it is another one by now. */
  save(text: string, version: string | undefined): Promise<boolean>;
}

const FILE = 'authority.json';

/** A folder of one process. Throws ERR_FILE_UNREADABLE. */
export function folderKeeper(folder: string): AuthorityKeeper {
  const path = join(folder, FILE);
  const load = async (): Promise<KeptAuthority | undefined> => {
    try {
      const text = readFileSync(path, 'utf8');
      return { text, version: createHash('sha256').update(text).digest('hex') };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unusable(path, cause);
    }
  };
  return {
    load,
    async save(text, version) {
      if ((await load())?.version !== version) return false;
      try {
        writeDurably(path, utf8(text));
        return true;
      } catch (cause) {
        throw unusable(path, cause);
      }
    },
  };
}

function unusable(path: string, cause: unknown): SealwardError {
  return new SealwardError('ERR_FILE_UNREADABLE', `the authority of the webhook cannot be kept in ${path}: ${(cause as NodeJS.ErrnoException).code}`, {
    cause,
  });
}
