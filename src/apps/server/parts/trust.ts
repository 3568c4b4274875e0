/** The repository of trust: its files for whoever asks, and its lease, given anew in time. */
import { TrustLease, trustRoutes } from '../../../services/trust/index.ts';
import type { TrustConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';

const PREFIX = '/trust';
const LOOK_MS = 60_000;

export async function openTrust({ keys, logger, now }: ServerContext, { repository, key, leaseMs }: TrustConfig): Promise<OpenedPart> {
  const routes = trustRoutes(repository, PREFIX);
  if (key === undefined) return { routes, part: { name: 'trust', problem: () => undefined, describe: () => ({ publishes: 'somebody else' }) } };
  const lease = new TrustLease({ repository, signer: await keys.open(key), leaseMs, now });
  await lease.renewIfDue();
  const renew = (): void =>
    void lease.renewIfDue().catch((error: unknown) => logger.error({ err: error }, 'the lease of the trust repository cannot be given anew'));
  const timer = setInterval(renew, Math.min(LOOK_MS, leaseMs / 8));
  return {
    routes,
    part: {
      name: 'trust',
      problem: () => lease.problem(),
      describe: () => ({ lease: `until ${new Date(lease.endsAt).toISOString()}` }),
      close: async () => clearInterval(timer),
    },
  };
}
