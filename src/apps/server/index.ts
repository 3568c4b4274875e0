export { ONLINE_KEYS, type OnlineKey } from './keys.ts';
export { parseServerConfig, readServerConfig, type ServerConfig } from './config.ts';
export { type Initialised, initServer, type InitOptions } from './init.ts';
export { type OpenServer, openServer } from './open-server.ts';
export { ROTATED, rotateKey, type RotateOptions } from './rotate.ts';
export { rotateLog } from './rotate-log.ts';
export { rotateTls } from './rotate-tls.ts';
export { runServer, type RunOptions } from './run.ts';
export { askStatus, statusLines } from './status.ts';
