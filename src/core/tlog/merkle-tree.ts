/** A whole tree in memory: roots and proofs made from leaf hashes (RFC 6962 section 2.1). For tests, small logs and the log's own writer. */
import { invariant } from '../errors.ts';
import { emptyRoot, nodeHash } from './merkle-hash.ts';

/** The largest power of two below n; n is at least 2. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** MTH over the leaf hashes from start up to, not including, end. */
function rangeRoot(leaves: readonly Uint8Array[], start: number, end: number): Uint8Array {
  if (end - start === 1) return leaves[start] as Uint8Array;
  const k = start + split(end - start);
  return nodeHash(rangeRoot(leaves, start, k), rangeRoot(leaves, k, end));
}

export function computeRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  return leafHashes.length === 0 ? emptyRoot() : rangeRoot(leafHashes, 0, leafHashes.length);
}

/** PATH(m, D[n]) of RFC 6962 section 2.1.1, from the leaf upwards. */
export function inclusionProof(leafHashes: readonly Uint8Array[], index: bigint): Uint8Array[] {
  const at = Number(index);
  invariant(at >= 0 && at < leafHashes.length, `there is no leaf ${index} among ${leafHashes.length}`);
  const proof: Uint8Array[] = [];
  for (let start = 0, end = leafHashes.length; end - start > 1; ) {
    const k = start + split(end - start);
    if (at < k) {
      proof.push(rangeRoot(leafHashes, k, end));
      end = k;
    } else {
      proof.push(rangeRoot(leafHashes, start, k));
      start = k;
    }
  }
  return proof.reverse();
}

/** PROOF(m, D[n]) of RFC 6962 section 2.1.2 between the trees of the first size1 and the first size2 leaves. */
export function consistencyProof(leafHashes: readonly Uint8Array[], size1: bigint, size2: bigint): Uint8Array[] {
  return subtreeConsistencyProof(leafHashes, 0n, size1, size2);
}

/** SUBTREE_PROOF: that the leaves [from, to) are a subtree of the tree of the first `size` leaves. */
export function subtreeConsistencyProof(leafHashes: readonly Uint8Array[], from: bigint, to: bigint, size: bigint): Uint8Array[] {
  invariant(
    from >= 0n && from < to && to <= size && size <= BigInt(leafHashes.length),
    `no proof of [${from}, ${to}) in ${size} of ${leafHashes.length} leaves`,
  );
  return prove(leafHashes, Number(from), Number(to), 0, Number(size), true);
}

/** `known` says that the verifier has the hash of the range when the range is all that is left. */
function prove(leaves: readonly Uint8Array[], from: number, to: number, start: number, end: number, known: boolean): Uint8Array[] {
  if (from === start && to === end) return known ? [] : [rangeRoot(leaves, start, end)];
  const k = start + split(end - start);
  if (to <= k) return [...prove(leaves, from, to, start, k, known), rangeRoot(leaves, k, end)];
  if (from >= k) return [...prove(leaves, from, to, k, end, known), rangeRoot(leaves, start, k)];
  // The range crosses the middle, so it starts where this part starts, and its left half is full.
  return [...prove(leaves, k, to, k, end, false), rangeRoot(leaves, start, k)];
}
