/** Times as scanners and build systems write them. */

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Milliseconds since 1970 of an RFC 3339 time; undefined for anything else. Leap seconds count as the second before. */
export function parseTime(text: string): number | undefined {
  // A nanosecond fraction has nine digits; nothing sensible is longer than this.
  const match = text.length > 64 ? null : RFC_3339.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const midnight = new Date(0);
  // Date.UTC would read the years below 100 as those of the twentieth century.
  midnight.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have would have moved into the next month.
  if (month < 1 || month > 12 || midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const offset = match[8] === undefined ? 0 : (Number(match[9]) * 60 + Number(match[10])) * (match[8] === '-' ? -60_000 : 60_000);
  const fraction = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  return midnight.getTime() + ((hour * 60 + minute) * 60 + Math.min(second, 59)) * 1000 + fraction - offset;
}

/** As Go's time.RFC3339 writes it in UTC, and cosign with it: whole seconds. */
export function formatTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
