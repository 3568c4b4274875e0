/** Regular expressions in RE2 syntax: over the whole value, always, and in linear time. The one place that knows the engine. */
import { RE2JS } from 're2js';

export interface LinearRegex {
  /** Its repetitions written out, in instructions: what is large there is slow for every value. */
  readonly steps: number;
  readonly matches: (value: string) => boolean;
}

/** Throws what the engine throws, an Error that says why. `matches` demands the whole input, which no ^, $ or (?m) inside the pattern can loosen. */
export function linearRegex(pattern: string): LinearRegex {
  const compiled = RE2JS.compile(pattern);
  return { steps: compiled.programSize(), matches: (value) => compiled.matcher(value).matches() };
}
