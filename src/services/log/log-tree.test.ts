import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../core/encoding/index.ts';
import { CompactRange, computeRoot, consistencyProof, inclusionProof, leafHash } from '../../core/tlog/index.ts';

import { type FullTile, LogTree } from './log-tree.ts';

const LEAVES = Array.from({ length: 70_000 }, (_, i) => leafHash(utf8(`entry ${i}`)));

/** A tree that keeps its full tiles in a map, and what else it was asked to keep. */
function grow(): { tree: LogTree; tiles: Map<string, FullTile>; append: (count: number) => void } {
  const tiles = new Map<string, FullTile>();
  const tree = new LogTree(async (level, index) => (tiles.get(`${level}/${index}`) as FullTile).hashes);
  const append = (count: number): void => {
    const from = Number(tree.size);
    for (const tile of tree.append(LEAVES.slice(from, from + count))) tiles.set(`${tile.level}/${tile.index}`, tile);
  };
  return { tree, tiles, append };
}

it('a tree that grows by any steps has the roots, the proofs and the tiles of RFC 6962, also when it is taken up again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (steps, at) => {
        const { tree, tiles, append } = grow();
        const range = new CompactRange();
        for (const step of steps) {
          append(step);
          while (range.size < tree.size) range.push(LEAVES[Number(range.size)] as Uint8Array);
          assert.deepEqual(await tree.root(), range.root());
        }
        const load = async (level: number, index: bigint): Promise<readonly Uint8Array[]> => (tiles.get(`${level}/${index}`) as FullTile).hashes;
        const again = await LogTree.restore(tree.size, load, async (from, to) => LEAVES.slice(Number(from), Number(to)));
        const size = BigInt(Math.max(1, Math.round(at * Number(tree.size))));
        const leaves = LEAVES.slice(0, Number(tree.size));
        for (const one of [tree, again]) {
          assert.deepEqual(await one.root(size), computeRoot(leaves.slice(0, Number(size))));
          assert.deepEqual(await one.inclusionProof(size - 1n, tree.size), inclusionProof(leaves, size - 1n));
          assert.deepEqual(await one.inclusionProof(size / 2n, size), inclusionProof(leaves.slice(0, Number(size)), size / 2n));
          assert.deepEqual(await one.consistencyProof(size, tree.size), consistencyProof(leaves, size, tree.size));
          assert.deepEqual(new CompactRange(await one.peaks()).root(), await one.root());
        }
      },
    ),
    { numRuns: 40 },
  );
});

it('levels above the second are full tiles of tiles', async () => {
  const { tree, tiles, append } = grow();
  append(70_000);
  assert.equal(tiles.size, 273 + 1);
  assert.deepEqual(await tree.root(), computeRoot(LEAVES));
  const load = async (level: number, index: bigint): Promise<readonly Uint8Array[]> => (tiles.get(`${level}/${index}`) as FullTile).hashes;
  const again = await LogTree.restore(70_000n, load, async (from, to) => LEAVES.slice(Number(from), Number(to)));
  assert.deepEqual(await again.root(), computeRoot(LEAVES));
  assert.equal((await again.tile(0, 273n, 112)).length, 112);
  assert.equal((await again.tile(1, 1n, 17)).length, 17);
  assert.equal((await again.tile(2, 0n, 1)).length, 1);
});
