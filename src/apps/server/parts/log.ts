/** The log of signatures of this server: the shard that takes entries, and those that came before it. */
import { readPublished } from '../../../clients/trust/index.ts';
import type { Signer } from '../../../clients/signers/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { parseTrustedRoot, TRUSTED_ROOT_FILE } from '../../../core/trust/index.ts';
import { openNextShard, openSigningLog, shardRoutes, type SigningLog } from '../../../services/log/index.ts';
import type { LogConfig, ShardConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';
import { logStore } from './log-store.ts';
import { type AskedWitnesses, askedWitnesses } from './witnesses.ts';

interface Shard {
  readonly log: SigningLog;
  readonly witnesses: AskedWitnesses;
}

export async function openLog(context: ServerContext, place: LogConfig): Promise<OpenedPart> {
  const { config, keys, metrics, now } = context;
  const opened: Shard[] = [];
  const close = async (): Promise<void> => {
    for (const { log, witnesses } of opened.toReversed()) {
      await log.close();
      witnesses.close();
    }
  };
  try {
    for (const shard of place.former) opened.push(await openShard(context, shard, 0));
    opened.push(await openShard(context, place, place.threads));
  } catch (error) {
    await close();
    throw error;
  }
  const { log, witnesses } = opened.at(-1) as Shard;
  const former = opened.slice(0, -1).map((shard) => shard.log);
  metrics.gauge('sealward_log_size', 'Entries that a checkpoint covers', () => Number(log.health().size));
  metrics.gauge('sealward_log_waiting', 'Entries that wait for their checkpoint', () => log.health().waiting);
  return {
    routes: former.length === 0 ? log.routes : shardRoutes(log, former),
    part: {
      name: 'log',
      problem: () => opened.map((shard) => shard.log.health().reason).find((reason) => reason !== undefined) ?? witnesses.problem(),
      describe: () => ({
        origin: place.origin,
        entries: String(log.health().size),
        waiting: log.health().waiting,
        keys: log.vkeys,
        ...(former.length > 0 ? { former: former.map(({ origin, tiles }) => `${origin}, closed with ${tiles.size()} entries`) } : {}),
        ...witnesses.describe(),
      }),
      async begin() {
        if (config.control && former.length > 0) await chainShards(opened, await keys.open(config.control.auditor), config, now);
      },
      close,
    },
  };
}

async function openShard({ config, keys, metrics, logger, failed }: ServerContext, place: ShardConfig, threads: number): Promise<Shard> {
  const { key, origin, mark } = place;
  const name = place === config.log ? 'log' : `log_${origin.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
  const witnesses = askedWitnesses(name, place, { logger, metrics });
  const store = logStore(config, place);
  const log = await openSigningLog({ origin, signer: await keys.open(key), store, mark, failed, threads, ...witnesses.options });
  return { log, witnesses };
}

/** Closes each shard and begins the next with its last checkpoint; what is so already stays so. */
async function chainShards(shards: readonly Shard[], auditor: Signer, { trust }: ServerContext['config'], now: () => number): Promise<void> {
  for (const [at, { log: to }] of shards.entries()) {
    const from = shards[at - 1]?.log;
    if (!from) continue;
    // From here on clients have to know the new shard, and the old one takes nothing more: that cannot be taken back.
    if (trust && !(await from.frozen())) await mustBeTrusted(to, trust.repository);
    await openNextShard({ from, to, auditor, now });
  }
}

async function mustBeTrusted({ key, origin }: SigningLog, repository: string): Promise<void> {
  const root = (await readPublished(repository))?.files.get(TRUSTED_ROOT_FILE);
  const known = root !== undefined && parseTrustedRoot(root).logs.some((log) => log.key.fingerprint === key.fingerprint);
  if (known) return;
  throw new SealwardError('ERR_CONFIG_INVALID', `the trust repository does not list the shard ${origin} yet, so no client would believe it`, {
    hint: 'Stage it with `sealward server rotate log`, sign and publish, and wait until the lease before has ended; nothing was closed.',
  });
}
