/** A log as its tiles: what stands in them, and proofs that are checked before anybody gets them. */
import { decodeUtf8, equalBytes, LIMITS } from '../../core/encoding/index.ts';
import { type FindingCode, SealwardError } from '../../core/errors.ts';
import {
  type Checkpoint,
  consistencyRanges,
  type HashTileCoordinate,
  inclusionRanges,
  leafHash,
  type LogPolicy,
  parseEntryBundle,
  parseHashTile,
  rangeHash,
  rootFromInclusion,
  TILE_WIDTH,
  type TileCoordinate,
  type TileHashes,
  tilePath,
  tilesOfRanges,
  verifyConsistency,
  verifySignedCheckpoint,
} from '../../core/tlog/index.ts';
import type { TileSource } from './source.ts';

/** What a log is found to do wrong; thrown by the reading, and an answer for whoever asked. */
export class LogFault extends Error {
  readonly finding: FindingCode;
  constructor(finding: FindingCode, detail: string) {
    super(detail);
    this.name = 'LogFault';
    this.finding = finding;
  }
}

export interface SeenCheckpoint {
  readonly envelope: string;
  readonly checkpoint: Checkpoint;
}

const WIDTH = BigInt(TILE_WIDTH);
const TILE_BYTES = TILE_WIDTH * 32;

export class TileLog {
  readonly source: TileSource;
  readonly #policy: LogPolicy;

  constructor(source: TileSource, policy: LogPolicy) {
    this.source = source;
    this.#policy = policy;
  }

  /** The newest, when a log of the policy signed it and enough witnesses did. Throws LogFault, ERR_NOT_FOUND. */
  async newest(): Promise<SeenCheckpoint> {
    const bytes = await this.source.read('checkpoint', LIMITS.bundleBytes);
    if (!bytes)
      throw new SealwardError('ERR_NOT_FOUND', `${this.source.name} has no checkpoint`, { hint: 'Give the folder or URL where `checkpoint` and `tile/` lie.' });
    return this.check(decodeUtf8(bytes, 'the checkpoint'));
  }

  /** A checkpoint from elsewhere, by the same policy. */
  check(envelope: string): SeenCheckpoint {
    const verdict = verifySignedCheckpoint(envelope, this.#policy);
    if (!verdict.ok) throw new LogFault(verdict.reason, verdict.detail);
    return { envelope, checkpoint: verdict.checkpoint };
  }

  /** Hashes of a tile; a log may have replaced a partial tile by the full one that begins so (tlog-tiles, "Partial Tiles"). */
  async hashes(tile: HashTileCoordinate): Promise<readonly Uint8Array[]> {
    const { bytes, width } = await this.#bytes(tile, TILE_BYTES);
    return parseHashTile(bytes, width).slice(0, tile.width);
  }

  /** The first `width` entries of a bundle; undefined when the log does not keep them any more. */
  async bundle(index: bigint, width: number): Promise<readonly Uint8Array[] | undefined> {
    const found = await this.#optional({ level: 'entries', index, width }, LIMITS.entryBundleBytes);
    return found && parseEntryBundle(found.bytes, found.width).slice(0, width);
  }

  async #bytes(tile: TileCoordinate, maxBytes: number): Promise<{ readonly bytes: Uint8Array; readonly width: number }> {
    const found = await this.#optional(tile, maxBytes);
    if (!found) throw new LogFault('LOG_TREE_INVALID', `${tilePath(tile)} is missing`);
    return found;
  }

  async #optional(tile: TileCoordinate, maxBytes: number): Promise<{ readonly bytes: Uint8Array; readonly width: number } | undefined> {
    for (const width of tile.width === TILE_WIDTH ? [TILE_WIDTH] : [tile.width, TILE_WIDTH]) {
      const bytes = await this.source.read(tilePath({ ...tile, width }), maxBytes);
      if (bytes) return { bytes, width };
    }
    return undefined;
  }

  /** An entry of the tree that was signed, with the hashes that prove it. */
  async prove(index: bigint, { checkpoint }: SeenCheckpoint): Promise<{ readonly entry: Uint8Array | undefined; readonly proof: readonly Uint8Array[] }> {
    const { size, root } = checkpoint;
    if (index >= size) throw new SealwardError('ERR_NOT_FOUND', `the log holds ${size} entries, and none at ${index}`);
    const proof = await this.#ranges(inclusionRanges(index, size), size);
    const there = size - (index / WIDTH) * WIDTH;
    const width = there < WIDTH ? Number(there) : TILE_WIDTH;
    const entries = await this.bundle(index / WIDTH, width);
    const entry = entries?.[Number(index % WIDTH)];
    // Of an entry that is not kept any more, its hash is; what is handed out is hashed here.
    const leaf = entry ? leafHash(entry) : (await this.hashes({ level: 0, index: index / WIDTH, width }))[Number(index % WIDTH)];
    const led = leaf && rootFromInclusion({ index, size, leafHash: leaf, proof });
    if (!led || !equalBytes(led, root)) throw new LogFault('LOG_TREE_INVALID', `the tiles do not prove the entry ${index}`);
    return { entry, proof };
  }

  /** Hashes that prove that the newer tree begins with the older one. Throws LogFault when it does not. */
  async consistency(older: Checkpoint, newer: Checkpoint): Promise<readonly Uint8Array[]> {
    if (older.origin !== newer.origin) throw new LogFault('LOG_UNKNOWN', 'the two checkpoints are of two logs');
    if (older.size > newer.size) throw new LogFault('LOG_INCONSISTENT', `the log has ${newer.size} entries, and had ${older.size} before`);
    if (older.size === newer.size) {
      if (!equalBytes(older.root, newer.root)) throw new LogFault('LOG_INCONSISTENT', `there are two trees of ${older.size} entries`);
      return [];
    }
    if (older.size === 0n) return [];
    const proof = await this.#ranges(consistencyRanges(older.size, newer.size), newer.size);
    if (!verifyConsistency({ size1: older.size, size2: newer.size, root1: older.root, root2: newer.root, proof })) {
      throw new LogFault('LOG_INCONSISTENT', `the tree of ${newer.size} entries does not begin with the one of ${older.size}`);
    }
    return proof;
  }

  async #ranges(ranges: readonly { readonly start: bigint; readonly end: bigint }[], size: bigint): Promise<Uint8Array[]> {
    const found = new Map<string, readonly Uint8Array[]>();
    await Promise.all(tilesOfRanges(ranges, size).map(async (tile) => found.set(tilePath(tile), await this.hashes(tile))));
    const read: TileHashes = (tile) => found.get(tilePath(tile)) ?? [];
    return ranges.map((range) => rangeHash(range, size, read));
  }
}
