/** A tree that grows, and proofs read off its tiles, held against RFC 6962 as it is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../encoding/index.ts';
import {
  computeRoot,
  consistencyProof,
  consistencyRanges,
  edgeTiles,
  GrowingTree,
  type HashTile,
  inclusionProof,
  inclusionRanges,
  leafHash,
  parseHashTile,
  rangeHash,
  type TileHashes,
  tilePath,
  tilesOfRanges,
} from './index.ts';

const ENTRIES = Array.from({ length: 70_000 }, (_, i) => utf8(`entry ${i}`));
const LEAVES = ENTRIES.map(leafHash);
const RUNS = process.env['SEALWARD_TORTURE'] ? 2000 : 60;

/** The tree of that size, and all of its tiles by path. */
function grown(size: number, restartAt?: number): { tree: GrowingTree; tiles: Map<string, HashTile> } {
  let tree = new GrowingTree();
  const tiles = new Map<string, HashTile>();
  for (let i = 0; i < size; i++) {
    if (i === restartAt) {
      for (const tile of tree.takeFullTiles()) tiles.set(tilePath(tile), tile);
      tree = GrowingTree.restore(tree.size, tree.edge());
    }
    if (i % 3 === 0) tree.appendHash(LEAVES[i] as Uint8Array);
    else tree.append(ENTRIES[i] as Uint8Array);
  }
  for (const tile of [...tree.takeFullTiles(), ...tree.edge()]) tiles.set(tilePath(tile), tile);
  return { tree, tiles };
}

const reader =
  (tiles: ReadonlyMap<string, HashTile>): TileHashes =>
  (tile) => {
    const found = tiles.get(tilePath(tile)) ?? assert.fail(`${tilePath(tile)} is not there`);
    return parseHashTile(found.bytes, found.width);
  };

test('law: root, tiles and peaks are those of the leaves, also when it is taken up again', () => {
  const sizes = fc.oneof(fc.integer({ min: 0, max: 1100 }), fc.constantFrom(255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000));
  fc.assert(
    fc.property(sizes, fc.double({ min: 0, max: 1, noNaN: true }), (size, part) => {
      const { tree, tiles } = grown(size, Math.floor(size * part));
      assert.equal(tree.size, BigInt(size));
      assert.deepEqual(tree.root(), computeRoot(LEAVES.slice(0, size)));
      assert.deepEqual(
        tree.peaks().reduce((sum, { leaves }) => sum + leaves, 0n),
        BigInt(size),
      );
      assert.deepEqual(
        tree.edge().map(({ level, index, width }) => ({ level, index, width })),
        edgeTiles(BigInt(size)),
      );
      for (const { level, index, width, bytes } of tiles.values()) {
        const per = 256 ** level;
        for (const i of new Set([0, width - 1])) {
          const at = (Number(index) * 256 + i) * per;
          assert.deepEqual(bytes.subarray(i * 32, (i + 1) * 32), computeRoot(LEAVES.slice(at, at + per)), `${level}/${index} ${i}`);
        }
      }
    }),
    { numRuns: RUNS / 4 },
  );
});

test('law: every proof that is read off tiles is the one of RFC 6962', () => {
  for (const size of [1, 2, 3, 255, 256, 257, 700, 70_000]) {
    const { tiles } = grown(size);
    const read = reader(tiles);
    const prove = (ranges: ReturnType<typeof inclusionRanges>): Uint8Array[] => {
      for (const tile of tilesOfRanges(ranges, BigInt(size))) assert.ok(tiles.has(tilePath(tile)), tilePath(tile));
      return ranges.map((range) => rangeHash(range, BigInt(size), read));
    };
    const leaves = LEAVES.slice(0, size);
    const at = fc.integer({ min: 0, max: size - 1 });
    fc.assert(
      fc.property(at, (index) => {
        assert.deepEqual(prove(inclusionRanges(BigInt(index), BigInt(size))), inclusionProof(leaves, BigInt(index)));
        assert.deepEqual(prove(consistencyRanges(BigInt(index + 1), BigInt(size))), consistencyProof(leaves, BigInt(index + 1), BigInt(size)));
      }),
      { numRuns: size > 1000 ? 3 : RUNS },
    );
  }
});

test('an entry has at most as many bytes as a bundle can say', () => {
  const [longest, tree] = [new Uint8Array(0xffff).fill(7), new GrowingTree()];
  tree.append(longest);
  tree.append(utf8('a short one, after which nothing of it is left'));
  assert.deepEqual(tree.root(), computeRoot([leafHash(longest), leafHash(utf8('a short one, after which nothing of it is left'))]));
  assert.throws(() => tree.append(new Uint8Array(0x10000)), { code: 'ERR_INVARIANT' });
  assert.equal(tree.size, 2n);
});
