/** As durable-file.ts, without keeping the process from other work: for what is large, or comes in pieces, or is written while others are answered. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cannotSync, folderModeFor, foldersToSync, nameBeside, OWN_MODE } from './steps.ts';

export interface BackgroundSteps {
  readonly makeFolder: (path: string, mode: number) => Promise<string | undefined>;
  readonly create: (path: string, bytes: Uint8Array | AsyncIterable<Uint8Array>, mode: number) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly syncFolder: (path: string) => Promise<void>;
}

export const BACKGROUND_DISK: BackgroundSteps = {
  makeFolder: (path, mode) => mkdir(path, { recursive: true, mode }),
  create: async (path, bytes, mode) => {
    const file = await open(path, 'wx', mode);
    try {
      if (bytes instanceof Uint8Array) await file.writeFile(bytes);
      else for await (const chunk of bytes) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename,
  syncFolder: async (path) => {
    try {
      const folder = await open(path, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    } catch (error) {
      if (!cannotSync(error)) throw error;
    }
  },
};

/** Replaces what stands there. A reader sees the old bytes or the new ones. Throws what the system says, or the source of the bytes. */
export async function writeInBackground(
  path: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  { mode = OWN_MODE, steps = BACKGROUND_DISK }: { readonly mode?: number; readonly steps?: BackgroundSteps } = {},
): Promise<void> {
  const folder = dirname(path);
  const made = await steps.makeFolder(folder, folderModeFor(mode));
  const temporary = nameBeside(path);
  try {
    await steps.create(temporary, bytes, mode);
    await steps.rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  for (const one of foldersToSync(folder, made)) await steps.syncFolder(one);
}
