/** The read side of a log (C2SP tlog-tiles): checkpoint, tiles and bundles of entries, under the plain paths and those of Rekor v2. */
import type { ServiceAnswer, ServiceRoute } from '../../core/contract/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { parseTilePath, TILE_WIDTH, type TileCoordinate } from '../../core/tlog/index.ts';

export interface TileSource {
  /** Leaves that a checkpoint which was shown covers. */
  readonly size: () => bigint;
  readonly checkpoint: () => string | undefined;
  tile(level: number, index: bigint, width: number): Promise<readonly Uint8Array[]>;
  bundle(index: bigint, width: number): Promise<Uint8Array>;
  readonly bundleName: 'entries' | 'data';
}

const BYTES = { 'content-type': 'application/octet-stream', 'cache-control': 'public, max-age=31536000, immutable' } as const;
const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' } as const;

/** @param prefixes under each of which the log is served: '' and '/api/v2' for one that Rekor's clients read. */
export function tileRoutes(source: TileSource, prefixes: readonly string[]): ServiceRoute[] {
  return prefixes.flatMap((prefix): ServiceRoute[] => [
    { method: 'GET', path: `${prefix}/checkpoint`, maxBytes: 0, answer: async () => checkpointAnswer(source) },
    { method: 'GET', path: `${prefix}/tile/*`, maxBytes: 0, answer: async ({ params }) => tileAnswer(source, `tile/${params['*'] ?? ''}`) },
  ]);
}

export function checkpointAnswer(source: Pick<TileSource, 'checkpoint'>): ServiceAnswer {
  const body = source.checkpoint();
  if (body === undefined) throw new SealwardError('ERR_NOT_FOUND', 'the log has no checkpoint yet: it is empty', { hint: 'Add an entry first.' });
  return { status: 200, headers: TEXT, body };
}

export async function tileAnswer(source: TileSource, path: string): Promise<ServiceAnswer> {
  // Logs of certificates call their entries data; each log knows one of the names.
  const tile = parseTilePath(
    source.bundleName === 'data' ? path.replace(/^tile\/(?:entries|data)/, (name) => (name === 'tile/data' ? 'tile/entries' : name + '?')) : path,
  );
  checkThere(tile, source.size());
  const { level, index, width } = tile;
  const body = level === 'entries' ? await source.bundle(index, width) : joined(await source.tile(level, index, width));
  return { status: 200, headers: BYTES, body };
}

/** Only what a checkpoint covers is served; of a tile that is full by now, also the parts that it once was. */
export function checkThere({ level, index, width }: TileCoordinate, size: bigint): void {
  const count = level === 'entries' ? size : size >> BigInt(8 * level);
  if (index * BigInt(TILE_WIDTH) + BigInt(width) > count)
    throw new SealwardError('ERR_NOT_FOUND', 'the log does not reach so far', { hint: 'Read the checkpoint first.' });
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(hashes.length * 32);
  hashes.forEach((hash, i) => out.set(hash, i * 32));
  return out;
}
