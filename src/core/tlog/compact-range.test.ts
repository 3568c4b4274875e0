import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../encoding/index.ts';
import { CompactRange, computeRoot, emptyRoot, leafHash, type Peak } from './index.ts';

const LEAVES = Array.from({ length: 70 }, (_, i) => leafHash(utf8(`entry ${i}`)));

/** The full subtrees of the first `size` leaves, as the tree is cut by the bits of its size. */
function peaksOf(size: number): Peak[] {
  const peaks: Peak[] = [];
  for (let bit = 64, start = 0; bit > 0; bit >>= 1) {
    if ((size & bit) === 0) continue;
    peaks.push({ leaves: BigInt(bit), hash: computeRoot(LEAVES.slice(start, start + bit)) });
    start += bit;
  }
  return peaks;
}

test('law: leaf by leaf it has the root of the whole tree, from its beginning and from any size on', () => {
  assert.deepEqual([new CompactRange().size, new CompactRange().root()], [0n, emptyRoot()]);
  for (let from = 0; from <= LEAVES.length; from++) {
    const range = new CompactRange(peaksOf(from));
    assert.deepEqual([range.size, range.root()], [BigInt(from), computeRoot(LEAVES.slice(0, from))]);
    for (let size = from; size < LEAVES.length; size++) {
      range.push(LEAVES[size] as Uint8Array);
      assert.deepEqual([range.size, range.root()], [BigInt(size + 1), computeRoot(LEAVES.slice(0, size + 1))], `${from} to ${size + 1}`);
    }
  }
});
