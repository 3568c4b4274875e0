/** Inclusion proofs: that one leaf stands at one index of a tree of one size (RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.2). */
import { equalBytes, LIMITS } from '../encoding/index.ts';
import { isHash, nodeHash } from './merkle-hash.ts';
import { isSubtree } from './subtree.ts';

export interface InclusionClaim {
  readonly index: bigint;
  readonly size: bigint;
  readonly leafHash: Uint8Array;
  /** The sibling hashes, from the leaf upwards. */
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

export interface SubtreeInclusionClaim {
  /** The index in the whole tree. */
  readonly index: bigint;
  /** The subtree holds the leaves from start up to, not including, end. */
  readonly start: bigint;
  readonly end: bigint;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** The root that the proof leads to, or undefined where no tree of that size has such a proof. */
export function rootFromInclusion(claim: Omit<InclusionClaim, 'root'>): Uint8Array | undefined {
  const { index, size, proof } = claim;
  if (index < 0n || index >= size || proof.length > LIMITS.inclusionProofHashes || !isHash(claim.leafHash)) return undefined;
  let node = index;
  let last = size - 1n;
  let root = claim.leafHash;
  for (const sibling of proof) {
    // RFC 9162 section 2.1.3.2 step 4.1: more hashes than levels.
    if (last === 0n || !isHash(sibling)) return undefined;
    if ((node & 1n) === 1n || node === last) {
      root = nodeHash(sibling, root);
      // The last node of a level without a right sibling moves up unhashed.
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      root = nodeHash(root, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  // Step 5: fewer hashes than levels.
  return last === 0n ? root : undefined;
}

export function verifyInclusion(claim: InclusionClaim): boolean {
  const root = rootFromInclusion(claim);
  return root !== undefined && equalBytes(root, claim.root);
}

/** The same inside a subtree: its leaves hash like a tree of their own. */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim): boolean {
  const { index, start, end, leafHash, proof, root } = claim;
  if (!isSubtree(start, end)) return false;
  return verifyInclusion({ index: index - start, size: end - start, leafHash, proof, root });
}
