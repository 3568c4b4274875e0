/**
 * A log of one writer in a folder: an entry is on the disk before its index is answered, a checkpoint is recorded before it
 * is shown, and everything lies there as C2SP tlog-tiles has it, for any reader.
 *
 *   checkpoint, tile/...     what others read; made from the rest
 *   journal/N.wal            what was committed since the last full bundles that are known to be on the disk
 *   signed.jsonl             every checkpoint ever signed; `record` keeps it elsewhere, best on another disk
 *   lock.db                  held by the one process that writes
 *
 * A database can take the place of the folder: behind JournalFiles for the bytes (append and sync are one transaction, put
 * an insert that must not change what is there), behind SignRecord for what was signed (a row that is compared and set).
 */
import { concatBytes, decodeUtf8, equalBytes, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { CompactRange, type GrowingTree, type HashTile, inclusionRanges, rangeHash, TILE_WIDTH, tilePath, tilesOfRanges } from '../../core/tlog/index.ts';
import { Batch, type TreeState } from './batch.ts';
import { folderFiles, type JournalFiles, refusedByDisk } from './files.ts';
import { Publisher, type PublisherOptions, readOwnCheckpoint, readOwnNote } from './publisher.ts';
import { recoverTree, rolledBack } from './recovery.ts';
import { openSignRecord, type SignedTree, type SignRecord } from './sign-record.ts';
import { readBundle, readHashes } from './tiles.ts';
import { type Place, WriteAhead } from './write-ahead.ts';

export interface JournalOptions extends Pick<PublisherOptions, 'origin' | 'keys' | 'elsewhere' | 'cosign'> {
  /** The folder, or whatever does its work. */
  readonly place: string | JournalFiles;
  /** Where the record of signed checkpoints lies; without it, in the same folder. */
  readonly record?: string | JournalFiles | SignRecord;
  /** Begins the log when there is nothing at all; its origin must never have been used. */
  readonly create?: boolean;
  /** Called once, when nothing can be written or signed until a new start: the process should end itself. */
  readonly failed: (error: SealwardError) => void;
  readonly pace?: Partial<JournalPace>;
}

export interface JournalPace {
  /** How long the first entry of a commit waits for others, in milliseconds; 0 for those of the same turn only. */
  readonly gatherMs: number;
  /** Entries in one commit at most. */
  readonly perCommit: number;
  /** Entries that may wait for the disk; whoever comes then gets ERR_LOG_BUSY. */
  readonly outstanding: number;
  /** How long after a commit the checkpoint over it is signed, in milliseconds; undefined: only when `sign` is called. */
  readonly signAfterMs: number | undefined;
  /** When a new write-ahead file is begun. */
  readonly segmentBytes: number;
  /** When a new file for the record of what was signed is begun. */
  readonly recordBytes: number;
}

const PACE: JournalPace = {
  gatherMs: 0,
  perCommit: 4096,
  outstanding: 65_536,
  signAfterMs: 1000,
  segmentBytes: 64 * 1024 * 1024,
  recordBytes: 8 * 1024 * 1024,
};
const LONGEST_ENTRY = 0xffff;
const WIDTH = BigInt(TILE_WIDTH);
const NOTHING = new Uint8Array();
/** Where the index of the first entry stands that was not pruned. */
const KEPT = 'journal/kept';

export interface Ticket {
  readonly index: bigint;
  /** Settles when the entry outlives a loss of power. */
  readonly durable: Promise<void>;
}

/** Throws what is said of a journal that is not whole, ERR_JOURNAL_IN_USE, and ERR_FILE_UNREADABLE or ERR_JOURNAL_FAILED for what the disk refuses. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  try {
    return await open(options);
  } catch (error) {
    throw refusedByDisk(error, `the journal ${options.origin} cannot be opened`);
  }
}

async function open(options: JournalOptions): Promise<Journal> {
  const files = typeof options.place === 'string' ? folderFiles(options.place) : options.place;
  const unlock = files.lock();
  let unlockRecord = (): void => {};
  let closeRecord = async (): Promise<void> => {};
  try {
    const { origin, create = false, record: place = files } = options;
    const pace = { ...PACE, ...options.pace };
    const begun = await WriteAhead.exists(files);
    let record: SignRecord;
    if (typeof place === 'object' && 'newest' in place) record = place;
    else {
      const recordFiles = typeof place === 'string' ? folderFiles(place) : place;
      closeRecord = () => recordFiles.close();
      if (recordFiles !== files) unlockRecord = recordFiles.lock();
      record = await openSignRecord(recordFiles, origin, create && !begun, pace.recordBytes);
    }
    const signed = await record.newest();
    if (signed) readOwnNote(signed, options);
    if (!begun && signed) throw rolledBack(`the log ${origin} signed ${signed.size} entries, and none of them is here`);
    if (!begun && !create) {
      throw new SealwardError('ERR_STATE_INVALID', 'there is no journal here', { hint: 'Begin one with `create`, under an origin that was never used.' });
    }
    const log = new WriteAhead(files, pace.segmentBytes);
    if (!begun) await log.create();
    const kept = await readKept(files);
    const recovered = await recoverTree(files, log, signed, kept);
    const second = new CompactRange(recovered.signedPeaks);
    if (signed && !equalBytes(second.root(), signed.root)) {
      throw new SealwardError('ERR_LOG_INCONSISTENT', `the first ${signed.size} entries are not those that were signed`);
    }
    const publisher = new Publisher({ ...options, files, record }, log, signed, second, recovered);
    const journal = new Journal({ options, pace, files, log, publisher, ...recovered, kept }, async () => {
      await files.close();
      await record.close();
      unlockRecord();
      unlock();
    });
    for (const text of (await options.elsewhere?.()) ?? []) await journal.compareWith(text);
    await publisher.publish();
    return journal;
  } catch (error) {
    await files.close();
    await closeRecord();
    unlockRecord();
    unlock();
    throw error;
  }
}

interface Parts {
  readonly options: JournalOptions;
  readonly pace: JournalPace;
  readonly files: JournalFiles;
  readonly log: WriteAhead;
  readonly publisher: Publisher;
  readonly tree: GrowingTree;
  /** Frames that no checkpoint covers yet, the tiles they filled, and the entries since the last multiple of 256. */
  readonly places: readonly Place[];
  readonly tiles: readonly HashTile[];
  readonly carry: Uint8Array;
  readonly kept: bigint;
}

