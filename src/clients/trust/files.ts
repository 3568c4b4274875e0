/** The files of trust: read within a bound, written durably, listed. */
import { readFileSync, statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import { type BackgroundSteps, writeInBackground } from '../files/index.ts';

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

/** Whole or not at all; anybody may read it. Makes the folder where it is missing. */
export async function writeFile(path: string, bytes: Uint8Array, steps?: BackgroundSteps): Promise<void> {
  try {
    await writeInBackground(path, bytes, { mode: 0o644, ...(steps ? { steps } : {}) });
  } catch (cause) {
    throw unreadable('written', path, cause);
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
