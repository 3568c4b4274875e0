/** What writing a file durably does to a disk, one step at a time: tests break each of them, before it is done and after. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface FileSteps {
  /** Gives the outermost folder that was made; folders that are there stay as they are. */
  readonly makeFolder: (path: string, mode: number) => string | undefined;
  /** Makes the file, which must not be there, and brings its bytes to the disk. */
  readonly create: (path: string, bytes: Uint8Array, mode: number) => void;
  readonly rename: (from: string, to: string) => void;
  /** Fails with EEXIST where the name is taken. */
  readonly link: (from: string, to: string) => void;
  /** Brings the names in a folder to the disk. */
  readonly syncFolder: (path: string) => void;
  readonly unlink: (path: string) => void;
}

export interface WriteOptions {
  /** Permissions of the file; for its owner alone when not said. */
  readonly mode?: number;
  readonly steps?: FileSteps;
}

export const OWN_MODE = 0o600;

/** Whoever may read a file may look into the folders that are made for it. */
export function folderModeFor(fileMode: number): number {
  return (fileMode & 0o077) === 0 ? 0o700 : 0o777;
}

export const DISK: FileSteps = {
  makeFolder: (path, mode) => mkdirSync(path, { recursive: true, mode }),
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
    try {
      const folder = openSync(path, 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    } catch (error) {
      if (!cannotSync(error)) throw error;
    }
  },
  unlink: unlinkSync,
};

/** Windows cannot open folders, and some network file systems cannot sync them: no failure of the disk. */
export function cannotSync(error: unknown): boolean {
  return ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Some file systems have no second names. */
export function cannotLink(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
}

export function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** A name in the same folder that nothing else has, and that listings of the folder leave out. */
export function nameBeside(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 80)}.${randomBytes(6).toString('hex')}.tmp`);
}

/** The folders whose names must be on the disk for a path in new folders to be found after a loss of power, the innermost first. */
export function foldersToSync(folder: string, outermostMade: string | undefined): readonly string[] {
  const folders = [folder];
  if (outermostMade !== undefined) for (let at = folder; at.length >= outermostMade.length; at = dirname(at)) folders.push(dirname(at));
  return folders;
}
