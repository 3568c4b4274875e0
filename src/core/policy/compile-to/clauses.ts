/**
 * Who must have signed, as containers' policy.json can say it: a list of demands, each of a signature by one of some keys. A
 * tree whose parts are keys of distinct people can be said so without a difference; every other tree cannot.
 */
import { inCombination } from '../authorities.ts';
import type { Authority, Combination } from '../policy.ts';

/** Demands that a tree may become: `2 of 6` becomes six of five keys each. */
const MOST = 64;

/** Ids of keys: of each list one must have signed. */
export type Clauses = readonly (readonly string[])[];

/**
 * @param keysOf ids of the keys of an authority that count; of an empty list the authority is never met.
 * @param personOf whoever counts once under several keys.
 * @returns the demands, or why there are none.
 */
export function clausesOf(tree: Combination, keysOf: (authority: Authority) => readonly string[], personOf: (key: string) => string): Clauses | string {
  const seen = new Map<string, Authority>();
  const leaves = inCombination(tree);
  for (const [at, authority] of leaves.entries()) {
    if (leaves.findIndex(({ name }) => name === authority.name) !== at)
      return `${authority.name} stands for several signers, and signatures of one are not told apart there`;
    for (const person of new Set(keysOf(authority).map(personOf))) {
      const other = seen.get(person);
      if (other) return `${authority.name} and ${other.name} may be met by one person, which is not told there`;
      seen.set(person, authority);
    }
  }
  const clauses = demands(tree, keysOf);
  if (!clauses) return `it would become more than ${MOST} demands`;
  return clauses.every((keys) => keys.length > 0) ? clauses : 'nobody who can be asked for there is enough';
}

/** k of n is met exactly when no n-k+1 of them are all missing. Undefined when there are too many. */
function demands(tree: Combination, keysOf: (authority: Authority) => readonly string[]): Clauses | undefined {
  if (tree.kind === 'authority') return [keysOf(tree.authority)];
  const { count, of } = tree;
  const parts = of.map((part) => demands(part, keysOf));
  const all: (readonly string[])[] = [];
  for (const missing of choices(of.length, of.length - count + 1)) {
    // Of several parts one must be met, whose own demands are all to be met: each of the one with each of the other.
    let either: (readonly string[])[] = [[]];
    for (const at of missing) {
      const own = parts[at];
      if (!own || either.length * own.length > MOST) return undefined;
      either = either.flatMap((left) => own.map((right) => [...left, ...right]));
    }
    all.push(...either);
    if (all.length > MOST) return undefined;
  }
  return all;
}

/** All ways to take some of so many, one after the other. */
function* choices(of: number, take: number, from = 0): Generator<number[]> {
  if (take === 0) yield [];
  else for (let at = from; at <= of - take; at++) for (const rest of choices(of, take - 1, at + 1)) yield [at, ...rest];
}
