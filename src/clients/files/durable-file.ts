/**
 * Files that are there whole or not at all, whatever happens in between: written beside their place, brought to the disk,
 * given their name, and the folder brought to the disk, too. All of it in one turn, so that Ctrl-C finds nothing or everything.
 */
import { dirname } from 'node:path';
import { cannotLink, DISK, type FileSteps, folderModeFor, foldersToSync, isTaken, nameBeside, OWN_MODE, type WriteOptions } from './steps.ts';

/** Replaces what stands there. A reader sees the old bytes or the new ones. Throws what the system says. */
export function writeDurably(path: string, bytes: Uint8Array, { mode = OWN_MODE, steps = DISK }: WriteOptions = {}): void {
  const folder = dirname(path);
  const made = steps.makeFolder(folder, folderModeFor(mode));
  const temporary = nameBeside(path);
  try {
    steps.create(temporary, bytes, mode);
    steps.rename(temporary, path);
  } catch (error) {
    removeIfThere(temporary, steps);
    throw error;
  }
  for (const one of foldersToSync(folder, made)) steps.syncFolder(one);
}

/** Writes what must not replace anything. Of several who try at once one wins; false for the others. */
export function createDurably(path: string, bytes: Uint8Array, { mode = OWN_MODE, steps = DISK }: WriteOptions = {}): boolean {
  const folder = dirname(path);
  const made = steps.makeFolder(folder, folderModeFor(mode));
  const temporary = nameBeside(path);
  try {
    steps.create(temporary, bytes, mode);
    if (!giveName(temporary, path, bytes, mode, steps)) return false;
  } finally {
    removeIfThere(temporary, steps);
  }
  for (const one of foldersToSync(folder, made)) steps.syncFolder(one);
  return true;
}

/** link(2) fails when the name is taken, where rename(2) would replace what is there. False when it is taken. */
export function giveName(temporary: string, path: string, bytes: Uint8Array, mode: number, steps: FileSteps): boolean {
  try {
    steps.link(temporary, path);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    if (!cannotLink(error)) throw error;
  }
  // Writing in place is next best: it still replaces nothing.
  try {
    steps.create(path, bytes, mode);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    removeIfThere(path, steps);
    throw error;
  }
}

export function removeIfThere(path: string, steps: FileSteps): void {
  try {
    steps.unlink(path);
  } catch {
    // It was renamed, or never made.
  }
}
