export { type OperationsOptions, type OperationsServer, serveOperations } from './serve-operations.ts';
