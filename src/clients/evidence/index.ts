export { type ArchiveContent, keepArchive, readArchive, writeArchive } from './archive.ts';
export { type KeptEdges, keptEdges } from './edge-memory.ts';
export { type FolderOptions, FolderStore } from './folder-store.ts';
export { createMemoryStore } from './memory-store.ts';
export { prune, type Pruned } from './prune.ts';
export type { EvidenceStore, RecordKind, StoredRecord, StoreProblem } from './store.ts';
