/**
 * Image patterns as scopes of containers' policy.json: `host`, `*.host`, `host/path`, and '' for everything. A scope is about
 * the repository of its name and all below it, whatever tag or digest; of the scopes that match only the longest counts.
 */
import type { Scope } from '../policy.ts';

export interface ScopeOf {
  readonly scope: string;
  /** `whole`: exactly what the patterns take in. `one`: only the repository itself. `below`: without the repository itself. `part`: no more is known. */
  readonly takes: 'whole' | 'one' | 'below' | 'part';
}

/** One for each scope that the patterns of a policy lie in; without patterns everything. */
export function scopesOf({ images }: Pick<Scope, 'images'>): ScopeOf[] {
  if (images.length === 0) return [{ scope: '', takes: 'whole' }];
  return joined(images.map(({ text }) => scopeOf(text)));
}

/** Of what a policy leaves out the scopes that it leaves out whole. */
export function excludedScopes({ exclude }: Pick<Scope, 'exclude'>): { readonly whole: readonly string[]; readonly kept: readonly string[] } {
  const all = joined(exclude.map(({ text }) => scopeOf(text)));
  return {
    whole: all.filter(({ takes }) => takes === 'whole').map(({ scope }) => scope),
    kept: all.filter(({ takes }) => takes !== 'whole').map(({ scope }) => scope),
  };
}

function scopeOf(pattern: string): ScopeOf {
  if (pattern === '**') return { scope: '', takes: 'whole' };
  const below = /^(\*\.[^*/]+|[^*/]+)\/\*\*$/.exec(pattern)?.[1];
  if (below !== undefined) return { scope: below, takes: 'whole' };
  const path = /^([^*@]+)\/\*\*$/.exec(pattern)?.[1];
  if (path !== undefined) return { scope: path, takes: 'below' };
  const star = pattern.indexOf('*');
  if (star >= 0) return { scope: pattern.slice(0, Math.max(0, pattern.lastIndexOf('/', star))), takes: 'part' };
  const [name = ''] = pattern.split('@', 1);
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const repository = tagged ? name.slice(0, colon) : name;
  return { scope: repository, takes: tagged || pattern.includes('@') ? 'part' : 'one' };
}

/** A repository and all below it are one scope whole. */
function joined(all: readonly ScopeOf[]): ScopeOf[] {
  return [...Map.groupBy(all, ({ scope }) => scope)].map(([scope, some]) => {
    const takes = (what: ScopeOf['takes']): boolean => some.some((one) => one.takes === what);
    if (takes('whole') || (takes('one') && takes('below'))) return { scope, takes: 'whole' };
    return { scope, takes: takes('below') ? 'below' : takes('one') ? 'one' : 'part' };
  });
}

/** Whether every image of a scope lies in another: the scope itself, or one above it. */
export function liesIn(inner: string, outer: string): boolean {
  if (outer === '' || inner === outer) return true;
  if (outer.startsWith('*.')) {
    const [host = ''] = inner.split('/', 1);
    return host.length > outer.length - 1 && host.endsWith(outer.slice(1));
  }
  return inner.startsWith(`${outer}/`);
}
