/** The log of signatures of this server. */
import { openSigningLog } from '../../../services/log/index.ts';
import type { LogConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';
import { logStore } from './log-store.ts';
import { askedWitnesses } from './witnesses.ts';

export async function openLog({ config, keys, metrics, logger, failed }: ServerContext, place: LogConfig): Promise<OpenedPart> {
  const { key, origin, threads, mark } = place;
  const witnesses = askedWitnesses('log', place, { logger, metrics });
  const store = logStore(config, place);
  const log = await openSigningLog({ origin, signer: await keys.open(key), store, mark, failed, threads, ...witnesses.options });
  metrics.gauge('sealward_log_size', 'Entries that a checkpoint covers', () => Number(log.health().size));
  metrics.gauge('sealward_log_waiting', 'Entries that wait for their checkpoint', () => log.health().waiting);
  return {
    routes: log.routes,
    part: {
      name: 'log',
      problem: () => log.health().reason ?? witnesses.problem(),
      describe: () => ({ origin, entries: String(log.health().size), waiting: log.health().waiting, keys: log.vkeys, ...witnesses.describe() }),
      async close() {
        await log.close();
        witnesses.close();
      },
    },
  };
}
