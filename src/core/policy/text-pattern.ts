/** Patterns over names, exact or with stars; over the whole value, always, and in linear time. Those in RE2 syntax: regex-text.ts. */
import { quoted } from '../artifact/index.ts';
import { LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { compileGlob } from './glob.ts';
import type { TextPattern } from './policy.ts';

/** With two stars, as in names of images. Throws ERR_PATTERN_INVALID. */
export function textGlob(written: string): TextPattern {
  checkGlob(written);
  // A text that starts as the other two kinds do is marked, so that two patterns with one text mean the same.
  return { text: /^(?:["/]|glob:)/.test(written) ? `glob:${written}` : written, matches: compileGlob(written).matches };
}

export function exactText(text: string): TextPattern {
  return { text: JSON.stringify(text), matches: (value) => value === text };
}

/** What holds of every glob, whatever it is about. */
export function checkGlob(written: string): void {
  if (written === '') throw invalid(written, 'it is empty');
  if (written.length > LIMITS.patternLength) throw invalid(written, `it is longer than ${LIMITS.patternLength} characters`);
  if (written.includes('***')) throw invalid(written, 'three stars mean nothing', { hint: 'Write ** for anything, * for anything but a slash.' });
}

export function invalid(pattern: string, why: string, { what = 'pattern', hint }: { readonly what?: string; readonly hint?: string } = {}, cause?: unknown) {
  return new SealwardError('ERR_PATTERN_INVALID', `the ${what} ${quoted(pattern)} cannot be used: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
  });
}
