/** Scopes of containers' policy.json and of OpenShift: the most specific one that matches an image counts, and no other. */

/** The patterns of a scope: `host`, `*.host`, `host/namespace`, `host/repository:tag`, `host/repository@digest`, and '' for all. */
export function scopePatterns(scope: string): string[] {
  if (scope === '') return ['**'];
  const name = scope.split('@', 1)[0] as string;
  const isWhole = scope.includes('@') || (name.includes('/') && name.lastIndexOf(':') > name.lastIndexOf('/'));
  if (isWhole) return [scope];
  // A wildcard is compared with the host alone, whatever its port.
  if (scope.startsWith('*.')) return [`${scope}/**`, `${scope}:*/**`];
  return scope.includes('/') ? [scope, `${scope}/**`] : [`${scope}/**`];
}

/** The scopes that lie within another, and take images out of it. */
export function scopesWithin(scope: string, all: readonly string[]): string[] {
  return all.filter((other) => other !== scope && lies(other, scope));
}

function lies(inner: string, outer: string): boolean {
  if (outer === '') return true;
  if (outer.startsWith('*.')) {
    const host = inner.split(/[:/]/, 1)[0] as string;
    return host.endsWith(outer.slice(1));
  }
  return inner.startsWith(outer) && /^[/:@]/.test(inner.slice(outer.length));
}
