export * from './publish.ts';
export * from './working-folder.ts';
