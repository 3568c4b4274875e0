/** Tiles: one path for each, roots from the right edge, and full tiles held against their parents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHex, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import {
  computeRoot,
  edgeTiles,
  emptyRoot,
  encodeEntryBundle,
  leafHash,
  parseEntryBundle,
  parseHashTile,
  parseTilePath,
  rootFromEdge,
  type TileCoordinate,
  tileHash,
  tilePath,
  verifyTile,
} from './index.ts';

const refused = (read: () => unknown, why: string): void => {
  assert.throws(read, (error) => error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', why);
};

test('paths are those of the specification', () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067n, width: 256 }), 'tile/0/x001/x234/067');
  assert.equal(tilePath({ level: 'entries', index: 0n, width: 17 }), 'tile/entries/000.p/17');
  assert.equal(tilePath({ level: 63, index: 999n, width: 255 }), 'tile/63/999.p/255');
  assert.equal(tilePath({ level: 1, index: 1000n, width: 1 }), 'tile/1/x001/000.p/1');
});

test('law: a path reads back as the tile it names', () => {
  const tile = fc.record(
    {
      level: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const)),
      index: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
      width: fc.integer({ min: 1, max: 256 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(tile, (coordinate: TileCoordinate) => assert.deepEqual(parseTilePath(tilePath(coordinate)), coordinate)));
});

test('an index is at most 2^63 - 1, and there is none below zero', () => {
  const last = { level: 0, index: (1n << 63n) - 1n, width: 256 } as const;
  const path = 'tile/0/x009/x223/x372/x036/x854/x775/807';
  assert.equal(tilePath(last), path);
  assert.deepEqual(parseTilePath(path), last);
  refused(() => parseTilePath(path.replace('807', '808')), 'one more');
  for (const index of [-1n, 1n << 63n]) assert.throws(() => tilePath({ level: 0, index, width: 256 }), { code: 'ERR_INVARIANT' });
  for (const width of [0, 257]) assert.throws(() => tilePath({ level: 0, index: 0n, width }), { code: 'ERR_INVARIANT' });
  for (const level of [-1, 64, 0.5]) assert.throws(() => tilePath({ level, index: 0n, width: 1 }), { code: 'ERR_INVARIANT' });
});

test('no tile has a second path', () => {
  const bad = [
    '',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/0',
    'tile/0/0000',
    'tile/0/x000/000',
  ];
  bad.push(
    'tile/0/x000/001',
    'tile/0/001/000',
    'tile/0/x001',
    'tile/0/x001/x000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000.p/',
    'tile/0/000\n',
    'tile/entries/0',
    'tile/Entries/000',
  );
  bad.push('tile/0/x999/x999/x999/x999/x999/x999/999', 'tile/0/../000', 'tile/0/\u0660\u0660\u0660');
  for (const path of bad) refused(() => parseTilePath(path), path);
});

test("the specification's example: a tree of 70,000", () => {
  assert.deepEqual(edgeTiles(70_000n), [
    { level: 0, index: 273n, width: 112 },
    { level: 1, index: 1n, width: 17 },
    { level: 2, index: 0n, width: 1 },
  ]);
  assert.deepEqual(edgeTiles(256n), [{ level: 1, index: 0n, width: 1 }]);
  assert.deepEqual(edgeTiles(0n), []);
});

/** The tiles of one level above, as a log builds them. */
function levelUp(row: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: Math.floor(row.length / 256) }, (_, i) => tileHash(row.slice(i * 256, (i + 1) * 256)));
}

test('law: the edge tiles of a tree lead to its root', () => {
  const leaves = Array.from({ length: 66_000 }, (_, i) => leafHash(utf8(String(i))));
  const sizes = [1, 2, 3, 7, 255, 256, 257, 300, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000];
  for (const size of sizes) {
    const rows = [leaves.slice(0, size)];
    while ((rows.at(-1) as Uint8Array[]).length >= 256) rows.push(levelUp(rows.at(-1) as Uint8Array[]));
    const tiles = edgeTiles(BigInt(size)).map(({ level, index, width }) => {
      const start = Number(index) * 256;
      const hashes = (rows[level] as Uint8Array[]).slice(start, start + width);
      assert.equal(hashes.length, width);
      return hashes;
    });
    assert.equal(encodeHex(rootFromEdge(tiles)), encodeHex(computeRoot(leaves.slice(0, size))), String(size));
  }
  assert.deepEqual(rootFromEdge([]), emptyRoot());
});

test('a full tile is held against the hash above it; partial ones have none', () => {
  const hashes = Array.from({ length: 256 }, (_, i) => leafHash(utf8(String(i))));
  const parent = tileHash(hashes);
  assert.equal(verifyTile(hashes, parent), true);
  assert.equal(verifyTile(hashes.with(255, hashes[0] as Uint8Array), parent), false);
  assert.equal(verifyTile(hashes.slice(1), computeRoot(hashes.slice(1))), false);
  assert.throws(
    () => tileHash(hashes.slice(1)),
    (error) => error instanceof SealwardError && error.code === 'ERR_INVARIANT',
  );
});

test('tiles and entry bundles hold exactly what was asked for', () => {
  refused(() => parseHashTile(new Uint8Array(31), 1), 'short');
  refused(() => parseHashTile(new Uint8Array(64), 1), 'long');
  assert.equal(parseHashTile(new Uint8Array(64), 2).length, 2);
  const bundle = encodeEntryBundle([utf8('one'), new Uint8Array(0), utf8('three')]);
  assert.deepEqual(
    parseEntryBundle(bundle, 3).map((entry) => new TextDecoder().decode(entry)),
    ['one', '', 'three'],
  );
  refused(() => parseEntryBundle(bundle, 2), 'more than asked for');
  refused(() => parseEntryBundle(bundle, 4), 'fewer than asked for');
  for (let length = 0; length < bundle.length; length++) refused(() => parseEntryBundle(bundle.subarray(0, length), 3), 'truncated');
  // A stranger's bundle of empty entries is not read further than the width.
  refused(() => parseEntryBundle(new Uint8Array(1_000_000), 256), 'endless');
});

test('law: entries read back as they were bundled', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { minLength: 1, maxLength: 20 }), (entries) => {
      const read = parseEntryBundle(encodeEntryBundle(entries), entries.length);
      assert.deepEqual(
        read.map((entry) => new Uint8Array(entry)),
        entries,
      );
    }),
  );
  assert.throws(
    () => encodeEntryBundle([new Uint8Array(65_536)]),
    (error) => error instanceof SealwardError && error.code === 'ERR_INVARIANT',
  );
});
