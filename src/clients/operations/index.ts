export { type Address, listen } from './listen.ts';
export { type OperationsOptions, type OperationsServer, serveOperations } from './serve-operations.ts';
export { problemLog } from './problem-log.ts';
export { type RunOptions, runUntilTold } from './run-until-told.ts';
