/** The laws of the tree: every proof that is made verifies, and nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHex, utf8 } from '../encoding/index.ts';
import {
  computeRoot,
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  nodeHash,
  rootFromInclusion,
  subtreeConsistencyProof,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from './index.ts';
import { isSubtree } from './subtree.ts';

const SIZE = 70;
const LEAVES = Array.from({ length: SIZE }, (_, i) => leafHash(utf8(`entry ${i}`)));
const ROOTS = Array.from({ length: SIZE + 1 }, (_, n) => computeRoot(LEAVES.slice(0, n)));
const root = (size: bigint): Uint8Array => ROOTS[Number(size)] as Uint8Array;

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const out = bytes.slice();
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7));
  return out;
}

/** Every proof with one bit flipped, one hash left out, doubled or added. */
function mutants(proof: readonly Uint8Array[], bit: number): Uint8Array[][] {
  const out = [
    [...proof, ROOTS[1] as Uint8Array],
    [ROOTS[1] as Uint8Array, ...proof],
  ];
  for (let i = 0; i < proof.length; i++) {
    out.push(proof.with(i, flip(proof[i] as Uint8Array, bit)), proof.toSpliced(i, 1), proof.toSpliced(i, 0, proof[i] as Uint8Array));
    out.push(proof.with(i, (proof[i] as Uint8Array).subarray(1)));
  }
  return out;
}

