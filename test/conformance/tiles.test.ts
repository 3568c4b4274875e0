/** The log of transparency-dev/tessera's test data: 16 checkpoints, their tiles and entries, held together end to end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { equalBytes } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import {
  type Checkpoint,
  consistencyProof,
  edgeTiles,
  encodeCheckpoint,
  encodeEntryBundle,
  encodeNote,
  inclusionProof,
  leafHash,
  parseCheckpoint,
  parseEntryBundle,
  parseHashTile,
  parseNote,
  parseVerifierKey,
  rootFromEdge,
  tilePath,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from '../../src/core/tlog/index.ts';
import { requireVectors, vectorsPath } from '../vectors.ts';

const LOG = parseVerifierKey('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx');
const SIZES = Array.from({ length: 16 }, (_, size) => size);

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(vectorsPath('tlog-tiles', path)));

/** The checkpoint when the log signed it, undefined when it did not; malformed bytes throw. */
function openCheckpoint(bytes: Uint8Array): Checkpoint | undefined {
  const note = parseNote(bytes);
  return verifyNote(note, [LOG]).ok ? parseCheckpoint(note) : undefined;
}

/** Whether these bytes are the tiles of the tree that the checkpoint states. */
function treeAgrees({ size, root }: Checkpoint, tiles: readonly Uint8Array[]): boolean {
  const hashes = edgeTiles(size).map(({ width }, i) => parseHashTile(tiles[i] as Uint8Array, width));
  return equalBytes(rootFromEdge(hashes), root);
}

function entriesAgree(entries: Uint8Array, tile: Uint8Array, width: number): boolean {
  const hashes = parseHashTile(tile, width);
  return parseEntryBundle(entries, width).every((entry, i) => equalBytes(leafHash(entry), hashes[i] as Uint8Array));
}

/** Whether a check refuses: by a negative answer or by naming the bytes malformed, and in no other way. */
function refuses(check: () => unknown): boolean {
  try {
    return !check();
  } catch (error) {
    assert.ok(error instanceof SealwardError, String(error));
    assert.equal(error.code, 'ERR_LOG_FORMAT');
    return true;
  }
}

function* bitFlips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const out = bytes.slice();
    out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7));
    yield out;
  }
}

const tileOf = (size: number): Uint8Array => read(tilePath({ level: 0, index: 0n, width: size }));
const entriesOf = (size: number): Uint8Array => read(tilePath({ level: 'entries', index: 0n, width: size }));

for (const size of SIZES) {
  test(`tessera's log at size ${size}: checkpoint, tiles and entries agree, and nothing that differs by a bit does`, (t) => {
    if (!requireVectors(t, 'tlog-tiles')) return;
    const bytes = read(`checkpoint.${size}`);
    const checkpoint = openCheckpoint(bytes);
    assert.ok(checkpoint);
    assert.deepEqual(
      { origin: checkpoint.origin, size: checkpoint.size, extensions: checkpoint.extensions },
      { origin: LOG.name, size: BigInt(size), extensions: [] },
    );
    assert.equal(encodeNote(encodeCheckpoint(checkpoint), parseNote(bytes).signatures), new TextDecoder().decode(bytes));
    for (const flipped of bitFlips(bytes)) assert.ok(refuses(() => openCheckpoint(flipped)));

    if (size === 0) return assert.ok(treeAgrees(checkpoint, []));
    const [tile, entries] = [tileOf(size), entriesOf(size)];
    assert.ok(treeAgrees(checkpoint, [tile]));
    assert.ok(entriesAgree(entries, tile, size));
    assert.deepEqual(encodeEntryBundle(parseEntryBundle(entries, size)), entries);
    for (const flipped of bitFlips(tile)) assert.ok(refuses(() => treeAgrees(checkpoint, [flipped])));
    for (const flipped of bitFlips(entries)) assert.ok(refuses(() => entriesAgree(flipped, tile, size)));
    for (let length = 0; length < entries.length; length++) assert.ok(refuses(() => entriesAgree(entries.subarray(0, length), tile, size)));
  });
}

test("tessera's log: proofs made from its tiles verify against its checkpoints", (t) => {
  if (!requireVectors(t, 'tlog-tiles')) return;
  const hashes = parseHashTile(tileOf(15), 15);
  const roots = SIZES.map((size) => (openCheckpoint(read(`checkpoint.${size}`)) as Checkpoint).root);
  for (let size2 = 1; size2 <= 15; size2++) {
    const root2 = roots[size2] as Uint8Array;
    for (let size1 = 1; size1 <= size2; size1++) {
      const [a, b] = [BigInt(size1), BigInt(size2)];
      assert.ok(verifyConsistency({ size1: a, size2: b, root1: roots[size1] as Uint8Array, root2, proof: consistencyProof(hashes, a, b) }));
      const index = a - 1n;
      const leaf = hashes[Number(index)] as Uint8Array;
      assert.ok(verifyInclusion({ index, size: b, leafHash: leaf, proof: inclusionProof(hashes.slice(0, size2), index), root: root2 }));
    }
  }
});
