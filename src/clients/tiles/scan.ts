/** All entries of a log, or those since some tree, hashed again: they lead to the root that was signed, or the log is at fault. */
import { equalBytes } from '../../core/encoding/index.ts';
import { type Checkpoint, edgeTiles, GrowingTree, type HashTile, leafHash, rootFromEdge, TILE_WIDTH, tilePath } from '../../core/tlog/index.ts';
import { LogFault, type SeenCheckpoint, type TileLog } from './tile-log.ts';

export interface KnownTree {
  readonly size: bigint;
  readonly root: Uint8Array;
}

export interface ScanOptions {
  /** Where to go on from; without it from the first entry. */
  readonly from?: KnownTree;
  /** Trees that must have been on the way; each is compared when that size is reached. */
  readonly older?: readonly KnownTree[];
  /** Whether every tile that is served is compared with what the entries say. */
  readonly tiles?: boolean;
  readonly each?: (entry: Uint8Array, index: bigint) => void;
  /** Called now and then, with how many entries were read. */
  readonly progress?: (done: bigint) => void;
}

export interface Scanned {
  /** Entries whose bytes were hashed. */
  readonly entries: bigint;
  /** Entries of which the log keeps only the hash. */
  readonly gone: bigint;
}

const WIDTH = BigInt(TILE_WIDTH);
/** Bundles that are asked for at once. */
const AHEAD = 8;

/** Throws LogFault where the log is at fault, ERR_LOG_FORMAT where it serves what is none. */
export async function scanLog(log: TileLog, { checkpoint }: SeenCheckpoint, options: ScanOptions = {}): Promise<Scanned> {
  const scan = new Scan(log, checkpoint, options);
  return scan.run();
}

class Scan {
  readonly #log: TileLog;
  readonly #checkpoint: Checkpoint;
  readonly #options: ScanOptions;
  #tree = new GrowingTree();
  readonly #older: KnownTree[];
  #entries = 0n;
  #gone = 0n;

  constructor(log: TileLog, checkpoint: Checkpoint, options: ScanOptions) {
    this.#log = log;
    this.#checkpoint = checkpoint;
    this.#options = options;
    this.#older = [...(options.older ?? [])].sort((a, b) => Number(a.size - b.size));
  }

  async run(): Promise<Scanned> {
    const { from } = this.#options;
    const { size } = this.#checkpoint;
    if (from) await this.#resume(from);
    this.#compareOlder();
    const next = this.#tree.size / WIDTH;
    const last = size === 0n ? -1n : (size - 1n) / WIDTH;
    const waiting: ReturnType<Scan['read']>[] = [];
    for (let index = next, asked = next; index <= last; index++) {
      for (; asked <= last && waiting.length < AHEAD; asked++) {
        const read = this.read(asked);
        // It is awaited in its turn; until then a failure is no failure of the process.
        read.catch(() => {});
        waiting.push(read);
      }
      this.#take(await (waiting.shift() as ReturnType<Scan['read']>), index);
      if (this.#options.tiles) await this.#compareTiles(this.#tree.takeFullTiles());
      else this.#tree.takeFullTiles();
      this.#options.progress?.(this.#tree.size);
    }
    if (!equalBytes(this.#tree.root(), this.#checkpoint.root)) {
      throw new LogFault('LOG_TREE_INVALID', `the entries do not hash to the root of the checkpoint of ${size} entries`);
    }
    if (this.#options.tiles) await this.#compareTiles(this.#tree.edge());
    const [missed] = this.#older;
    if (missed) throw new LogFault('LOG_INCONSISTENT', `the log has ${size} entries, and had ${missed.size} before`);
    return { entries: this.#entries, gone: this.#gone };
  }

  async #resume({ size, root }: KnownTree): Promise<void> {
    if (size > this.#checkpoint.size) throw new LogFault('LOG_INCONSISTENT', `the log has ${this.#checkpoint.size} entries, and had ${size} before`);
    const tiles = edgeTiles(size);
    // As wide as they are now: the partial tiles of back then may be gone.
    const rows = await Promise.all(
      tiles.map(async (tile) => {
        const there = (this.#checkpoint.size >> BigInt(8 * tile.level)) - tile.index * WIDTH;
        return (await this.#log.hashes({ ...tile, width: there < WIDTH ? Number(there) : TILE_WIDTH })).slice(0, tile.width);
      }),
    );
    if (!equalBytes(rootFromEdge(rows), root))
      throw new LogFault('LOG_INCONSISTENT', `the tiles of the first ${size} entries are not those that were seen before`);
    this.#tree = GrowingTree.restore(
      size,
      tiles.map((tile, i) => ({ ...tile, bytes: Buffer.concat(rows[i] as Uint8Array[]) })),
    );
  }

  async read(index: bigint): Promise<{ readonly entries: readonly Uint8Array[] } | { readonly hashes: readonly Uint8Array[] }> {
    const there = this.#checkpoint.size - index * WIDTH;
    const width = there < WIDTH ? Number(there) : TILE_WIDTH;
    const entries = await this.#log.bundle(index, width);
    // A log may let go of old entries (tlog-tiles, "Pruning"); their hashes it must keep.
    return entries ? { entries } : { hashes: await this.#log.hashes({ level: 0, index, width }) };
  }

  #take(read: Awaited<ReturnType<Scan['read']>>, index: bigint): void {
    const skip = Number(this.#tree.size - index * WIDTH);
    if ('hashes' in read) {
      // Only the oldest entries may be let go of; whatever else is not there is hidden.
      if (this.#options.from || this.#entries > 0n) throw new LogFault('LOG_TREE_INVALID', `the entries from ${index * WIDTH} on are missing`);
      for (const hash of read.hashes.slice(skip)) {
        this.#tree.appendHash(hash);
        this.#gone++;
        this.#compareOlder();
      }
      return;
    }
    for (const entry of read.entries.slice(skip)) {
      const at = this.#tree.size;
      this.#tree.append(entry);
      this.#entries++;
      this.#options.each?.(entry, at);
      this.#compareOlder();
    }
  }

  #compareOlder(): void {
    for (let [next] = this.#older; next && next.size <= this.#tree.size; [next] = this.#older) {
      this.#older.shift();
      if (next.size < this.#tree.size) throw new LogFault('LOG_INCONSISTENT', `a tree of ${next.size} entries cannot be compared: the scan began behind it`);
      if (!equalBytes(next.root, this.#tree.root()))
        throw new LogFault('LOG_INCONSISTENT', `the first ${next.size} entries are not those that were signed before`);
    }
  }

  async #compareTiles(tiles: readonly HashTile[]): Promise<void> {
    for (const tile of tiles) {
      const served = Buffer.concat(await this.#log.hashes(tile));
      if (!equalBytes(served, tile.bytes)) throw new LogFault('LOG_TREE_INVALID', `${tilePath(tile)} is not what the entries below it hash to`);
    }
  }
}

/** The index of an entry, by its bytes; undefined when the log does not hold it. Reads the hashes of all entries at worst. */
export async function findEntry(log: TileLog, entry: Uint8Array, { checkpoint }: SeenCheckpoint): Promise<bigint | undefined> {
  const wanted = leafHash(entry);
  for (let index = 0n; index * WIDTH < checkpoint.size; index++) {
    const there = checkpoint.size - index * WIDTH;
    const at = (await log.hashes({ level: 0, index, width: there < WIDTH ? Number(there) : TILE_WIDTH })).findIndex((hash) => equalBytes(hash, wanted));
    if (at >= 0) return index * WIDTH + BigInt(at);
  }
  return undefined;
}
