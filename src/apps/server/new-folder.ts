/** A folder with everything in it, or none: it is filled under another name, brought to the disk, and then given its own. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { SealwardError } from '../../core/errors.ts';

export interface NewFolderFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly secret?: boolean;
}

/** @param fill puts in what brings itself to the disk. Throws ERR_FILE_EXISTS when something lies there, or ERR_FILE_UNREADABLE. */
export async function writeNewFolder(
  folder: string,
  files: readonly NewFolderFile[],
  subfolders: readonly string[],
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(folder);
  if (existsSync(target) && readdirSync(target).length > 0) throw taken(target);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(temporary, { mode: 0o700 });
    for (const name of subfolders) mkdirSync(join(temporary, name), { recursive: true, mode: 0o700 });
    for (const file of files) write(temporary, file);
    await fill(temporary);
    for (const name of new Set(['.', ...subfolders, ...files.map(({ path }) => dirname(path))])) syncFolder(join(temporary, name));
    renameSync(temporary, target);
    syncFolder(dirname(target));
  } catch (cause) {
    rmSync(temporary, { recursive: true, force: true });
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw taken(target);
    if (cause instanceof SealwardError) throw cause;
    throw new SealwardError('ERR_FILE_UNREADABLE', `${target} cannot be written: ${code ?? String(cause)}`, { cause });
  }
}

/** One more file for a folder that is there. Throws ERR_FILE_EXISTS. */
export function writeNewFile(path: string, content: string): void {
  if (existsSync(path)) throw taken(path);
  write(dirname(path), { path: basename(path), content });
  syncFolder(dirname(path));
}

/** A file that is there gets other content, in one step and for good. Throws ERR_FILE_UNREADABLE, and leaves it as it was. */
export function replaceFile(path: string, content: string, secret = false): void {
  const temporary = `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    write(dirname(path), { path: temporary, content, secret });
    renameSync(join(dirname(path), temporary), path);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(join(dirname(path), temporary), { force: true });
    throw new SealwardError('ERR_FILE_UNREADABLE', `${path} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

function taken(target: string): SealwardError {
  return new SealwardError('ERR_FILE_EXISTS', `${target} is not empty, and keys are never overwritten`, { hint: 'Name another folder.' });
}

function write(folder: string, { path, content, secret }: NewFolderFile): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
  const file = openSync(join(folder, path), 'wx', secret ? 0o600 : 0o644);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
