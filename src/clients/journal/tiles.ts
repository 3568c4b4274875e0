/** Tiles of a journal, read for proofs. */
import { SealwardError } from '../../core/errors.ts';
import { type HashTileCoordinate, parseHashTile, tilePath, type TileHashes } from '../../core/tlog/index.ts';
import type { JournalFiles } from './files.ts';

/** Reads all tiles that a proof needs; the answer finds them. */
export async function readHashes(files: JournalFiles, tiles: readonly HashTileCoordinate[]): Promise<TileHashes> {
  const found = new Map<string, readonly Uint8Array[]>();
  for (const tile of tiles) found.set(tilePath(tile), await readHashTile(files, tile));
  return (tile) => found.get(tilePath(tile)) ?? [];
}

export async function readHashTile(files: JournalFiles, tile: HashTileCoordinate): Promise<readonly Uint8Array[]> {
  const path = tilePath(tile);
  const bytes = await files.read(path);
  if (!bytes) throw new SealwardError('ERR_JOURNAL_DAMAGED', `the tile ${path} is missing`);
  return parseHashTile(bytes, tile.width);
}
