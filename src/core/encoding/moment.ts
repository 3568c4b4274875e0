/** Moments as RFC 3339 writes them (section 5.6, date-time), which is what trusted roots, TUF metadata, policies and flags hold. */

const MOMENT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970, fractions below a millisecond cut; undefined for what is no moment. */
export function parseMoment(text: string): number | undefined {
  const [, seconds = '', fraction = '0', zone = ''] = MOMENT.exec(text) ?? [];
  // Date reads the 31st of February as one of March, and 24:00 as the next day; neither comes back as it was written.
  const there = Date.parse(`${seconds}Z`);
  if (Number.isNaN(there) || !new Date(there).toISOString().startsWith(seconds)) return undefined;
  const time = Date.parse(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`);
  return Number.isNaN(time) ? undefined : time;
}

/** In whole seconds where it is one, as TUF asks for (section 4.1, date-time), else with milliseconds. */
export function encodeMoment(moment: number): string {
  return new Date(moment).toISOString().replace('.000Z', 'Z');
}
