export * from './decide.ts';
export * from './decision.ts';
export * from './evidence.ts';
export * from './facts.ts';
export { claimedRepository, signedAnnotations } from './match.ts';
export * from './prove.ts';
export * from './requirement.ts';