test('the hashes of RFC 6962: empty tree, leaves and nodes are told apart', () => {
  assert.equal(encodeHex(emptyRoot()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(encodeHex(leafHash(new Uint8Array(0))), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  assert.equal(encodeHex(computeRoot([])), encodeHex(emptyRoot()));
  // A leaf whose bytes are two hashes must not hash like the node above them.
  const [left, right] = [LEAVES[0] as Uint8Array, LEAVES[1] as Uint8Array];
  assert.notDeepEqual(leafHash(new Uint8Array([...left, ...right])), nodeHash(left, right));
  emptyRoot().fill(0);
  assert.equal(encodeHex(emptyRoot()).slice(0, 8), 'e3b0c442');
});

const size = fc.integer({ min: 1, max: SIZE }).map(BigInt);
const bit = fc.integer({ min: 0, max: 255 });

test('law: an inclusion proof verifies at its index and size, and changed in any way it does not', () => {
  fc.assert(
    fc.property(size, fc.nat(SIZE), bit, (n, pick, at) => {
      const index = BigInt(pick) % n;
      const leaf = LEAVES[Number(index)] as Uint8Array;
      const proof = inclusionProof(LEAVES.slice(0, Number(n)), index);
      const claim = { index, size: n, leafHash: leaf, proof, root: root(n) };
      assert.equal(verifyInclusion(claim), true);
      assert.deepEqual(rootFromInclusion(claim), root(n));
      for (const mutant of mutants(proof, at)) assert.equal(verifyInclusion({ ...claim, proof: mutant }), false);
      assert.equal(verifyInclusion({ ...claim, leafHash: flip(leaf, at) }), false);
      assert.equal(verifyInclusion({ ...claim, root: flip(claim.root, at) }), false);
      assert.equal(verifyInclusion({ ...claim, leafHash: leaf.subarray(1) }), false);
      for (let other = -2n; other <= n + 2n; other++) if (other !== index) assert.equal(verifyInclusion({ ...claim, index: other }), false);
      assert.equal(verifyInclusion({ ...claim, size: index }), false);
    }),
  );
});

test('law: an inclusion proof fails for every other size whose tree has another shape around the leaf', () => {
  for (let n = 1n; n <= 40n; n++) {
    for (let index = 0n; index < n; index++) {
      const proof = inclusionProof(LEAVES.slice(0, Number(n)), index);
      const leaf = LEAVES[Number(index)] as Uint8Array;
      for (let other = 0n; other <= BigInt(SIZE); other++) {
        if (other !== n)
          assert.equal(verifyInclusion({ index, size: other, leafHash: leaf, proof, root: root(other) }), false, `${index} of ${n} as of ${other}`);
      }
    }
  }
});

test('law: a consistency proof verifies between its two trees, and changed in any way it does not', () => {
  fc.assert(
    fc.property(size, size, bit, (a, b, at) => {
      const [size1, size2] = a < b ? [a, b] : [b, a];
      const proof = consistencyProof(LEAVES, size1, size2);
      const claim = { size1, size2, root1: root(size1), root2: root(size2), proof };
      assert.equal(verifyConsistency(claim), true);
      for (const mutant of mutants(proof, at)) assert.equal(verifyConsistency({ ...claim, proof: mutant }), false);
      assert.equal(verifyConsistency({ ...claim, root1: flip(claim.root1, at) }), false);
      assert.equal(verifyConsistency({ ...claim, root2: flip(claim.root2, at) }), false);
      for (let other = 0n; other <= BigInt(SIZE); other++) {
        if (other !== size1) assert.equal(verifyConsistency({ ...claim, size1: other, root1: root(other) }), false, `${size1} to ${size2} from ${other}`);
        if (other !== size2) assert.equal(verifyConsistency({ ...claim, size2: other, root2: root(other) }), false, `${size1} to ${size2} to ${other}`);
      }
    }),
  );
});

test('nothing is consistent with an empty tree, and trees do not shrink', () => {
  assert.equal(verifyConsistency({ size1: 0n, size2: 0n, root1: emptyRoot(), root2: emptyRoot(), proof: [] }), false);
  assert.equal(verifyConsistency({ size1: 0n, size2: 5n, root1: emptyRoot(), root2: root(5n), proof: [] }), false);
  assert.equal(verifyConsistency({ size1: 5n, size2: 4n, root1: root(5n), root2: root(4n), proof: consistencyProof(LEAVES, 4n, 5n) }), false);
});

test('law: every subtree is shown to be part of every tree that reaches so far', () => {
  for (let width = 1; width <= 20; width++) {
    const step = 2 ** Math.ceil(Math.log2(width));
    for (let start = 0; start + width <= 40; start += step) {
      const subtree = LEAVES.slice(start, start + width);
      const subtreeRoot = computeRoot(subtree);
      for (let n = start + width; n <= 40; n++) {
        const range = { start: BigInt(start), end: BigInt(start + width), size: BigInt(n) };
        const claim = { ...range, subtreeRoot, root: root(range.size), proof: subtreeConsistencyProof(LEAVES, range.start, range.end, range.size) };
        assert.equal(verifySubtreeConsistency(claim), true, `[${start}, ${start + width}) in ${n}`);
        assert.equal(verifySubtreeConsistency({ ...claim, subtreeRoot: flip(subtreeRoot, n) }), false);
        if (width < n) assert.equal(verifySubtreeConsistency({ ...claim, root: flip(claim.root, n) }), false);
        if (step > 1) assert.equal(verifySubtreeConsistency({ ...claim, start: range.start + 1n, end: range.end + 1n, size: range.size + 1n }), false);
      }
      const at = BigInt(start + (width >> 1));
      const inclusion = { index: at, start: BigInt(start), end: BigInt(start + width), leafHash: LEAVES[Number(at)] as Uint8Array, root: subtreeRoot };
      const proof = inclusionProof(subtree, at - BigInt(start));
      assert.equal(verifySubtreeInclusion({ ...inclusion, proof }), true);
      assert.equal(verifySubtreeInclusion({ ...inclusion, proof, index: at + BigInt(width) }), false);
    }
  }
});

test('a proof longer than any tree is deep is refused before it is hashed', () => {
  const proof = Array.from({ length: 65 }, () => LEAVES[0] as Uint8Array);
  const huge = (1n << 63n) - 1n;
  assert.equal(rootFromInclusion({ index: huge - 1n, size: huge, leafHash: LEAVES[0] as Uint8Array, proof }), undefined);
  const many = Array.from({ length: 1_000_000 }, () => LEAVES[0] as Uint8Array);
  assert.equal(verifyConsistency({ size1: 3n, size2: huge, root1: root(3n), root2: root(4n), proof: many }), false);
});

test('a leaf hash that is none has no root, also where it would be the root itself', () => {
  const short = new Uint8Array(31);
  assert.equal(rootFromInclusion({ index: 0n, size: 1n, leafHash: short, proof: [] }), undefined);
  assert.equal(verifyInclusion({ index: 0n, size: 1n, leafHash: short, proof: [], root: short }), false);
});

test('a subtree begins at a multiple of its width, holds a leaf, and begins nowhere below the first', () => {
  for (const [start, end] of [
    [0n, 1n],
    [0n, 3n],
    [4n, 5n],
    [4n, 8n],
    [4n, 7n],
    [6n, 8n],
    [64n, 70n],
  ] as const)
    assert.equal(isSubtree(start, end), true, `[${start}, ${end})`);
  for (const [start, end] of [
    [0n, 0n],
    [4n, 4n],
    [4n, 3n],
    [-2n, -1n],
    [-4n, 0n],
    [1n, 3n],
    [2n, 5n],
    [6n, 9n],
  ] as const)
    assert.equal(isSubtree(start, end), false, `[${start}, ${end})`);
});

test('no proof is made of a subtree that is empty, or reaches beyond the leaves', () => {
  for (const [from, to, size] of [
    [4n, 4n, 8n],
    [4n, 3n, 8n],
    [-4n, 4n, 8n],
    [4n, 9n, 8n],
    [4n, 8n, BigInt(SIZE + 1)],
  ] as const)
    assert.throws(() => subtreeConsistencyProof(LEAVES, from, to, size), { code: 'ERR_INVARIANT' }, `[${from}, ${to}) in ${size}`);
});
