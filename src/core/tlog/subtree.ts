/** Subtrees of a log's tree: the ranges of leaves for which one hash can stand (draft-ietf-plants-merkle-tree-certs section 4.1). */

/** The smallest power of two that is not below n; n is at least 1. */
export function powerOfTwoAtLeast(n: bigint): bigint {
  let power = 1n;
  while (power < n) power <<= 1n;
  return power;
}

/** Whether [start, end) holds at least one leaf and starts where a full subtree of its width starts. */
export function isSubtree(start: bigint, end: bigint): boolean {
  if (start < 0n || end <= start) return false;
  return (start & (powerOfTwoAtLeast(end - start) - 1n)) === 0n;
}
