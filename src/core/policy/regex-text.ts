/** Patterns over names in RE2 syntax: over the whole value, always, and in linear time. */
import { RE2JS } from 're2js';
import { LIMITS } from '../encoding/index.ts';
import type { TextPattern } from './policy.ts';
import { invalid } from './text-pattern.ts';

const REGEX = { what: 'regular expression', hint: 'The syntax is RE2; the whole value must match, so write .* where anything may stand.' };

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
