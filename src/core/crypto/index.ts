export * from './algorithms.ts';
export * from './ecdsa-signature.ts';
export * from './hash.ts';
export * from './private-key.ts';
export * from './public-key.ts';
export { verifySignature } from './verify-signature.ts';
export type { SignedMessage } from './verify-signature.ts';
