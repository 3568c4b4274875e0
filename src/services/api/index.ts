export { createMetrics, type ServerMetrics } from './metrics.ts';
export { type RunningServer, serve, type ServeOptions } from './serve.ts';
