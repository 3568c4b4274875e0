/** From a configuration to a server that answers: state, keys, services, routes, listeners, and the end of all of them. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { KeyOptions } from '../../clients/signers/index.ts';
import type { ServiceRoute } from '../../core/contract/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import { createMetrics, serve } from '../../services/api/index.ts';
import { openPostgresState, openServerState, type ServerState } from '../../services/store/index.ts';
import type { ServerConfig } from './config.ts';
import { Keys, readSecret } from './files.ts';
import type { OpenedPart, Part } from './context.ts';
import { operationsRoutes } from './operations.ts';
import { openAuthority } from './parts/authority.ts';
import { openClock } from './parts/clock.ts';
import { openControl } from './parts/control.ts';
import { keysInUse } from './parts/control-events.ts';
import { openIdentity } from './parts/identity.ts';
import { openLog } from './parts/log.ts';
import { openTimestamps } from './parts/timestamp.ts';
import { openTls } from './parts/tls.ts';
import { openTrust } from './parts/trust.ts';
import { openWitness } from './parts/witness.ts';

export interface OpenServerOptions {
  readonly config: ServerConfig;
  readonly logger: Logger;
  readonly version: string;
  readonly keyOptions: KeyOptions;
  /** The clock of this machine, in milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds between two looks at whether the files for TLS were replaced. */
  readonly tlsLookMs?: number;
  /** Called when a part cannot go on: close the server, and end. */
  readonly failed: (error: SealwardError) => void;
}

export interface OpenServer {
  readonly port: number;
  readonly operationsPort: number;
  /** Takes nothing new, answers what has come, writes what must be kept, and ends. */
  close(): Promise<void>;
}

const TLS_LOOK_MS = 5000;

export async function openServer({
  config,
  logger,
  version,
  keyOptions,
  failed,
  now = Date.now,
  tlsLookMs = TLS_LOOK_MS,
}: OpenServerOptions): Promise<OpenServer> {
  // In the order in which they were opened; closed the other way round.
  const open: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    const failures: unknown[] = [];
    // A database that is gone keeps nobody else from ending.
    for (const end of open.splice(0).reverse()) await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    const state = await openState(config);
    open.push(() => state.close());
    const keys = new Keys(keyOptions, config.keyPasswordFile);
    open.push(() => keys.close());
    keys.begin([...keysInUse(config).values()]);
    const metrics = createMetrics();
    const clock = await openClock({ config: config.clock, state, metrics, logger, wall: now });
    open.push(async () => clock.part.close?.());
    const before = { config, state, keys, metrics, logger, now, clock, failed };
    const control = config.control ? await openControl(before, config.control) : undefined;
    if (control) open.push(async () => control.part.close?.());
    const context = control ? { ...before, control: control.log } : before;
    const parts: Part[] = [clock.part, ...(control ? [control.part, control.keys] : [])];
    const routes: ServiceRoute[] = [];
    const add = ({ part, routes: more }: OpenedPart): void => {
      parts.push(part);
      routes.push(...more);
      if (part.close) open.push(part.close);
    };
    const identity = config.identity ? await openIdentity(context, config.identity) : undefined;
    if (identity) add(identity);
    if (config.log) add(await openLog(context, config.log));
    if (config.timestamp) add(await openTimestamps(context, config.timestamp));
    if (config.authority && config.certificateLog) add(await openAuthority(context, config.authority, config.certificateLog, identity?.rule));
    if (config.trust) add(await openTrust(context, config.trust));
    if (config.witness) add(await openWitness(context, config.witness));
    const tls = config.tls ? await openTls(context, config.tls) : undefined;
    if (tls) add({ part: tls.part, routes: [] });
    for (const part of parts) await part.begin?.();
    for (const part of parts) await part.begun?.();
    const server = await serve({ routes, logger, metrics, ...config.listen, requestMs: config.requestMs, ...(tls ? { tls: tls.files } : {}) });
    open.push(() => server.close());
    tls?.follow((files) => server.replaceTls(files), tlsLookMs);
    const operations = await serve({
      routes: [...operationsRoutes({ parts, state, metrics, version, started: now() }), ...(control?.routes ?? [])],
      ...config.operations,
      logger,
      metrics,
      requestMs: config.requestMs,
    });
    open.push(() => operations.close());
    return { port: server.port, operationsPort: operations.port, close };
  } catch (error) {
    // Why it did not start says more than what came of that.
    await close().catch(() => undefined);
    throw error;
  }
}

/** Marks are written when the state is open: where there is one, this is no first start. */
async function openState({ database, log, control, certificateLog }: ServerConfig): Promise<ServerState> {
  const known = [log, ...(log?.former ?? []), control, certificateLog].some((place) => place !== undefined && existsSync(place.mark));
  if ('urlFile' in database) return openPostgresState(readSecret(database.urlFile, 'the URL of the database'), known);
  if (!known) mkdirSync(database.folder, { recursive: true, mode: 0o700 });
  return openServerState(join(database.folder, 'server.db'), known);
}
