export { GroupCommit } from './group-commit.ts';
export { databaseError, sharedDatabase } from './postgres-pool.ts';
export { openPostgresState } from './postgres-state.ts';
export { openServerState, type ServerState } from './server-state.ts';
export { isBegun, openDatabase } from './sqlite.ts';
