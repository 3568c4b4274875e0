/** The one clock by which this server certifies and dates. */
import type { Logger } from 'pino';
import type { Certificate } from '../../../core/crypto/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { ServerMetrics } from '../../../services/api/index.ts';
import type { ServerState } from '../../../services/store/index.ts';
import { ClockGuard, sntpSource } from '../../../services/timestamp/index.ts';
import type { ClockConfig } from '../config.ts';
import type { Part } from '../context.ts';

const LOOK_MS = 1000;
/** The mark in the state: nothing is dated before it, also not by a later process. */
const DATED = 'dated';

export interface OpenClock {
  /** Milliseconds since 1970. Throws ERR_CLOCK_REFUSED. */
  now(): number;
  readonly part: Part;
}

export interface ClockParts {
  readonly config: ClockConfig;
  readonly state: ServerState;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  /** Of this machine, in milliseconds since 1970. */
  readonly wall: () => number;
}

/** Throws ERR_CLOCK_REFUSED when the clock stands before what this server dated last. */
export async function openClock({ config, state, metrics, logger, wall }: ClockParts): Promise<OpenClock> {
  const { sources, quorum, toleranceMs, freshMs } = config;
  const notBefore = await state.raise(DATED, 0);
  if (wall() + toleranceMs < notBefore) {
    throw new SealwardError('ERR_CLOCK_REFUSED', `the clock says ${shown(wall())}, and this server has dated something at ${shown(notBefore)}`, {
      hint: 'Set the clock, then start again.',
    });
  }
  const guard = new ClockGuard({
    readings: { wall, running: () => performance.now() },
    sources: sources.map((host) => sntpSource(host)),
    quorum,
    toleranceMs,
    freshMs,
    notBefore,
  });
  let last = 0;
  let kept = 0;
  const keep = async (): Promise<void> => {
    if (last > kept) kept = await state.raise(DATED, last);
  };
  let said: string | undefined;
  const look = (): void => {
    const { refuses } = guard.state();
    if (refuses !== said)
      logger[refuses === undefined ? 'info' : 'error']({ refuses }, refuses === undefined ? 'the clock is believed again' : 'nothing is dated');
    said = refuses;
    keep().catch((error: unknown) => logger.error({ err: error }, 'what was dated last cannot be kept'));
  };
  const stopped = new AbortController();
  const compare = (): void => void guard.compare(stopped.signal).catch((error: unknown) => logger.error({ err: error }, 'the sources of time cannot be asked'));
  if (quorum > 0) compare();
  const timers = [setInterval(look, LOOK_MS), ...(quorum > 0 ? [setInterval(compare, freshMs / 3)] : [])];
  metrics.gauge('sealward_clock_refuses', 'Whether nothing is dated because of the clock', () => (guard.state().refuses === undefined ? 0 : 1));
  return {
    now() {
      last = guard.now();
      return last;
    },
    part: {
      name: 'clock',
      problem: () => guard.state().refuses,
      describe: () => ({ sources: guard.state().sources }),
      async close() {
        for (const timer of timers) clearInterval(timer);
        stopped.abort();
        await keep();
      },
    },
  };
}

/** A certificate that is not valid yet says that the clock is wrong; one that has ended must be renewed. Both before anything is signed. */
export function checkValidity(certificate: Certificate | undefined, what: string, now: number): void {
  if (!certificate || (now >= certificate.notBefore && now <= certificate.notAfter)) return;
  const early = now < certificate.notBefore;
  throw new SealwardError(
    'ERR_CLOCK_REFUSED',
    `the clock says ${shown(now)}, and the certificate of the ${what} is valid ${early ? `from ${shown(certificate.notBefore)}` : `until ${shown(certificate.notAfter)}`}`,
    { hint: early ? 'Set the clock, then start again.' : 'Set the clock; a new certificate is made by `sealward server rotate`.' },
  );
}

function shown(moment: number): string {
  return new Date(moment).toISOString();
}
