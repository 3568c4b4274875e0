/** RFC 3339 as trusted roots and TUF metadata write moments. */

const MOMENT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970, fractions below a millisecond cut; undefined for what is no moment. */
export function parseMoment(text: string): number | undefined {
  const match = MOMENT.exec(text);
  const time = match ? Date.parse(`${match[1]}.${(match[2] ?? '0').padEnd(3, '0').slice(0, 3)}${match[3]}`) : Number.NaN;
  return Number.isFinite(time) ? time : undefined;
}

/** In whole seconds where it is one, as TUF asks for (section 4.1, date-time), else with milliseconds. */
export function encodeMoment(moment: number): string {
  return new Date(moment).toISOString().replace('.000Z', 'Z');
}
