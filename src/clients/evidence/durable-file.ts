/**
 * Files that are there whole or not at all, whatever happens in between: written beside their place, brought to the disk,
 * renamed, and the folder brought to the disk, too. The steps are handed in so that tests can break each of them.
 */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';

export interface FileSteps {
  /** Gives the outermost folder that was made. */
  readonly makeFolder: (path: string) => string | undefined;
  readonly create: (path: string, bytes: Uint8Array, mode: number) => void;
  readonly rename: (from: string, to: string) => void;
  /** Fails with EEXIST where the name is taken. */
  readonly link: (from: string, to: string) => void;
  readonly syncFolder: (path: string) => void;
  readonly unlink: (path: string) => void;
}

export const FILE_STEPS: FileSteps = {
  makeFolder: (path) => mkdirSync(path, { recursive: true, mode: 0o700 }),
  create: (path, bytes, mode) => {
    const file = openSync(path, 'wx', mode);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  },
  rename: renameSync,
  link: linkSync,
  syncFolder: (path) => {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
  unlink: unlinkSync,
};

/** Replaces what stands there. A reader sees the old bytes or the new ones. */
export function writeDurably(path: string, bytes: Uint8Array, steps: FileSteps): void {
  beside(path, bytes, steps, (temporary) => steps.rename(temporary, path));
}

/** Writes what must not replace anything. Of several who try at once one wins; false for the others. */
export function createDurably(path: string, bytes: Uint8Array, steps: FileSteps): boolean {
  try {
    beside(path, bytes, steps, (temporary) => {
      try {
        steps.link(temporary, path);
      } catch (error) {
        // Some file systems have no second names. Writing in place is next best: it still replaces nothing.
        if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
        steps.create(path, bytes, 0o600);
      }
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function beside(path: string, bytes: Uint8Array, steps: FileSteps, giveName: (temporary: string) => void): void {
  const folder = dirname(path);
  const made = steps.makeFolder(folder);
  const temporary = join(folder, `.${basename(path).slice(0, 80)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    steps.create(temporary, bytes, 0o600);
    giveName(temporary);
  } finally {
    try {
      steps.unlink(temporary);
    } catch {
      // It was renamed, or never made.
    }
  }
  steps.syncFolder(folder);
  // A new folder is only there after a loss of power when the folder that names it was brought to the disk.
  if (made !== undefined) for (let at = folder; at.length >= made.length; at = dirname(at)) steps.syncFolder(dirname(at));
}
