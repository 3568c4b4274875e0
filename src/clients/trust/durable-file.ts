/** Files that are there whole or not at all, also after a loss of power: written beside their place, brought to the disk, renamed. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';

function unreadable(does: string, path: string, cause: unknown): SealwardError {
  if (cause instanceof SealwardError) return cause;
  return new SealwardError(
    'ERR_FILE_UNREADABLE',
    `${JSON.stringify(path.slice(0, 300))} cannot be ${does}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
    { cause },
  );
}

/** Undefined where there is none. One byte over the bound is ERR_TOO_LARGE, before the rest is read. */
export async function readIfThere(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${JSON.stringify(path.slice(0, 300))} is larger than ${maxBytes} bytes`);
      const bytes = new Uint8Array(await file.readFile());
      if (bytes.length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${JSON.stringify(path.slice(0, 300))} is larger than ${maxBytes} bytes`);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw unreadable('read', path, cause);
  }
}

/** The same in one turn, for whoever reads a repository name by name. */
export function readIfThereSync(path: string, maxBytes: number): Uint8Array | undefined {
  try {
    if (statSync(path).size > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${JSON.stringify(path.slice(0, 300))} is larger than ${maxBytes} bytes`);
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw unreadable('read', path, cause);
  }
}

/** What a write does to the disk, in order; a test breaks each step. */
export interface Disk {
  write(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

export const disk: Disk = {
  async write(path, bytes) {
    const file = await open(path, 'wx', 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  async rename(from, to) {
    await rename(from, to);
    await syncFolder(dirname(to));
  },
};

/** Makes the folder where it is missing. */
export async function writeDurably(path: string, bytes: Uint8Array, on: Disk = disk): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await on.write(temporary, bytes);
    await on.rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unreadable('written', path, cause);
  }
}

async function syncFolder(folder: string): Promise<void> {
  try {
    const file = await open(folder, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch {
    // Windows cannot open folders, and some network file systems cannot sync them.
  }
}

/** Every file below a folder, with slashes between the parts of its name; hidden ones are left out. Empty where there is no folder. */
export async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      )
      .filter((name) => !name.split('/').some((part) => part.startsWith('.')))
      .sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable('read', folder, cause);
  }
}
