/** Problems of what runs in the background, for its log: each once a minute, because the same trouble comes again with each attempt. */
import type { SealwardError } from '../../core/errors.ts';

const MINUTE = 60_000;
/** Of one code, in a minute: names that strangers chose may stand in messages. */
const MOST = 10;

/** @param now milliseconds; the system's clock when missing. */
export function problemLog(logger: { warn(about: object, message: string): void }, now: () => number = Date.now): (problem: SealwardError) => void {
  const minutes = new Map<string, { readonly since: number; readonly told: Set<string>; leftOut: number }>();
  return ({ code, message, hint }) => {
    let minute = minutes.get(code);
    if (!minute || now() - minute.since >= MINUTE) minutes.set(code, (minute = { since: now(), told: new Set(), leftOut: minute?.leftOut ?? 0 }));
    if (minute.told.has(message)) return;
    if (minute.told.size >= MOST) {
      minute.leftOut++;
      return;
    }
    minute.told.add(message);
    logger.warn({ code, hint, ...(minute.leftOut === 0 ? {} : { leftOut: minute.leftOut }) }, message);
    minute.leftOut = 0;
  };
}
