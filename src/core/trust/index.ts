export * from './anchor.ts';
export * from './compose-root.ts';
export * from './given.ts';
export * from './state.ts';
export * from './trusted-root.ts';
