export * from './decide.ts';
export * from './decision.ts';
export * from './evidence.ts';
export * from './facts.ts';
export { claimedRepository, signedAnnotations } from './match.ts';
export * from './prove.ts';
export { report } from './report.ts';
export * from './requirement.ts';
export * from './sentence.ts';
