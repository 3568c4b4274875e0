/** Files that the user names: read within a bound, written whole or not at all. Failures say which file and why. */
import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeDurably } from '../../clients/files/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { visible } from './visible.ts';

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission is denied',
  EPERM: 'the operation is not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  ELOOP: 'there are too many symbolic links',
  ENAMETOOLONG: 'its name is too long',
  EMFILE: 'too many files are open',
};

export function fileError(does: 'read' | 'written', path: string, cause: unknown): SealwardError {
  if (cause instanceof SealwardError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  return new SealwardError('ERR_FILE_UNREADABLE', `${visible(path.slice(0, 300))} cannot be ${does}: ${CAUSES[code] ?? (code || String(cause))}`, { cause });
}

export function noFile(path: string): SealwardError {
  return fileError('read', path, Object.assign(new Error('it is not there'), { code: 'ENOENT' }));
}

/** The bytes of a file, or of stdin for "-"; one byte over the bound is ERR_TOO_LARGE, before the rest is read. */
export function readBytes(path: string, maxBytes: number, what = 'the file'): Uint8Array {
  let file: number | undefined;
  try {
    file = path === '-' ? 0 : openSync(path, 'r');
    const size = fstatSync(file).size;
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(size - length, 0) + 1, maxBytes + 1 - length, 1 << 20));
      const read = readSync(file, chunk, 0, chunk.length, null);
      if (read === 0) break;
      length += read;
      if (length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} ${visible(path.slice(0, 300))} is larger than ${maxBytes} bytes`);
      chunks.push(chunk.subarray(0, read));
    }
    return Uint8Array.from(Buffer.concat(chunks, length));
  } catch (cause) {
    throw fileError('read', path, cause);
  } finally {
    if (file !== undefined && file !== 0) closeSync(file);
  }
}

/** Replaces a file by way of a temporary one beside it; a device, pipe or socket is written to as it is. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  try {
    const target = resolveLinks(path);
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    if (target.special) writeAll(target.path, bytes);
    else {
      // A folder that is missing is rather a slip of the hand than one to be made.
      statSync(dirname(target.path));
      writeDurably(target.path, bytes, { mode: 0o644 });
    }
  } catch (cause) {
    throw fileError('written', path, cause);
  }
}

function resolveLinks(path: string): { path: string; special: boolean } {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return { path, special: false };
  if (found.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
  return { path: realpathSync(path), special: !found.isFile() };
}

function writeAll(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'a');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
}
