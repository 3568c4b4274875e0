export { exportLog } from './export.ts';
export { findEntry, type KnownTree, scanLog, type Scanned } from './scan.ts';
export { folderSource, httpSource, type TileSource } from './source.ts';
export { LogFault, type SeenCheckpoint, TileLog } from './tile-log.ts';
