/** What an entry is made of: how its bytes become a leaf, and how entries stand together in a file. */
import { encodeEntryBundle, leafHash, TILE_WIDTH } from '../../core/tlog/index.ts';
import type { LogStore } from './log-store.ts';

export interface LogForm {
  readonly leafOf: (body: Uint8Array) => Uint8Array;
  /** Of the files with entries: `tile/entries/000`. */
  readonly bundleName: 'entries' | 'data';
  readonly bundle: (bodies: readonly Uint8Array[]) => Uint8Array;
  /** What the first key signs: the text of the checkpoint, or what RFC 6962 calls a tree head. */
  readonly signs: 'text' | 'tree-head';
}

/** tlog-tiles: the entry is the leaf. */
export const PLAIN_ENTRIES: LogForm = { leafOf: leafHash, bundleName: 'entries', bundle: encodeEntryBundle, signs: 'text' };

export async function readBundle(store: LogStore, { bundle }: LogForm, index: bigint, width: number): Promise<Uint8Array> {
  const from = index * BigInt(TILE_WIDTH);
  return bundle((await store.entries(from, from + BigInt(width))).map(({ body }) => body));
}
