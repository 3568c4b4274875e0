/** Tiles as files: each is written beside its place, forced to the disk, and put there only if nothing is there. */
import { type FileHandle, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { equalBytes } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { StoredTile, TileStorage } from './log-store.ts';
import { differentTile } from './sqlite-store.ts';

/** `tile/0/x001/234`, `issuer/…`, `envelope/…`: never out of the folder. */
const PATH = /^[a-z]+(?:\/[0-9a-z]+)+$/;

/** With the bundles of entries, so that any server of static files serves what is full; of several servers all must see the folder. */
export function tilesInFolder(folder: string): TileStorage {
  const placeOf = (path: string): string => {
    if (!PATH.test(path)) throw new SealwardError('ERR_INVARIANT', `no file of a log is called ${JSON.stringify(path)}`);
    return join(folder, path);
  };
  const get = async (path: string): Promise<Uint8Array | undefined> => {
    try {
      return new Uint8Array(await readFile(placeOf(path)));
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw error;
    }
  };
  const putOne = async ({ path, bytes }: StoredTile): Promise<string> => {
    const place = placeOf(path);
    const above = dirname(place);
    await mkdir(above, { recursive: true, mode: 0o755 });
    const draft = join(above, `.${randomUUID()}`);
    try {
      await written(draft, bytes);
      await link(draft, place);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      const there = await get(path);
      if (!there || !equalBytes(there, bytes)) throw differentTile(path);
    } finally {
      await unlink(draft).catch(() => {});
    }
    return above;
  };
  return {
    async put(tiles) {
      const folders = await Promise.all(tiles.map(putOne));
      // A name is on the disk when the folder is that holds it, and so on up to ours.
      for (const one of new Set(folders.flatMap((place) => upTo(place, folder)))) await forced(one);
    },
    get,
    keepsEntries: true,
  };
}

function upTo(place: string, root: string): string[] {
  const out = [place];
  for (let at = place; at.length > root.length; ) out.push((at = dirname(at)));
  return out;
}

async function written(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o444);
  await closing(file, async () => {
    await file.writeFile(bytes);
    await file.sync();
  });
}

async function forced(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await closing(handle, () => handle.sync());
}

async function closing(file: FileHandle, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } finally {
    await file.close();
  }
}
