export * from './follow-metadata.ts';
export * from './publish.ts';
export * from './source.ts';
export * from './trust-client.ts';
export * from './trust-memory.ts';
export * from './working-folder.ts';
