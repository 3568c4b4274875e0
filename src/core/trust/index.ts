export * from './anchor.ts';
export * from './given.ts';
export * from './trusted-root.ts';
