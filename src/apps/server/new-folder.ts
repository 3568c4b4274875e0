/** A folder with everything in it, or none: it is filled under another name, brought to the disk, and then given its own. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { createDurably, DISK, writeDurably } from '../../clients/files/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface NewFolderFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly secret?: boolean;
}

const OPEN_MODE = 0o644;
const SECRET_MODE = 0o600;

/** @param fill puts in what brings itself to the disk. Throws ERR_FILE_EXISTS when something lies there, or ERR_FILE_UNREADABLE. */
export async function writeNewFolder(
  folder: string,
  files: readonly NewFolderFile[],
  subfolders: readonly string[],
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(folder);
  if (existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0)) throw taken(target);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(temporary, { mode: 0o700 });
    for (const name of subfolders) mkdirSync(join(temporary, name), { recursive: true, mode: 0o700 });
    for (const { path, content, secret } of files) {
      const place = join(temporary, path);
      mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
      DISK.create(place, typeof content === 'string' ? utf8(content) : content, secret ? SECRET_MODE : OPEN_MODE);
    }
    await fill(temporary);
    for (const name of new Set(['.', ...subfolders, ...files.map(({ path }) => dirname(path))])) DISK.syncFolder(join(temporary, name));
    DISK.rename(temporary, target);
    DISK.syncFolder(dirname(target));
  } catch (cause) {
    rmSync(temporary, { recursive: true, force: true });
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw taken(target);
    if (cause instanceof SealwardError) throw cause;
    throw unwritable(target, cause);
  }
}

/** One more file for a folder that is there. Throws ERR_FILE_EXISTS, ERR_FILE_UNREADABLE. */
export function writeNewFile(path: string, content: string): void {
  const made = writing(path, () => createDurably(path, utf8(content), { mode: OPEN_MODE }));
  if (!made) throw new SealwardError('ERR_FILE_EXISTS', `${path} exists already, and is not overwritten`);
}

/** A file that is there gets other content, in one step and for good. Throws ERR_FILE_UNREADABLE, and leaves it as it was. */
export function replaceFile(path: string, content: string, secret = false): void {
  writing(path, () => writeDurably(path, utf8(content), { mode: secret ? SECRET_MODE : OPEN_MODE }));
}

function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): SealwardError {
  return new SealwardError('ERR_FILE_UNREADABLE', `${path} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { cause });
}

function taken(target: string): SealwardError {
  return new SealwardError('ERR_FILE_EXISTS', `${target} is not empty, and keys are never overwritten`, { hint: 'Name another folder.' });
}
