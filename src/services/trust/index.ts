export { type LeaseOptions, TrustLease } from './lease.ts';
export { trustRoutes } from './routes.ts';
