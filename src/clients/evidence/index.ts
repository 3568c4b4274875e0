export { keepArchive, readArchive, writeArchive } from './archive.ts';
export { keptEdges } from './edge-memory.ts';
export { FolderStore } from './folder-store.ts';
export { createMemoryStore } from './memory-store.ts';
export { namesOf, prune } from './prune.ts';
export type { EvidenceStore, RecordKind, StoredRecord, StoreProblem } from './store.ts';
export { keepPinned, pinEvidence } from './pin-evidence.ts';
