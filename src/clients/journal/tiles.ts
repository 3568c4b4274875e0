/** Tiles of a journal, read for proofs. */
import { SealwardError } from '../../core/errors.ts';
import { type HashTileCoordinate, parseEntryBundle, parseHashTile, TILE_WIDTH, type TileCoordinate, tilePath, type TileHashes } from '../../core/tlog/index.ts';
import type { JournalFiles } from './files.ts';

/** Reads all tiles that a proof needs; the answer finds them. */
export async function readHashes(files: JournalFiles, tiles: readonly HashTileCoordinate[]): Promise<TileHashes> {
  const found = new Map<string, readonly Uint8Array[]>();
  for (const tile of tiles) found.set(tilePath(tile), await readHashTile(files, tile));
  return (tile) => found.get(tilePath(tile)) ?? [];
}

export async function readHashTile(files: JournalFiles, tile: HashTileCoordinate): Promise<readonly Uint8Array[]> {
  const { bytes, width } = await readTile(files, tile);
  return parseHashTile(bytes, width).slice(0, tile.width);
}

/** The first `width` entries of a bundle. */
export async function readBundle(files: JournalFiles, index: bigint, width: number): Promise<readonly Uint8Array[]> {
  const found = await readTile(files, { level: 'entries', index, width });
  return parseEntryBundle(found.bytes, found.width).slice(0, width);
}

/** While a round is under way a partial tile of the shown tree may be gone, and the full one that begins so is there. */
async function readTile(files: JournalFiles, tile: TileCoordinate): Promise<{ readonly bytes: Uint8Array; readonly width: number }> {
  for (const width of tile.width === TILE_WIDTH ? [TILE_WIDTH] : [tile.width, TILE_WIDTH]) {
    const bytes = await files.read(tilePath({ ...tile, width }));
    if (bytes) return { bytes, width };
  }
  throw new SealwardError('ERR_JOURNAL_DAMAGED', `the tile ${tilePath(tile)} is missing`);
}
