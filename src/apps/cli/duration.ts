/** Durations as Go writes them: "3m0s", "1h30m", "1.5h", "250ms". */
import { SealwardError } from '../../core/errors.ts';

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 };
const PART = /(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(h|ms|us|µs|μs|ns|m|s)/y;

/** The longest that a timer of Node can wait. */
const LONGEST = 2 ** 31 - 1;

/** To milliseconds, rounded up; `what` names the flag in the message. */
export function parseDuration(text: string, what: string): number {
  let total = 0;
  let at = 0;
  PART.lastIndex = 0;
  while (at < text.length) {
    const part = PART.exec(text);
    if (!part) break;
    total += Number(part[1]) * (UNITS[part[2] as string] as number);
    at = PART.lastIndex;
  }
  if (at !== text.length || at === 0) {
    throw new SealwardError('ERR_USAGE', `${what} is not a duration: ${JSON.stringify(text.slice(0, 40))}`, {
      hint: 'Write a number and a unit, as in 30s, 3m0s or 1h30m.',
    });
  }
  const milliseconds = Math.ceil(total);
  if (milliseconds < 1 || milliseconds > LONGEST) {
    throw new SealwardError('ERR_USAGE', `${what} must be more than nothing and at most 24 days, and is ${text.slice(0, 40)}`);
  }
  return milliseconds;
}
