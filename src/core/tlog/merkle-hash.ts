/** RFC 6962 section 2.1: how leaves and nodes of a log's tree are hashed. */
import { hash } from '../crypto/index.ts';

/** Bytes of one hash of the tree: SHA-256 everywhere. */
export const NODE_BYTES = 32;

const LEAF = Uint8Array.of(0x00);

/** One buffer for every node: hashing is synchronous and copies its input, and a proof hashes a node per level. */
const node = new Uint8Array(1 + 2 * NODE_BYTES);
node[0] = 0x01;

const EMPTY_ROOT = hash('sha256', new Uint8Array(0));

/** SHA-256(00 || entry). The prefix keeps an entry from being taken for a node. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return hash('sha256', LEAF, entry);
}

/** SHA-256(01 || left || right); both are 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  node.set(left, 1);
  node.set(right, 1 + NODE_BYTES);
  return hash('sha256', node);
}

/** The root of a tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return EMPTY_ROOT.slice();
}

export function isHash(bytes: Uint8Array): boolean {
  return bytes.length === NODE_BYTES;
}
