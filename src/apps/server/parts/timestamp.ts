/** The timestamp authority of this server, and the clock that it dates by. */
import { ClockGuard, createTimestampAuthority, Serials, sntpSource, timestampRoutes } from '../../../services/timestamp/index.ts';
import type { TimestampConfig } from '../config.ts';
import { certificateWords, type OpenedPart, type ServerContext } from '../context.ts';
import { readChain } from '../files.ts';

const LOOK_MS = 1000;
/** The mark in the state: nothing is dated before it, also not by a later process. */
const DATED = 'dated';
const SERIALS = 'timestamp';

export async function openTimestamps(context: ServerContext, config: TimestampConfig): Promise<OpenedPart> {
  const { keys, state, metrics, logger, now } = context;
  const signer = await keys.open(config.key);
  const chain = readChain(config.certificates, 'the certificates of the timestamp authority');
  const clock = new ClockGuard({
    readings: { wall: now, running: () => performance.now() },
    sources: config.sources.map((host) => sntpSource(host)),
    quorum: config.quorum,
    toleranceMs: config.toleranceMs,
    freshMs: config.freshMs,
    notBefore: await state.raise(DATED, 0),
  });
  let granted = 0;
  const counted = {
    now() {
      granted = clock.now();
      return granted;
    },
  };
  const authority = createTimestampAuthority({ signer, chain, clock: counted, serials: new Serials((count) => state.reserve(SERIALS, count)) });
  const watch = watchClock(clock, config, () => (granted > 0 ? state.raise(DATED, granted).then(() => undefined) : Promise.resolve()), logger);
  metrics.gauge('sealward_clock_refuses', 'Whether nothing is dated because of the clock', () => (clock.state().refuses === undefined ? 0 : 1));
  return {
    routes: timestampRoutes(authority),
    part: {
      name: 'timestamp',
      problem: () => clock.state().refuses,
      describe: () => ({ certificate: chain[0] && certificateWords(chain[0]), clock: clock.state() }),
      close: watch.close,
    },
  };
}

/** Looks at the clock every second, asks its sources before their word is stale, and keeps what was dated last. */
function watchClock(
  clock: ClockGuard,
  { quorum, freshMs }: TimestampConfig,
  keep: () => Promise<void>,
  logger: ServerContext['logger'],
): { readonly close: () => Promise<void> } {
  const stopped = new AbortController();
  let said: string | undefined;
  const look = (): void => {
    const { refuses } = clock.state();
    if (refuses !== said)
      logger[refuses === undefined ? 'info' : 'error']({ refuses }, refuses === undefined ? 'the clock is believed again' : 'nothing is dated');
    said = refuses;
    keep().catch((error: unknown) => logger.error({ err: error }, 'what was dated last cannot be kept'));
  };
  const compare = (): void => void clock.compare(stopped.signal).catch((error: unknown) => logger.error({ err: error }, 'the sources of time cannot be asked'));
  if (quorum > 0) compare();
  const timers = [setInterval(look, LOOK_MS), ...(quorum > 0 ? [setInterval(compare, freshMs / 3)] : [])];
  return {
    async close() {
      for (const timer of timers) clearInterval(timer);
      stopped.abort();
      await keep();
    },
  };
}
