/** Whether Debian has newer packages than the lock: what was pinned stays as it is, and nobody notices that it was mended since. */
import { execFileSync } from 'node:child_process';
import type { LockedPackage } from './lock.ts';

/** A version of a package that Debian has today. */
export interface Offered {
  readonly name: string;
  readonly version: string;
  /** Whether Debian's security archive has it. */
  readonly security: boolean;
}

/** @param isGreater how versions of Debian are ordered (deb-version(7)), as dpkg does it when missing */
export function newerThan(locked: readonly LockedPackage[], offered: readonly Offered[], isGreater = dpkgSays): readonly string[] {
  return locked.flatMap(({ name, version, architecture }) => {
    const there = offered.filter((one) => one.name === name);
    if (there.length === 0) return [`${name} ${version} (${architecture}): Debian has none of that name any more`];
    const newest = there.reduce((best, one) => (isGreater(one.version, best.version) ? one : best));
    if (!isGreater(newest.version, version)) return [];
    const mends = there.some((one) => one.security && isGreater(one.version, version)) ? ', a security update' : '';
    return [`${name} ${version} (${architecture}): Debian has ${newest.version}${mends}`];
  });
}

function dpkgSays(one: string, other: string): boolean {
  try {
    execFileSync('dpkg', ['--compare-versions', one, 'gt', other], { stdio: ['ignore', 'ignore', 'pipe'] });
    return true;
  } catch (cause) {
    if ((cause as { readonly status?: number | null }).status === 1) return false;
    throw cause;
  }
}
