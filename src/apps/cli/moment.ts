import { parseMoment } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { visibleJson } from './visible.ts';

/** Of a flag that names a moment, milliseconds since 1970. Throws ERR_USAGE. */
export function momentFlag(name: string, text: string): number {
  const time = parseMoment(text);
  if (time === undefined)
    throw new SealwardError('ERR_USAGE', `--${name} is not a time: ${visibleJson(text.slice(0, 80))}`, { hint: 'Write it as in 2026-01-31T12:00:00Z.' });
  return time;
}
