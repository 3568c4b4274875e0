/**
 * Files that must not replace anything and must not be left half-written: each is written under another name, brought
 * to the disk, and then given its own name, which fails when that is taken. All of it is synchronous, so that Ctrl-C,
 * which Node delivers between two turns of its loop, finds either nothing or everything.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { SealwardError } from '../../core/errors.ts';

export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Permissions, such as 0o600. */
  readonly mode: number;
}

/** Writes all of the files or none. ERR_FILE_EXISTS when one is there already. */
export function writeNewFiles(files: readonly NewFile[]): void {
  for (const { path } of files) if (existsSync(path)) throw exists(path);
  const left: string[] = [];
  const made: string[] = [];
  try {
    const temporaries = files.map((file) => {
      const temporary = join(dirname(file.path), `.${basename(file.path)}.${randomBytes(6).toString('hex')}.tmp`);
      left.push(temporary);
      return writeDurably(temporary, file);
    });
    files.forEach((file, i) => {
      giveName(temporaries[i] as string, file);
      made.push(file.path);
    });
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncFolder(folder);
  } catch (cause) {
    for (const path of made) remove(path);
    if (cause instanceof SealwardError) throw cause;
    throw new SealwardError('ERR_FILE_UNREADABLE', `cannot write ${files.map(({ path }) => path).join(' and ')}: ${(cause as Error).message}`, { cause });
  } finally {
    for (const temporary of left) remove(temporary);
  }
}

function exists(path: string): SealwardError {
  return new SealwardError('ERR_FILE_EXISTS', `${path} exists already, and a key is never overwritten`);
}

function writeDurably(path: string, { content, mode }: NewFile): string {
  const file = openSync(path, 'wx', mode);
  try {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return path;
}

/** link(2) fails when the name is taken; rename(2) would replace what is there. */
function giveName(temporary: string, file: NewFile): void {
  try {
    linkSync(temporary, file.path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') throw exists(file.path);
    // Some file systems have no second names. Writing in place is next best: it still overwrites nothing.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'].includes(code)) throw cause;
    writeInPlace(file);
  }
}

function writeInPlace(file: NewFile): void {
  try {
    writeDurably(file.path, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw exists(file.path);
    remove(file.path);
    throw cause;
  }
}

/** So that the new names outlive a loss of power; not every system can. */
function syncFolder(folder: string): void {
  try {
    const file = openSync(folder, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // Windows cannot open folders, and some network file systems cannot sync them.
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}
