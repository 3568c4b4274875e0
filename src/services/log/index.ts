export { type FolderOptions, inFolder, type OpenStore } from './folder-store.ts';
export type { Included, Pace } from './log-engine.ts';
export type { LogStore, NewEntry, SignedTree, SignRecord, StoredTile, TileStorage } from './log-store.ts';
export type { LogHealth, LogOptions, OpenedLog } from './open-log.ts';
export { openSigningLog, type SigningLog, type SigningLogOptions } from './signing-log.ts';
