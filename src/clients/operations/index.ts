export { type Address, listen } from './listen.ts';
export { type OperationsOptions, type OperationsServer, serveOperations } from './serve-operations.ts';
