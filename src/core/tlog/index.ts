export * from './consistency-proof.ts';
export * from './inclusion-proof.ts';
export { emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
export * from './merkle-tree.ts';
