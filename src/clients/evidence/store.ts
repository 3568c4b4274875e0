/**
 * What was fetched, kept: bytes by their digest, and beside them small records of how asking each place ended. Bytes prove
 * themselves; records are what this installation saw, and carry its seal. Whatever does not prove itself is not there.
 */
import type { JsonObject } from '../../core/encoding/index.ts';

/**
 * `answers`: the places of one digest in one repository. `tags`: what a tag stood for. `edges`: verdicts of cryptography
 * over one document. `pins`: digests that stay, with the reason. `admitted`: when a digest was last let in. `indexes`: which
 * indexes list a digest. `withheld`: documents about a digest that its places listed before, and do not list any more.
 */
export const RECORD_KINDS = ['answers', 'tags', 'edges', 'pins', 'admitted', 'indexes', 'withheld'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export interface StoredRecord {
  readonly kind: RecordKind;
  readonly key: string;
  readonly body: JsonObject;
}

/** Something in the store that is not what it claims to be; it is treated as not there. */
export interface StoreProblem {
  /** Within the store. */
  readonly path: string;
  readonly why: string;
}

export interface EvidenceStore {
  /** The bytes of a digest such as `sha256:hex`, held against it at every read; undefined when they are not there. */
  readonly bytes: (digest: string) => Uint8Array | undefined;
  /** Keeps bytes that have that digest. False when they could not be kept: reading goes on, the store does not grow. */
  readonly keep: (digest: string, bytes: Uint8Array) => boolean;
  readonly record: (kind: RecordKind, key: string) => JsonObject | undefined;
  readonly write: (kind: RecordKind, key: string, body: JsonObject) => boolean;
  readonly remove: (kind: RecordKind, key: string) => void;
  /** Every record of a kind, in the order of their keys. */
  readonly records: (kind: RecordKind) => readonly StoredRecord[];
}
