/** A log that is open: entries go in, and what it answers can be held against it. */
import { existsSync } from 'node:fs';
import type { Signer } from '../../clients/signers/index.ts';
import type { PublicKey } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { OpenStore } from './folder-store.ts';
import { type LogForm, PLAIN_ENTRIES, readBundle } from './log-form.ts';
import { type Included, LogEngine, type Pace } from './log-engine.ts';
import type { PendingEntry, StoredTile } from './log-store.ts';
import { type KeyMark, openKeyMark } from './key-mark.ts';
import { createNoteSigner, treeHeadSigner } from './note-signer.ts';
import type { TileSource } from './tile-routes.ts';
import { cosigning, type WitnessSettings } from './witnessed.ts';

export interface LogOptions {
  /** The name of the log: for one that clients of Rekor read, the host name of its URL, without a port. */
  readonly origin: string;
  /** Ed25519 or ECDSA P-256; nothing else may ever sign with it. */
  readonly signer: Signer;
  /** Further keys that sign each checkpoint, such as one of ML-DSA-44. */
  readonly besides?: readonly Signer[];
  readonly store: OpenStore;
  /** Who has to see a checkpoint before it is shown. */
  readonly witnesses?: WitnessSettings;
  /** Of the leaves; plain ones when not said. */
  readonly form?: LogForm;
  /** A file beside the key, best on another disk than the store: which store the key signs for, and how far it came. */
  readonly mark?: string;
  /** Called once when the log cannot go on; the process should end, and be looked at. */
  readonly failed: (error: SealwardError) => void;
  readonly pace?: Partial<Pace>;
}

export interface OpenedLog {
  readonly origin: string;
  /** Of the first key: what a trusted root says of the log. */
  readonly key: PublicKey;
  readonly logId: Uint8Array;
  /** The `vkey` of each key. */
  readonly vkeys: readonly string[];
  readonly tiles: TileSource;
  /** Answers when the entry stands under a signed checkpoint. Throws ERR_LOG_BUSY, ERR_LOG_FROZEN, ERR_SERVICE_UNAVAILABLE. */
  add(entry: PendingEntry): Promise<Included>;
  /** An entry that a checkpoint covers, with its proof. */
  proven(index: bigint): Promise<{ readonly body: Uint8Array; readonly included: Included }>;
  consistencyProof(from: bigint, to: bigint): Promise<readonly Uint8Array[]>;
  /** Keeps further files that never change beside the tiles. */
  keep(files: readonly StoredTile[]): Promise<void>;
  kept(path: string): Promise<Uint8Array | undefined>;
  /** Takes nothing new from now on, and after any start. */
  freeze(): Promise<void>;
  frozen(): Promise<boolean>;
  health(): LogHealth;
  close(): Promise<void>;
}

export interface LogHealth {
  readonly ready: boolean;
  /** Why not. */
  readonly reason?: string;
  readonly size: bigint;
  readonly waiting: number;
}

/** Opens a log, or makes one where there is nothing. Throws ERR_STATE_INVALID, ERR_LOG_INCONSISTENT or ERR_LOG_ROLLED_BACK, and changes nothing then. */
export async function openLog(options: LogOptions): Promise<OpenedLog> {
  const { origin, signer, besides = [], failed, pace, mark, form = PLAIN_ENTRIES, witnesses } = options;
  const signers = [
    form.signs === 'tree-head' ? treeHeadSigner(origin, signer) : createNoteSigner(origin, signer),
    ...besides.map((one) => createNoteSigner(origin, one)),
  ];
  const [first] = signers as [(typeof signers)[0]];
  const { logId } = first;
  const store = await options.store({ origin, logId }, mark !== undefined && existsSync(mark));
  const cosign = witnesses && cosigning(witnesses);
  let engine: LogEngine;
  let keyMark: KeyMark | undefined;
  try {
    keyMark = mark === undefined ? undefined : await openKeyMark(mark, first, store);
    engine = await LogEngine.open({
      origin,
      signers,
      store,
      form,
      failed,
      ...(keyMark ? { shown: keyMark.shown } : {}),
      ...(pace ? { pace } : {}),
      ...(cosign ? { cosign } : {}),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  const size = (): bigint => engine.published?.size ?? 0n;
  return {
    origin,
    key: signer.publicKey(),
    logId,
    vkeys: signers.map(({ vkey }) => vkey),
    tiles: {
      size,
      checkpoint: () => engine.published?.note,
      tile: (level, index, width) => engine.tree.tile(level, index, width),
      bundle: (index, width) => readBundle(store, form, index, width),
      bundleName: form.bundleName,
    },
    keep: (files) => store.tiles.put(files),
    kept: (path) => store.tiles.get(path),
    add: (entry) => engine.add(entry),
    async proven(index) {
      const tree = engine.published;
      const [entry] = tree && index >= 0n && index < tree.size ? await store.entries(index, index + 1n) : [];
      if (!tree || !entry) throw new SealwardError('ERR_NOT_FOUND', `no checkpoint covers an entry ${index}`);
      return { body: entry.body, included: { index, tree, proof: await engine.tree.inclusionProof(index, tree.size) } };
    },
    consistencyProof: (from, to) => engine.tree.consistencyProof(from, to),
    freeze: () => store.freeze(),
    frozen: () => store.frozen(),
    health() {
      const { failure, waiting } = engine;
      return { ready: failure === undefined, ...(failure ? { reason: failure.message } : {}), size: size(), waiting };
    },
    async close() {
      await engine.close();
      await keyMark?.close();
    },
  };
}
