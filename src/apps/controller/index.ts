export { readControllerConfig } from './config.ts';
export { runController } from './run.ts';
