/** Users' regular expressions: RE2 syntax, linear time, always anchored. Loaded only when one is given. */
import { RE2JS } from 're2js';
import { SealwardError } from '../errors.ts';

const MAX_PATTERN = 4096;

export function anchoredPattern(pattern: string): (value: string) => boolean {
  if (pattern.length > MAX_PATTERN) throw new SealwardError('ERR_USAGE', `a regular expression has ${pattern.length} characters, the bound is ${MAX_PATTERN}`);
  let compiled: ReturnType<typeof RE2JS.compile>;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (cause) {
    throw new SealwardError(
      'ERR_USAGE',
      `${JSON.stringify(pattern.slice(0, 200))} is not a regular expression: ${cause instanceof Error ? cause.message : ''}`,
      {
        cause,
        hint: 'The syntax is RE2; the whole value must match, so write .* where anything may stand.',
      },
    );
  }
  // `matches` demands the whole input, which no ^ or $ inside the pattern can loosen.
  return (value) => compiled.matcher(value).matches();
}
