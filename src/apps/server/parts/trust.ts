/** The repository of trust: its files for whoever asks, and its lease, given anew in time. */
import { SealwardError } from '../../../core/errors.ts';
import { TrustLease, trustRoutes } from '../../../services/trust/index.ts';
import type { TrustConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';
import { recordPublished } from './control-events.ts';

const PREFIX = '/trust';
const LOOK_MS = 60_000;

export async function openTrust({ keys, logger, now, clock, state, control }: ServerContext, { repository, key, leaseMs }: TrustConfig): Promise<OpenedPart> {
  const routes = trustRoutes(repository, PREFIX);
  const lease = key === undefined ? undefined : new TrustLease({ repository, signer: await keys.open(key), leaseMs, now, signedAt: () => clock.now() });
  await lease?.renewIfDue().catch(unlessTheClock);
  const record = async (): Promise<void> => control && recordPublished(control, state, repository);
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    await lease?.renewIfDue().catch((error: unknown) => logger.error({ err: error }, 'the lease of the trust repository cannot be given anew'));
    await record().catch((error: unknown) => logger.error({ err: error }, 'what was published cannot be written into the control log'));
  };
  const timer = setInterval(() => void (looking ??= look().finally(() => (looking = undefined))), Math.min(LOOK_MS, leaseMs / 8));
  return {
    routes,
    part: {
      name: 'trust',
      problem: () => lease?.problem(),
      begun: record,
      describe: () => (lease ? { lease: `until ${new Date(lease.endsAt).toISOString()}` } : { publishes: 'somebody else' }),
      async close() {
        clearInterval(timer);
        await looking;
      },
    },
  };
}

/** Its sources may not have been asked yet, and are asked again soon. */
function unlessTheClock(error: unknown): void {
  if (!(error instanceof SealwardError) || error.code !== 'ERR_CLOCK_REFUSED') throw error;
}
