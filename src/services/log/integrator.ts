/**
 * From entries with indexes to a signed checkpoint, in the order that survives a crash at any step: tiles, the check by a
 * second way, the signature, its record, the cosignatures, the publication. Nothing here may be left out or swapped.
 */
import { decodeUtf8, equalBytes, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { CompactRange, encodeCheckpoint, parseCheckpoint, parseNote, TILE_WIDTH, tilePath, verifyConsistency, verifyNote } from '../../core/tlog/index.ts';
import { type LogForm, readBundle } from './log-form.ts';
import type { LogStore, SignedTree, StoredTile } from './log-store.ts';
import { type FullTile, LogTree } from './log-tree.ts';
import { type NoteSigner, signNote } from './note-signer.ts';

export interface IntegratorOptions {
  readonly origin: string;
  /** The first is the one that clients know. */
  readonly signers: readonly NoteSigner[];
  readonly store: LogStore;
  readonly form: LogForm;
  /**
   * Asks witnesses; answers the note with their lines, or throws when too few gave one.
   * @param proof from the tree of the size that it is asked about.
   */
  readonly cosign?: (note: string, proof: (from: bigint) => Promise<readonly Uint8Array[]>) => Promise<string>;
}

/** Entries read at once. */
const CHUNK = 4096n;
const WIDTH = BigInt(TILE_WIDTH);

export class Integrator {
  readonly #options: IntegratorOptions;
  readonly tree: LogTree;
  /** The same tree by the second way; never ahead of it. */
  readonly #second: CompactRange;
  #signed: SignedTree | undefined;
  /** The size of the newest checkpoint that may be shown. */
  #shown: bigint;
  /** Full tiles that are in memory alone. */
  #unkept: FullTile[] = [];

  private constructor(options: IntegratorOptions, tree: LogTree, second: CompactRange, signed: SignedTree | undefined, shown: bigint) {
    this.#options = options;
    this.tree = tree;
    this.#second = second;
    this.#signed = signed;
    this.#shown = shown;
  }

  /** Takes the log up where its sign record says it is, and holds everything that is kept against that. Throws ERR_LOG_INCONSISTENT or ERR_LOG_ROLLED_BACK. */
  static async open(options: IntegratorOptions): Promise<Integrator> {
    const { store, origin, form } = options;
    const { leafOf } = form;
    const signed = await store.record.newest();
    const [size, published] = [await store.size(), await store.published()];
    const [at, shown] = [signed?.size ?? 0n, published?.size ?? 0n];
    if (at > size) {
      throw rolledBack(`the entries end at ${size}, and a checkpoint of ${at} was signed`, 'The entries are an older copy, or some were lost. ' + NEVER_BACK);
    }
    if (shown > at) {
      throw rolledBack(`a checkpoint of ${shown} was shown, and the sign record ends at ${at}`, 'The sign record is an older copy, or was lost. ' + NEVER_BACK);
    }
    const load = loadTile(store);
    const tree = await LogTree.restore(at, load, async (from, to) => (await store.entries(from, to)).map(({ body }) => leafOf(body)));
    if (signed && !equalBytes(await tree.root(), signed.root)) {
      throw inconsistent(`the ${at} entries that are kept do not hash to the root that was signed`, 'Entries or tiles were changed. ' + NEVER_BACK);
    }
    if (signed) checkOwnNote(signed, origin, options.signers);
    return new Integrator(options, tree, new CompactRange(await tree.peaks()), signed, shown);
  }

  get signed(): SignedTree | undefined {
    return this.#signed;
  }

  /** Whether a checkpoint is signed that may not be shown yet. */
  get heldBack(): boolean {
    return (this.#signed?.size ?? 0n) > this.#shown;
  }

  /**
   * Takes in what has an index by now, signs for it, and shows it. Answers the newest checkpoint that may be shown, or undefined
   * when there is nothing new, or another process signed first.
   */
  async round(): Promise<SignedTree | undefined> {
    const { store, origin, signers } = this.#options;
    await this.#catchUp();
    const previous = this.#signed;
    // Signed, and then something came between: it is shown first, as it was signed.
    if (previous && previous.size > this.#shown) return this.#show(previous);
    const size = await store.size();
    if (size === (previous?.size ?? 0n)) return undefined;
    await this.#takeIn(size);
    await this.#keepTiles();
    const root = await this.tree.root(size);
    if (this.#second.size !== size || !equalBytes(this.#second.root(), root)) {
      throw inconsistent(
        `two ways to hash ${size} entries disagree`,
        'Memory or disk of this machine changes bytes: nothing was signed. Move the log to another one.',
      );
    }
    if (previous) await this.#prove(previous, { size, root });
    const signed: SignedTree = { size, root, note: await signNote(encodeCheckpoint({ origin, size, root }), signers) };
    // From here on the log has promised this tree, whether or not anybody hears of it.
    if (!(await store.record.add(previous?.size ?? 0n, signed))) return undefined;
    this.#signed = signed;
    return this.#show(signed);
  }

  async #show(signed: SignedTree): Promise<SignedTree> {
    const { store, cosign } = this.#options;
    const note = cosign ? await cosign(signed.note, (from) => this.tree.consistencyProof(from, signed.size)) : signed.note;
    await store.publish(signed.size, note);
    this.#shown = signed.size;
    return { ...signed, note };
  }

  /** At a start: whether those who cosigned before have seen more than is kept here. Throws ERR_LOG_ROLLED_BACK. */
  async askAgain(): Promise<void> {
    const [signed, { cosign }] = [this.#signed, this.#options];
    if (!signed || !cosign) return;
    try {
      await cosign(signed.note, (from) => this.tree.consistencyProof(from, signed.size));
    } catch (error) {
      // Whom nobody can reach says nothing now, and is asked again before anything is shown.
      if (!(error instanceof SealwardError) || error.code === 'ERR_LOG_ROLLED_BACK') throw error;
    }
  }

  /** Follows a checkpoint that another process published; refuses one that the entries do not bear out. */
  async follow({ size, note }: { readonly size: bigint; readonly note: string }): Promise<SignedTree> {
    const signed = readOwnNote(note, this.#options.origin, this.#options.signers);
    await this.#takeIn(size);
    this.#forgetTiles(size);
    if (signed.size !== size || !equalBytes(await this.tree.root(size), signed.root)) {
      throw inconsistent(`the checkpoint of ${size} entries that was published is not of the entries that are kept`, NEVER_BACK);
    }
    if (size > this.#shown) this.#shown = size;
    return signed;
  }

  /** Another process may have signed since; what it signed must be what we would have. */
  async #catchUp(): Promise<void> {
    const newest = await this.#options.store.record.newest();
    const [ours, theirs] = [this.#signed?.size ?? 0n, newest?.size ?? 0n];
    if (theirs < ours) throw rolledBack(`the sign record went back from ${ours} to ${theirs}`, NEVER_BACK);
    if (!newest || theirs === ours) return;
    const size = await this.#options.store.size();
    if (theirs > size) throw rolledBack(`the entries end at ${size}, and a checkpoint of ${theirs} was signed`, NEVER_BACK);
    await this.#takeIn(theirs);
    this.#forgetTiles(theirs);
    if (!equalBytes(await this.tree.root(theirs), newest.root))
      throw inconsistent(`the checkpoint of ${theirs} entries is not of those that are kept`, NEVER_BACK);
    this.#signed = newest;
    this.#shown = (await this.#options.store.published())?.size ?? 0n;
  }

  /** Two ways at once: the hashes that came with the entries, and those of the bytes as they were read back. */
  async #takeIn(size: bigint): Promise<void> {
    while (this.tree.size < size) {
      const from = this.tree.size;
      const { store, form } = this.#options;
      const to = size - from > CHUNK ? from + CHUNK : size;
      const entries = await store.entries(from, to);
      if (BigInt(entries.length) !== to - from) throw inconsistent(`of the entries from ${from} to ${to} there are ${entries.length}`, NEVER_BACK);
      this.#unkept.push(...this.tree.append(entries.map(({ leaf }) => leaf)));
      for (const { body } of entries) this.#second.push(form.leafOf(body));
    }
  }

  /** Before anything is signed that needs them. */
  async #keepTiles(): Promise<void> {
    if (this.#unkept.length === 0) return;
    const { tiles } = this.#options.store;
    const wanted = this.#unkept.map(storedTile);
    await tiles.put(tiles.keepsEntries ? [...wanted, ...(await this.#bundles())] : wanted);
    this.#unkept = [];
  }

  /** Who signed a tree of that size has kept its tiles. */
  #forgetTiles(size: bigint): void {
    if (this.tree.size <= size) this.#unkept = [];
  }

  async #bundles(): Promise<StoredTile[]> {
    const { store, form } = this.#options;
    const indexes = this.#unkept.filter(({ level }) => level === 0).map(({ index }) => index);
    return Promise.all(
      indexes.map(async (index) => ({
        path: tilePath({ level: 'entries', index, width: TILE_WIDTH }).replace('entries', form.bundleName),
        bytes: await readBundle(store, form, index, TILE_WIDTH),
      })),
    );
  }

  /** The public verifier says that the new tree contains the old one, or nothing is signed. */
  async #prove(previous: SignedTree, next: { readonly size: bigint; readonly root: Uint8Array }): Promise<void> {
    const proof = await this.tree.consistencyProof(previous.size, next.size);
    if (!verifyConsistency({ size1: previous.size, size2: next.size, root1: previous.root, root2: next.root, proof })) {
      throw inconsistent(`the tree of ${next.size} entries does not contain the one of ${previous.size} that was signed`, NEVER_BACK);
    }
  }
}

const NEVER_BACK =
  'Nothing was signed and nothing changed. Never go on from an older copy: find the newest files, or open a new shard and let the old one be read only.';

function inconsistent(message: string, hint: string): SealwardError {
  return new SealwardError('ERR_LOG_INCONSISTENT', message, { hint });
}

function rolledBack(message: string, hint: string): SealwardError {
  return new SealwardError('ERR_LOG_ROLLED_BACK', message, { hint });
}

function loadTile(store: LogStore) {
  return async (level: number, index: bigint): Promise<readonly Uint8Array[]> => {
    const bytes = await store.tiles.get(tilePath({ level, index, width: TILE_WIDTH }));
    // Tiles are derived: what one process has not kept yet, another one makes out of the entries.
    if (bytes) return hashesOf(bytes);
    if (level > 0) throw inconsistent(`the tile ${index} at level ${level} is missing`, NEVER_BACK);
    return (await store.entries(index * WIDTH, (index + 1n) * WIDTH)).map(({ leaf }) => leaf);
  };
}

function hashesOf(bytes: Uint8Array): Uint8Array[] {
  invariant(bytes.length === TILE_WIDTH * 32, 'a tile is kept that is not whole');
  return Array.from({ length: TILE_WIDTH }, (_, i) => bytes.slice(i * 32, (i + 1) * 32));
}

function storedTile({ level, index, hashes }: FullTile): StoredTile {
  const bytes = new Uint8Array(hashes.length * 32);
  hashes.forEach((hash, i) => bytes.set(hash, i * 32));
  return { path: tilePath({ level, index, width: TILE_WIDTH }), bytes };
}

function checkOwnNote(signed: SignedTree, origin: string, signers: readonly NoteSigner[]): void {
  const read = readOwnNote(signed.note, origin, signers);
  if (read.size !== signed.size || !equalBytes(read.root, signed.root)) throw inconsistent('the sign record contradicts itself', NEVER_BACK);
}

function readOwnNote(text: string, origin: string, signers: readonly NoteSigner[]): SignedTree {
  const note = parseNote(text);
  const checkpoint = parseCheckpoint(note);
  const verdict = verifyNote(
    note,
    signers.slice(0, 1).map(({ verifier }) => verifier),
  );
  if (!verdict.ok || checkpoint.origin !== origin) {
    throw inconsistent(`a checkpoint that is kept is not signed by this log: ${decodeUtf8(utf8(checkpoint.origin), 'the origin')}`, NEVER_BACK);
  }
  return { size: checkpoint.size, root: checkpoint.root, note: text };
}
