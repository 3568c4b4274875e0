/** A log as static files that any reader of tiles takes, from wherever it is read; each file is checked before it is written. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { quoted } from '../../core/artifact/index.ts';
import { concatBytes, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { edgeTiles, encodeEntryBundle, TILE_WIDTH, type TileCoordinate, tilePath } from '../../core/tlog/index.ts';
import { writeDurably } from '../files/index.ts';
import { scanLog, type Scanned } from './scan.ts';
import type { SeenCheckpoint, TileLog } from './tile-log.ts';

const WIDTH = BigInt(TILE_WIDTH);

/** @param folder that is not there yet, or empty. The checkpoint is written last: without it nobody takes the rest for a log. */
export async function exportLog(log: TileLog, seen: SeenCheckpoint, folder: string): Promise<Scanned> {
  if ((filesIn(folder)?.length ?? 0) > 0) throw new SealwardError('ERR_FILE_EXISTS', `${quoted(folder)} is not empty`);
  const scanned = await scanLog(log, seen, { tiles: true });
  const { size } = seen.checkpoint;
  for (const tile of tilesOf(size)) {
    const path = tilePath(tile);
    const bytes = tile.level === 'entries' ? await bundleOf(log, tile) : concatBytes(...(await log.hashes({ ...tile, level: tile.level })));
    if (bytes) writeFile(join(folder, path), bytes);
  }
  writeFile(join(folder, 'checkpoint'), utf8(seen.envelope));
  return scanned;
}

async function bundleOf(log: TileLog, { index, width }: TileCoordinate): Promise<Uint8Array | undefined> {
  const entries = await log.bundle(index, width);
  return entries && encodeEntryBundle(entries);
}

/** Every file of a log of that size: full tiles and bundles, and the partial ones at its edge. */
function* tilesOf(size: bigint): Generator<TileCoordinate> {
  for (let level = 0, count = size / WIDTH; count > 0n; level++, count /= WIDTH) {
    for (let index = 0n; index < count; index++) {
      yield { level, index, width: TILE_WIDTH };
      if (level === 0) yield { level: 'entries', index, width: TILE_WIDTH };
    }
  }
  const rest = Number(size % WIDTH);
  if (rest > 0) yield { level: 'entries', index: size / WIDTH, width: rest };
  yield* edgeTiles(size);
}

function filesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

/** Never changes, so nobody may write to it. */
const MODE = 0o444;

function writeFile(path: string, bytes: Uint8Array): void {
  try {
    writeDurably(path, bytes, { mode: path.endsWith('checkpoint') ? 0o644 : MODE });
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(path)} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
