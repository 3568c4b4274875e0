/**
 * Consistency proofs: that a tree is an earlier one with leaves added (RFC 6962 section 2.1.2, RFC 9162 section 2.1.4.2),
 * and that a subtree is part of a tree (draft-ietf-plants-merkle-tree-certs section 4.4).
 */
import { equalBytes, LIMITS } from '../encoding/index.ts';
import { emptyRoot, isHash, nodeHash } from './merkle-hash.ts';
import { isSubtree } from './subtree.ts';

export interface ConsistencyClaim {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

export interface SubtreeConsistencyClaim {
  /** The subtree holds the leaves from start up to, not including, end. */
  readonly start: bigint;
  readonly end: bigint;
  /** The size of the whole tree. */
  readonly size: bigint;
  readonly subtreeRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Nothing is proven about a tree of size 0: every log extends it, so an answer "consistent" would only mislead. Callers
 * that start from nothing must say so themselves.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { size1, size2, root1, root2, proof } = claim;
  if (size1 <= 0n) return false;
  return verifySubtreeConsistency({ start: 0n, end: size1, size: size2, subtreeRoot: root1, root: root2, proof });
}

export function verifySubtreeConsistency(claim: SubtreeConsistencyClaim): boolean {
  const { start, end, size, subtreeRoot, root, proof } = claim;
  if (proof.length > LIMITS.inclusionProofHashes + 1 || !proof.every(isHash)) return false;
  // The empty subtree is part of every tree that reaches so far, and says nothing about its root.
  if (start === end && start >= 0n && end <= size) return proof.length === 0 && equalBytes(subtreeRoot, emptyRoot());
  if (!isSubtree(start, end) || end > size) return false;
  if (start === 0n && end === size) return proof.length === 0 && equalBytes(subtreeRoot, root);

  let first = start;
  let last = end - 1n;
  let top = size - 1n;
  // Climb to the largest full subtree that ends where the subtree ends: its hash is where both roots begin.
  while (first !== last && (last === top || (last & 1n) === 1n)) {
    first >>= 1n;
    last >>= 1n;
    top >>= 1n;
  }
  let at = 0;
  // When that is the subtree itself, its root is known and the proof leaves it out.
  const begin = first === last ? subtreeRoot : proof[at++];
  if (begin === undefined || !isHash(begin)) return false;
  let left = begin;
  let whole = begin;
  for (; at < proof.length; at++) {
    const sibling = proof[at] as Uint8Array;
    if (top === 0n) return false;
    if ((last & 1n) === 1n || last === top) {
      if (first < last) left = nodeHash(sibling, left);
      whole = nodeHash(sibling, whole);
      while ((last & 1n) === 0n && last !== 0n) {
        first >>= 1n;
        last >>= 1n;
        top >>= 1n;
      }
    } else {
      whole = nodeHash(whole, sibling);
    }
    first >>= 1n;
    last >>= 1n;
    top >>= 1n;
  }
  return top === 0n && equalBytes(left, subtreeRoot) && equalBytes(whole, root);
}
