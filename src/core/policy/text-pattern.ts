/** Patterns over names: exact, with stars, or in RE2 syntax; over the whole value, always, and in linear time. */
import { RE2JS } from 're2js';
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

/** Throws ERR_PATTERN_INVALID. `matches` demands the whole input, which no ^, $ or (?m) inside the pattern can loosen. */
export function regexText(pattern: string): TextPattern {
  if (pattern.length > LIMITS.patternLength) throw invalid(pattern, `it is longer than ${LIMITS.patternLength} characters`, REGEX);
  let compiled: ReturnType<typeof RE2JS.compile>;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (cause) {
    throw invalid(pattern, cause instanceof Error ? cause.message.slice(0, 200) : 'it cannot be read', REGEX, cause);
  }
  // A{1000} stands for a thousand A's, and B{30}{30} for more: what is large when it is written out is slow for every value.
  if (compiled.programSize() > LIMITS.regexInstructions) {
    throw invalid(pattern, `written out it has more than ${LIMITS.regexInstructions} steps`, { ...REGEX, hint: 'Write smaller repetitions.' });
  }
  return { text: `/${pattern}/`, matches: (value) => value.length <= LIMITS.matchedLength && compiled.matcher(value).matches() };
}

/** What holds of every glob, whatever it is about. */
export function checkGlob(written: string): void {
  if (written === '') throw invalid(written, 'it is empty');
  if (written.length > LIMITS.patternLength) throw invalid(written, `it is longer than ${LIMITS.patternLength} characters`);
  if (written.includes('***')) throw invalid(written, 'three stars mean nothing', { hint: 'Write ** for anything, * for anything but a slash.' });
}

const REGEX = { what: 'regular expression', hint: 'The syntax is RE2; the whole value must match, so write .* where anything may stand.' };

export function invalid(pattern: string, why: string, { what = 'pattern', hint }: { readonly what?: string; readonly hint?: string } = {}, cause?: unknown) {
  return new SealwardError('ERR_PATTERN_INVALID', `the ${what} ${quoted(pattern)} cannot be used: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
  });
}
