export * from './decide.ts';
export * from './decision.ts';
export * from './evidence.ts';
export * from './facts.ts';
export { claimedRepository, REQUIRED_ALGORITHMS, signedAnnotations } from './match.ts';
export type { ProofMemory } from './proof-memory.ts';
export { prove } from './prove.ts';
export * from './requirement.ts';