export class Journal {
  readonly #parts: Parts;
  readonly #release: () => Promise<void>;
  #open: Batch | undefined;
  readonly #sealed: Batch[] = [];
  #waiting = 0;
  #committing: Promise<void> | undefined;
  #signing: Promise<SignedTree | undefined> | undefined;
  #dropping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: SealwardError | undefined;
  #closing = false;
  #durable: TreeState;
  /** Of the durable tree, not covered by a checkpoint. */
  #places: Place[];
  #tiles: HashTile[];
  #carry: Uint8Array;
  #kept: bigint;

  constructor(parts: Parts, release: () => Promise<void>) {
    this.#parts = parts;
    this.#release = release;
    const { tree } = parts;
    this.#durable = { size: tree.size, root: tree.root(), edge: tree.edge() };
    this.#places = [...parts.places];
    this.#tiles = [...parts.tiles];
    this.#carry = parts.carry;
    this.#kept = parts.kept;
    if (this.#places.length > 0) this.#signLater();
  }

  /** Entries that are on the disk. */
  get size(): bigint {
    return this.#durable.size;
  }
  /** The newest checkpoint; undefined before the first. */
  get signed(): SignedTree | undefined {
    return this.#parts.publisher.signed;
  }
  get failure(): SealwardError | undefined {
    return this.#failure;
  }
  /** Why the newest checkpoint is not shown yet: its witnesses have not cosigned. */
  get heldBack(): SealwardError | undefined {
    return this.#parts.publisher.heldBack;
  }
  /** Entries that wait for the disk. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes an entry of up to 65,535 bytes and says which index it will have. Throws ERR_LOG_BUSY, ERR_TOO_LARGE, ERR_JOURNAL_FAILED. */
  add(entry: Uint8Array): Ticket {
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the journal is being closed');
    if (entry.length > LONGEST_ENTRY) throw new SealwardError('ERR_TOO_LARGE', `an entry has ${entry.length} bytes, the bound is ${LONGEST_ENTRY}`);
    if (this.#waiting >= this.#parts.pace.outstanding) throw new SealwardError('ERR_LOG_BUSY', `${this.#waiting} entries wait for the disk already`);
    const { tree } = this.#parts;
    const index = tree.size;
    this.#open ??= new Batch(index);
    const batch = this.#open;
    tree.append(entry);
    batch.add(entry);
    this.#waiting++;
    if (batch.count >= this.#parts.pace.perCommit) this.#seal();
    this.#committing ??= this.#commit();
    return { index, durable: batch.durable };
  }

  /** The index of the entry, when it is on the disk. */
  async append(entry: Uint8Array): Promise<bigint> {
    const { index, durable } = this.add(entry);
    await durable;
    return index;
  }

  #seal(): void {
    const batch = this.#open;
    if (!batch) return;
    const { tree } = this.#parts;
    batch.seal({ size: tree.size, root: tree.root(), edge: tree.edge() }, tree.takeFullTiles());
    this.#sealed.push(batch);
    this.#open = undefined;
  }

  async #commit(): Promise<void> {
    const { gatherMs } = this.#parts.pace;
    await (gatherMs > 0 && !this.#closing ? sleep(gatherMs) : new Promise((resolve) => setImmediate(resolve)));
    while (!this.#failure) {
      if (this.#sealed.length === 0) this.#seal();
      const batch = this.#sealed.shift();
      if (!batch) break;
      try {
        await this.#write(batch);
      } catch (cause) {
        batch.fail(this.#fail(cause));
      }
    }
    this.#committing = undefined;
  }

  async #write(batch: Batch): Promise<void> {
    const frame = batch.frame();
    const { size, root } = this.#durable;
    const place = await this.#parts.log.write(frame, { size, root, count: Number(size % WIDTH), body: this.#carry });
    this.#carry = nextCarry(this.#carry, batch);
    this.#durable = batch.state as TreeState;
    this.#places.push(place);
    this.#tiles.push(...batch.tiles);
    this.#waiting -= batch.count;
    batch.succeed();
    this.#signLater();
  }

  #signLater(): void {
    const { signAfterMs } = this.#parts.pace;
    if (signAfterMs === undefined || this.#closing) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.sign().catch(() => {});
    }, signAfterMs);
    this.#timer.unref();
  }

  /** Signs and publishes a checkpoint over all that is on the disk now; undefined when the log is empty. */
  async sign(): Promise<SignedTree | undefined> {
    // Whoever asks during a round wants what came after its beginning, too.
    while (this.#signing) await this.#signing;
    if (this.#failure) throw this.#failure;
    this.#signing = this.#round();
    try {
      return await this.#signing;
    } finally {
      this.#signing = undefined;
    }
  }

  async #round(): Promise<SignedTree | undefined> {
    const { publisher } = this.#parts;
    const [state, places, tiles] = [this.#durable, this.#places, this.#tiles];
    try {
      if (state.size === (publisher.signed?.size ?? 0n)) {
        if (publisher.heldBack) await publisher.publish();
        return publisher.signed;
      }
      this.#places = [];
      this.#tiles = [];
      const tree = await publisher.round(state, places, tiles);
      this.#dropping ??= publisher
        .dropOld()
        .catch((cause: unknown) => void this.#fail(cause))
        .finally(() => {
          this.#dropping = undefined;
        });
      return tree;
    } catch (cause) {
      throw this.#fail(cause);
    } finally {
      if (publisher.heldBack) this.#signLater();
    }
  }

  /** After a write that failed the disk is unknown, and after a contradiction the log: nothing more is written or signed. */
  #fail(cause: unknown): SealwardError {
    if (this.#failure) return this.#failure;
    const error = cause instanceof SealwardError ? cause : failedWrite(cause);
    this.#failure = error;
    for (const batch of [...this.#sealed.splice(0), ...(this.#open ? [this.#open] : [])]) batch.fail(error);
    this.#open = undefined;
    clearTimeout(this.#timer);
    this.#parts.options.failed(error);
    return error;
  }

  /** Entries from `from` up to, not including, `to`; of those that a checkpoint covers. */
  async entries(from: bigint, to: bigint): Promise<Uint8Array[]> {
    const size = this.signed?.size ?? 0n;
    invariant(from >= 0n && from <= to && to <= size, `no entries [${from}, ${to}) are published`);
    if (from < this.#kept && from < to) throw new SealwardError('ERR_NOT_FOUND', `entries before ${this.#kept} are not kept any more`);
    const out: Uint8Array[] = [];
    for (let index = from / WIDTH; index * WIDTH < to; index++) {
      const width = size - index * WIDTH < WIDTH ? Number(size - index * WIDTH) : TILE_WIDTH;
      const bundle = await readBundle(this.#parts.files, index, width);
      const first = index * WIDTH;
      out.push(...bundle.slice(first < from ? Number(from - first) : 0, to - first < WIDTH ? Number(to - first) : TILE_WIDTH));
    }
    return out;
  }

  /** Index of the first entry that is kept; those before it were pruned. */
  get kept(): bigint {
    return this.#kept;
  }

  /**
   * Lets go of the entries before an index, as far as they fill whole bundles that a checkpoint covers. Their hashes stay:
   * the tree, and every proof of what is left, stay what they were.
   */
  async prune(before: bigint): Promise<void> {
    const { files } = this.#parts;
    const signed = this.signed?.size ?? 0n;
    const end = before < signed ? before / WIDTH : signed / WIDTH;
    if (end * WIDTH <= this.#kept) return;
    for (let index = this.#kept / WIDTH; index < end; index++) await files.remove(tilePath({ level: 'entries', index, width: TILE_WIDTH }));
    this.#kept = end * WIDTH;
    await files.put(KEPT, utf8(`${this.#kept}\n`), true);
  }

  /** The siblings of an entry, from the leaf upwards, in the newest signed tree. */
  async prove(index: bigint): Promise<{ readonly tree: SignedTree; readonly proof: readonly Uint8Array[] }> {
    const tree = this.signed;
    if (!tree || index >= tree.size) throw new SealwardError('ERR_NOT_FOUND', `no checkpoint covers the entry ${index} yet`);
    const ranges = inclusionRanges(index, tree.size);
    const read = await readHashes(this.#parts.files, tilesOfRanges(ranges, tree.size));
    return { tree, proof: ranges.map((range) => rangeHash(range, tree.size, read)) };
  }

  /** Proves that the newest signed tree begins with the one of `old` entries. */
  async consistency(old: bigint): Promise<readonly Uint8Array[]> {
    const size = this.signed?.size ?? 0n;
    if (old > size) throw new SealwardError('ERR_NOT_FOUND', `no checkpoint covers ${old} entries yet`);
    return this.#parts.publisher.consistency(old, size);
  }

  /** Throws ERR_LOG_ROLLED_BACK when a checkpoint that somebody holds is not one of this log's past. */
  async compareWith(text: string): Promise<void> {
    const seen = readOwnCheckpoint(text, this.#parts.options);
    const signed = this.signed;
    if (seen.size > (signed?.size ?? 0n)) throw rolledBack(`others have seen ${seen.size} entries of this log, and ${signed?.size ?? 0n} are recorded here`);
    if (!signed || seen.size === 0n) return;
    const range = { start: 0n, end: seen.size };
    const read = await readHashes(this.#parts.files, tilesOfRanges([range], signed.size));
    if (!equalBytes(rangeHash(range, signed.size, read), seen.root)) {
      throw rolledBack(`others hold another tree of ${seen.size} entries`);
    }
  }

  /** Commits and signs what was begun, and lets go of the folder. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    while (this.#committing) await this.#committing;
    await (this.#failure ? this.#signing : this.sign())?.catch(() => {});
    await this.#dropping;
    await this.#release();
  }
}

function nextCarry(carry: Uint8Array, batch: Batch): Uint8Array {
  const { body } = batch;
  const { size } = batch.state as TreeState;
  const start = (size / WIDTH) * WIDTH;
  if (start <= batch.first) return concatBytes(start === batch.first ? NOTHING : carry, body);
  let at = 0;
  for (let index = batch.first; index < start; index++) at += 2 + (body[at] as number) * 256 + (body[at + 1] as number);
  return body.slice(at);
}

async function readKept(files: JournalFiles): Promise<bigint> {
  const text = decodeUtf8((await files.read(KEPT)) ?? utf8('0\n'), KEPT).trim();
  if (!/^\d{1,19}$/.test(text)) throw new SealwardError('ERR_JOURNAL_DAMAGED', `${KEPT} is no index`);
  return BigInt(text);
}

function failedWrite(cause: unknown): SealwardError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SealwardError('ERR_JOURNAL_FAILED', `the journal cannot be written: ${message}`, { cause });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
