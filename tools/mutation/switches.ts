/** A source text that holds all its mutants at once, each behind a switch: which one acts is chosen while it runs. */
import type { Mutant } from './mutants.ts';

/** What the text calls: whether the mutant of this number acts. */
export const SWITCH = '__mutant';

/** @param first the number of the first mutant; the others follow. */
export function withSwitches(text: string, mutants: readonly Mutant[], first: number): string {
  const before = new Map<number, string>();
  const behind = new Map<number, string>();
  const instead = new Map<number, { readonly end: number; readonly text: string }>();
  // Outer expressions come first: what stands before them stands before the inner ones, and behind them behind the inner ones.
  const wrap = ({ start, end }: Mutant, head: string, tail: string): void => {
    before.set(start, `${before.get(start) ?? ''}${head}`);
    behind.set(end, `${tail}${behind.get(end) ?? ''}`);
  };
  for (const [at, mutant] of mutants.entries()) {
    if (!mutant.place) continue;
    const call = `${SWITCH}(${first + at})`;
    switch (mutant.place.kind) {
      case 'expression':
        wrap(mutant, `(${call} ? (${mutant.replacement}) : `, ')');
        break;
      case 'member':
        wrap(mutant, `...(${call} ? {} : {`, '})');
        break;
      case 'name': {
        const { dot, optional } = mutant.place;
        const name = text.slice(mutant.start, mutant.end);
        instead.set(dot, { end: mutant.end, text: `${optional ? '?.' : ''}[${call} ? '${mutant.replacement}' : '${name}']` });
      }
    }
  }
  let out = '';
  for (let at = 0; at <= text.length; ) {
    out += `${behind.get(at) ?? ''}${before.get(at) ?? ''}`;
    const other = instead.get(at);
    out += other?.text ?? text.charAt(at);
    at = other?.end ?? at + 1;
  }
  return out;
}
