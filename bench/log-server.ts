/** The log of signatures as the server serves it, in a folder that is given, for the benchmark. */
import { pino } from 'pino';
import { keySigner } from '../src/clients/signers/index.ts';
import { generateKeyPair } from '../src/core/crypto/index.ts';
import { createMetrics, serve as serveRoutes } from '../src/services/api/index.ts';
import { inFolder, openSigningLog } from '../src/services/log/index.ts';
import { serve } from './server-process.ts';

const [folder = ''] = process.argv.slice(2);
const log = await openSigningLog({
  origin: 'localhost',
  signer: keySigner(generateKeyPair('ed25519').privateKey),
  store: inFolder(folder),
  threads: 2,
  failed(error) {
    throw error;
  },
});
const { port } = await serveRoutes({
  routes: log.routes,
  host: '127.0.0.1',
  port: 0,
  logger: pino({ level: 'warn' }),
  metrics: createMetrics(),
  requestMs: 20_000,
});
serve(`127.0.0.1:${port}`, () => Number(log.tiles.size()));
