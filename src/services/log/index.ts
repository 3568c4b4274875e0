/** Logs: of signatures (Rekor v2), of what was done, and of certificates; in a folder or in PostgreSQL. */
export { type CertificateLogOptions, type CertificateTransparencyLog, openCertificateLog } from './certificate-log.ts';
export { type ControlEvent, type ControlEventKind, type ControlLog, type ControlLogOptions, type Opening, openControlLog } from './control-log.ts';
export { type FolderOptions, inFolder, type OpenStore } from './folder-store.ts';
/** @public */
export { tilesInFolder } from './folder-tiles.ts';
export type { Included, Pace } from './log-engine.ts';
export type { LogStore, NewEntry, SignedTree, SignRecord, StoredTile, TileStorage } from './log-store.ts';
export { type LogHealth, type LogOptions, type OpenedLog, openLog } from './open-log.ts';
export { inPostgres, type PostgresOptions } from './postgres-store.ts';
export { openSigningLog, type SigningLog, type SigningLogOptions } from './signing-log.ts';
export { openNextShard, type ShardChange } from './shards.ts';
export { shardRoutes } from './shard-routes.ts';
export { openWitnessFile, type WitnessMemory, witnessRoutes } from './witness-routes.ts';
export { openPostgresWitness } from './postgres-witness.ts';
export type { WitnessRound, WitnessSettings } from './witnessed.ts';
