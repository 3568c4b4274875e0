/**
 * Whether those who signed make up what is asked for: a system of distinct representatives, so that nobody counts for two
 * parts, found exactly. More signers can only help.
 */
import type { Authority, Combination } from '../policy/index.ts';

type Leaf = Extract<Combination, { kind: 'authority' }>;
type Group = Extract<Combination, { kind: 'at-least' }>;

/** @param signersOf the principals that signed as this authority. */
export function isSatisfied(combination: Combination, signersOf: (authority: Authority) => readonly string[]): boolean {
  if (combination.kind === 'authority') return signersOf(combination.authority).length > 0;
  const { count, of } = combination;
  // A threshold that is no count at all is met by nothing (CVE-2026-23992).
  if (!Number.isInteger(count) || count < 1 || count > of.length) return false;
  const leaves = of.filter((part): part is Leaf => part.kind === 'authority').map(({ authority }) => signersOf(authority));
  const groups = of.filter((part): part is Group => part.kind === 'at-least' && isSatisfied(part, signersOf));
  return choose(groups, 0, [], count, leaves, signersOf);
}

/** Tries which of the groups take part: one does so with all its signers, or not at all. */
function choose(
  groups: readonly Group[],
  at: number,
  chosen: readonly Group[],
  count: number,
  leaves: readonly (readonly string[])[],
  signersOf: (authority: Authority) => readonly string[],
): boolean {
  if (groups.length - at + chosen.length + leaves.length < count) return false;
  if (chosen.length === count || at === groups.length) {
    const slots: Slots[] = chosen.map(({ count: needed, of }) => ({
      needed,
      of: of.map((part) => (part.kind === 'authority' ? signersOf(part.authority) : [])),
    }));
    if (count > chosen.length) slots.push({ needed: count - chosen.length, of: leaves });
    return canFill(slots);
  }
  const group = groups[at] as Group;
  return choose(groups, at + 1, [...chosen, group], count, leaves, signersOf) || choose(groups, at + 1, chosen, count, leaves, signersOf);
}

/** So many of these parts must each have a signer of its own. */
interface Slots {
  readonly needed: number;
  readonly of: readonly (readonly string[])[];
}

/**
 * Whether distinct signers fill all slots. Each part may be filled once, each group as often as it needs: a flow, grown by
 * augmenting paths. A path may take a signer away from a part, and that part's group may turn to another of its parts.
 */
function canFill(groups: readonly Slots[]): boolean {
  const [only] = groups;
  // The commonest question needs no flow: whether anybody at all signed.
  if (only?.needed === 1 && groups.length === 1) return only.of.some((signers) => signers.length > 0);
  const parts = groups.flatMap(({ of }, group) => of.map((signers) => ({ group, signers })));
  const holder = new Map<string, number>();
  const filled = new Set<number>();
  const grow = (group: number, seen: Set<string>, tried: Set<number>): boolean => {
    for (const [at, part] of parts.entries()) {
      if (part.group !== group || filled.has(at) || tried.has(at)) continue;
      tried.add(at);
      if (fill(at, seen, tried)) return true;
    }
    return false;
  };
  const fill = (at: number, seen: Set<string>, tried: Set<number>): boolean => {
    for (const signer of (parts[at] as (typeof parts)[number]).signers) {
      if (seen.has(signer)) continue;
      seen.add(signer);
      const other = holder.get(signer);
      if (other === undefined || fill(other, seen, tried) || giveUp(other, seen, tried)) {
        holder.set(signer, at);
        filled.add(at);
        return true;
      }
    }
    return false;
  };
  /** The part goes unfilled, and another one of its group takes its place. */
  const giveUp = (at: number, seen: Set<string>, tried: Set<number>): boolean => {
    if (!grow((parts[at] as (typeof parts)[number]).group, seen, tried)) return false;
    filled.delete(at);
    return true;
  };
  return groups.every(({ needed }, group) => {
    for (let have = 0; have < needed; have++) if (!grow(group, new Set(), new Set())) return false;
    return true;
  });
}
