export * from './anchor.ts';
export * from './compose-root.ts';
export * from './given.ts';
export * from './state.ts';
export * from './trusted-root.ts';
export * from './tuf/metadata.ts';
export * from './tuf/trusted-metadata.ts';
export * from './tuf/compose.ts';
