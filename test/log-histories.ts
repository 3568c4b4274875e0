/** What must hold of a log whatever happened to it: every answer that was given still stands, no gap, no second history. */
import assert from 'node:assert/strict';
import { encodeHex, equalBytes } from '../src/core/encoding/index.ts';
import { computeRoot, leafHash, parseCheckpoint, parseEntryBundle, parseNote, TILE_WIDTH, verifyConsistency, verifyInclusion } from '../src/core/tlog/index.ts';
import type { Included, NewEntry, OpenedLog } from '../src/services/log/index.ts';

export interface Answered {
  readonly entry: NewEntry;
  readonly included: Included;
}

/** Every body of the log, from its bundles. */
export async function readBodies(log: OpenedLog): Promise<Uint8Array[]> {
  const size = log.tiles.size();
  const bodies: Uint8Array[] = [];
  for (let index = 0n; index * BigInt(TILE_WIDTH) < size; index++) {
    const left = size - index * BigInt(TILE_WIDTH);
    const width = left < TILE_WIDTH ? Number(left) : TILE_WIDTH;
    bodies.push(...parseEntryBundle(await log.tiles.bundle(index, width), width));
  }
  return bodies;
}

/** @param notes every checkpoint that anybody saw, or that was signed. */
export async function checkHistory(log: OpenedLog, answers: readonly Answered[], notes: Iterable<string> = []): Promise<void> {
  const newest = checkpointOf(log.tiles.checkpoint() as string);
  const leaves = (await readBodies(log)).map(leafHash);
  assert.equal(BigInt(leaves.length), newest.size);
  assert.deepEqual(computeRoot(leaves), newest.root, 'the entries that are served hash to the root that is signed');
  assert.equal(new Set(leaves.map(encodeHex)).size, leaves.length, 'no entry stands twice');
  for (const { entry, included } of answers) {
    const { index, tree, proof } = included;
    assert.ok(equalBytes(leaves[Number(index)] as Uint8Array, entry.leaf), `the entry ${index} is where it was said to be`);
    assert.ok(verifyInclusion({ index, size: tree.size, leafHash: entry.leaf, proof, root: tree.root }));
  }
  const seen = new Map<bigint, Uint8Array>();
  for (const note of new Set([...notes, ...answers.map(({ included }) => included.tree.note)])) {
    const { size, root } = checkpointOf(note);
    assert.ok(equalBytes(seen.get(size) ?? root, root), `two checkpoints of ${size} entries have different roots`);
    seen.set(size, root);
    if (size > newest.size) assert.fail(`a checkpoint of ${size} was seen, and the newest is of ${newest.size}`);
    const proof = await log.consistencyProof(size, newest.size);
    assert.ok(
      verifyConsistency({ size1: size, size2: newest.size, root1: root, root2: newest.root, proof }),
      `the newest checkpoint contains the one of ${size}`,
    );
  }
}

function checkpointOf(note: string): { readonly size: bigint; readonly root: Uint8Array } {
  return parseCheckpoint(parseNote(note));
}
