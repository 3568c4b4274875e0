/** What a log needs of a database, as ports. Behind them stand a file, a server, or whatever a test breaks. */

export interface NewEntry {
  readonly body: Uint8Array;
  /** The leaf hash of the body. */
  readonly leaf: Uint8Array;
}

/** An entry whose bytes hold its own index, as in logs of certificates; asked more than once, it answers the same. */
export interface EntryAtIndex {
  at(index: bigint): NewEntry;
}

export type PendingEntry = NewEntry | EntryAtIndex;

/** Entries in the order of their indexes, which have no gaps and are never given twice. */
export interface LogStore {
  /** Random; copies of the store have the same. */
  id(): Promise<string>;
  /** Gives each entry the next index, or the one that it has already. Returns when that outlives a crash. */
  sequence(entries: readonly PendingEntry[]): Promise<readonly bigint[]>;
  /** How many entries have an index. */
  size(): Promise<bigint>;
  /** From `from` up to, not including, `to`. */
  entries(from: bigint, to: bigint): Promise<readonly NewEntry[]>;
  /** Lets every server of the log know a checkpoint that may be shown, with its cosignatures. */
  publish(size: bigint, note: string): Promise<void>;
  /** The newest that was published. */
  published(): Promise<{ readonly size: bigint; readonly note: string } | undefined>;
  readonly tiles: TileStorage;
  readonly record: SignRecord;
  /**
   * Whether this process may integrate and sign now; asked before each round. Several may think so for a moment: what
   * keeps them from harm is the sign record.
   */
  lead(): Promise<boolean>;
  /** Calls back when another process may have added or published something; gives the end of that. */
  watch(changed: () => void): () => void;
  /** Closed to new entries; durable. */
  freeze(): Promise<void>;
  frozen(): Promise<boolean>;
  /** Why nothing can be written any more until a new start; undefined while all is well. */
  failure(): Error | undefined;
  close(): Promise<void>;
}

export interface StoredTile {
  /** `tile/0/x001/234`, as tlog-tiles has it. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Tiles that never change: a table, a folder, later a bucket that writes only what is not there. */
export interface TileStorage {
  /** Returns when they outlive a crash. A tile that is there already must have the same bytes; throws ERR_LOG_INCONSISTENT. */
  put(tiles: readonly StoredTile[]): Promise<void>;
  get(path: string): Promise<Uint8Array | undefined>;
  /** Whether full bundles of entries are wanted too, for whoever serves the tiles as files. */
  readonly keepsEntries: boolean;
}

export interface SignedTree {
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly note: string;
}

/**
 * Every checkpoint that was ever signed, kept apart from the entries: what the log promised and may never contradict. It is
 * never restored from a copy, and never rolled back.
 */
export interface SignRecord {
  newest(): Promise<SignedTree | undefined>;
  /** Adds one if the newest still has that size (0: if there is none); false if not. Returns when it outlives a crash. */
  add(previous: bigint, next: SignedTree): Promise<boolean>;
  failure(): Error | undefined;
  close(): Promise<void>;
}
