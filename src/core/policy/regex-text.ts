/** Patterns over names in RE2 syntax, within the bounds of policies: they are compared for every image of a cluster. */
import { LIMITS } from '../encoding/index.ts';
import { type LinearRegex, linearRegex } from './linear-regex.ts';
import type { TextPattern } from './policy.ts';
import { invalid } from './text-pattern.ts';

const REGEX = { what: 'regular expression', hint: 'The syntax is RE2; the whole value must match, so write .* where anything may stand.' };

/** Throws ERR_PATTERN_INVALID. */
export function regexText(pattern: string): TextPattern {
  if (pattern.length > LIMITS.patternLength) throw invalid(pattern, `it is longer than ${LIMITS.patternLength} characters`, REGEX);
  let regex: LinearRegex;
  try {
    regex = linearRegex(pattern);
  } catch (cause) {
    throw invalid(pattern, cause instanceof Error ? cause.message.slice(0, 200) : 'it cannot be read', REGEX, cause);
  }
  // A{1000} stands for a thousand A's, and B{30}{30} for more: what is large when it is written out is slow for every value.
  if (regex.steps > LIMITS.regexInstructions) {
    throw invalid(pattern, `written out it has more than ${LIMITS.regexInstructions} steps`, { ...REGEX, hint: 'Write smaller repetitions.' });
  }
  return { text: `/${pattern}/`, matches: (value) => value.length <= LIMITS.matchedLength && regex.matches(value) };
}
