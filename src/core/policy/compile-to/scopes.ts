/**
 * Image patterns as scopes of containers' policy.json: `host`, `*.host`, `host/path`, and '' for everything. A scope is about
 * the repository of its name and all below it, whatever tag or digest, and `*.host` about hosts with a port as well; of the
 * scopes that match only the longest counts.
 */
import type { Scope } from '../policy.ts';

export interface ScopeOf {
  readonly scope: string;
  /**
   * `whole`: exactly what the patterns take in. `one`: only the repository itself. `below`: without the repository itself.
   * `portless`, `ports`: only hosts without, or only hosts with a port. `part`: no more is known.
   */
  readonly takes: 'whole' | 'one' | 'below' | 'portless' | 'ports' | 'part';
}

/** One for each scope that the patterns of a policy lie in; without patterns everything. */
export function scopesOf({ images }: Pick<Scope, 'images'>): ScopeOf[] {
  if (images.length === 0) return [{ scope: '', takes: 'whole' }];
  return joined(images.map(({ text }) => scopeOf(text)));
}

/** Of what a policy leaves out the scopes that it leaves out whole, and those of which some images stay. */
export function excludedScopes({ exclude }: Pick<Scope, 'exclude'>): { readonly whole: readonly string[]; readonly kept: readonly ScopeOf[] } {
  const all = joined(exclude.map(({ text }) => scopeOf(text)));
  return {
    whole: all.filter(({ takes }) => takes === 'whole').map(({ scope }) => scope),
    kept: all.filter(({ takes }) => takes !== 'whole'),
  };
}

function scopeOf(pattern: string): ScopeOf {
  if (pattern === '**') return { scope: '', takes: 'whole' };
  const [, wildcard, port] = /^(\*\.[^*:/]+)(:[^/]*)?\/\*\*$/.exec(pattern) ?? [];
  if (wildcard !== undefined) return { scope: wildcard, takes: port === undefined ? 'portless' : port === ':*' ? 'ports' : 'part' };
  const host = /^([^*/]+)\/\*\*$/.exec(pattern)?.[1];
  if (host !== undefined) return { scope: host, takes: 'whole' };
  const path = /^([^*@]+)\/\*\*$/.exec(pattern)?.[1];
  if (path !== undefined) return { scope: path, takes: 'below' };
  const [name = ''] = pattern.split('@', 1);
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const repository = tagged ? name.slice(0, colon) : name;
  const star = repository.indexOf('*');
  if (star >= 0) return { scope: repository.slice(0, Math.max(0, repository.lastIndexOf('/', star))), takes: 'part' };
  return { scope: repository, takes: tagged || pattern.includes('@') ? 'part' : 'one' };
}

/** A repository and all below it are one scope whole, and so are hosts with and without a port. */
function joined(all: readonly ScopeOf[]): ScopeOf[] {
  return [...Map.groupBy(all, ({ scope }) => scope)].map(([scope, some]) => {
    const takes = (what: ScopeOf['takes']): boolean => some.some((one) => one.takes === what);
    if (takes('whole') || (takes('one') && takes('below')) || (takes('portless') && takes('ports'))) return { scope, takes: 'whole' };
    return { scope, takes: (['below', 'portless', 'one', 'ports'] as const).find(takes) ?? 'part' };
  });
}

/** Whether every image of a scope lies in another: the scope itself, or one above it. */
export function liesIn(inner: string, outer: string): boolean {
  if (outer === '' || inner === outer) return true;
  if (outer.startsWith('*.')) {
    const [host = ''] = inner.split(/[:/]/, 1);
    return host.length > outer.length - 1 && host.endsWith(outer.slice(1));
  }
  return inner.startsWith(`${outer}/`);
}

/**
 * Whether the patterns of a policy take in every image that a place is asked for, where the place lies in their scope.
 * @param signed whether what the scope takes in beyond the patterns must be signed like the rest, and so may be counted.
 */
export function takesAll({ scope, takes }: ScopeOf, place: string, signed: boolean): boolean {
  if (takes === 'whole' || (takes === 'below' && place !== scope)) return true;
  return signed && (takes === 'below' || takes === 'portless' || (takes === 'one' && place === scope));
}

/** Whether a place is asked for images that lie in a scope and that patterns leave out. */
export function isLeftOutAt({ scope, takes }: ScopeOf, place: string): boolean {
  return takes === 'one' ? place === scope : liesIn(place, scope);
}
