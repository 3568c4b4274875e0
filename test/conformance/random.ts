/** A seeded generator, so that a mutant that fails once fails again: mulberry32, good enough to choose bytes with. */
export interface Random {
  /** An integer from 0 up to, not including, the bound. */
  below(bound: number): number;
  pick<T>(items: readonly T[]): T;
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (bound: number): number => next() % bound;
  return { below, pick: (items) => items[below(items.length)] as (typeof items)[number] };
}
