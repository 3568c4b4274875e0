/** Several files that must not replace anything, such as the halves of a key pair: all of them or none. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { giveName, removeIfThere } from './durable-file.ts';
import { DISK, type FileSteps, nameBeside } from './steps.ts';

export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Permissions, such as 0o600. */
  readonly mode: number;
}

/** Their folders must be there. ERR_FILE_EXISTS when one of the files is there already, ERR_FILE_UNREADABLE when one cannot be written. */
export function writeNewFiles(files: readonly NewFile[], steps: FileSteps = DISK): void {
  for (const { path } of files) if (existsSync(path)) throw exists(path);
  const temporaries: string[] = [];
  const made: string[] = [];
  try {
    for (const { path, content, mode } of files) {
      const temporary = nameBeside(path);
      temporaries.push(temporary);
      steps.create(temporary, utf8(content), mode);
    }
    for (const [at, { path, content, mode }] of files.entries()) {
      if (!giveName(temporaries[at] as string, path, utf8(content), mode, steps)) throw exists(path);
      made.push(path);
    }
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) steps.syncFolder(folder);
  } catch (cause) {
    for (const path of made) removeIfThere(path, steps);
    if (cause instanceof SealwardError) throw cause;
    throw new SealwardError('ERR_FILE_UNREADABLE', `cannot write ${files.map(({ path }) => path).join(' and ')}: ${(cause as Error).message}`, { cause });
  } finally {
    for (const temporary of temporaries) removeIfThere(temporary, steps);
  }
}

function exists(path: string): SealwardError {
  return new SealwardError('ERR_FILE_EXISTS', `${path} exists already, and a key is never overwritten`);
}
