export { type IssuerOptions, issuerRoutes } from './routes.ts';
export { createTokenMint, type TokenMint } from './tokens.ts';
export { hashPassword, type LocalUser } from './users.ts';
export type { Workload } from './workloads.ts';
