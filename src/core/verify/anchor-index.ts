/** Anchors by id: facts name them, and what they are worth is looked up when something is decided. */
import { type Anchor, type Anchors, inWindow } from '../trust/index.ts';
import type { Clock } from './clock.ts';

/** Under one id stand several when they are trusted for several windows, or under several names. */
export type AnchorIndex = ReadonlyMap<string, readonly Anchor[]>;

export function indexAnchors(anchors: Anchors): AnchorIndex {
  const all: Anchor[] = [...anchors.keys, ...anchors.authorities, ...anchors.logs, ...anchors.certificateLogs, ...anchors.timestampAuthorities];
  return Map.groupBy(all, ({ id }) => id);
}

/** Whether an anchor is trusted at a moment; one that is not there at all never is. */
export function isTrustedAt(index: AnchorIndex, id: string, moment: number): boolean {
  return index.get(id)?.some(({ window }) => inWindow(window, moment)) === true;
}

export function isTrustedNow(index: AnchorIndex, id: string, clock: Clock): boolean {
  return index.get(id)?.some(({ window }) => clock.in(window)) === true;
}

/** For people. */
export function nameOf(index: AnchorIndex, id: string): string {
  return index.get(id)?.[0]?.name ?? id.slice(0, 16);
}

/** Who runs it, where that is stated. */
export function operatorOf(index: AnchorIndex, id: string): string | undefined {
  return index.get(id)?.find(({ operator }) => operator !== undefined)?.operator;
}
