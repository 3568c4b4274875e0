/** The log of what this server did: for whoever runs it, and for whoever audits that. */
import { encodeHex } from '../../../core/encoding/index.ts';
import type { ServiceRoute } from '../../../core/contract/index.ts';
import { type ControlLog, openControlLog } from '../../../services/log/index.ts';
import type { ControlConfig } from '../config.ts';
import type { Part, ServerContext } from '../context.ts';
import { type KeyInForce, recordStart } from './control-events.ts';
import { logStore } from './log-store.ts';
import { askedWitnesses } from './witnesses.ts';

export interface OpenedControl {
  readonly log: ControlLog;
  readonly part: Part;
  /** Each key that is in use, and since when. */
  readonly keys: Part;
  /** For the address of those who run the server. */
  readonly routes: readonly ServiceRoute[];
}

const PREFIX = '/control';

export async function openControl(
  { config, keys, state, metrics, logger, failed, now }: Omit<ServerContext, 'control'>,
  place: ControlConfig,
): Promise<OpenedControl> {
  const witnesses = askedWitnesses('control_log', place, { logger, metrics });
  const log = await openControlLog({
    ...witnesses.options,
    origin: place.origin,
    signer: await keys.open(place.key),
    auditor: await keys.open(place.auditor),
    source: config.url,
    store: logStore(config, place),
    mark: place.mark,
    prefix: PREFIX,
    failed,
    now,
    keepOpenings: (leaf, openings) => state.keepOpenings(encodeHex(leaf), JSON.stringify(openings)),
  });
  let inForce: ReadonlyMap<string, KeyInForce> = new Map();
  return {
    log,
    routes: log.routes,
    keys: { name: 'keys', problem: () => undefined, describe: () => Object.fromEntries(inForce) },
    part: {
      name: 'control',
      problem: () => log.health().reason ?? witnesses.problem(),
      begun: async () => void (inForce = await recordStart(log, { config, keys, state, now })),
      describe: () => ({ origin: place.origin, entries: String(log.health().size), keys: log.vkeys, ...witnesses.describe() }),
      async close() {
        await log.close();
        witnesses.close();
      },
    },
  };
}
