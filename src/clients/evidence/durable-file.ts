/**
 * Files that are there whole or not at all, whatever happens in between: written beside their place, brought to the disk,
 * renamed, and the folder brought to the disk, too. The steps are handed in so that tests can break each of them.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';

export interface FileSteps {
  readonly makeFolder: (path: string) => void;
  readonly create: (path: string, bytes: Uint8Array, mode: number) => void;
  readonly rename: (from: string, to: string) => void;
  readonly syncFolder: (path: string) => void;
  readonly unlink: (path: string) => void;
}

export const FILE_STEPS: FileSteps = {
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
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
export function writeDurably(path: string, bytes: Uint8Array, steps: FileSteps, mode = 0o600): void {
  const folder = dirname(path);
  steps.makeFolder(folder);
  const temporary = join(folder, `.${basename(path).slice(0, 80)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    steps.create(temporary, bytes, mode);
    steps.rename(temporary, path);
  } catch (cause) {
    try {
      steps.unlink(temporary);
    } catch {
      // It was renamed, or never made.
    }
    throw cause;
  }
  steps.syncFolder(folder);
}
