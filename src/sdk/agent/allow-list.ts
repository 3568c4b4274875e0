/** Which registries an agent may contact: those that somebody listed, or else those that signed policies speak of. */
import { isIP } from 'node:net';
import { isLoopbackHost } from '../../clients/http/index.ts';
import { textGlob, type PolicySet, type TextPattern } from '../../core/policy/index.ts';

export type AllowedRegistry = (host: string) => boolean;

export interface AllowListOptions {
  /** Hosts as they stand in references, with stars where wanted; instead of what policies speak of. */
  readonly registries?: readonly string[];
  /** By registry: what the client of registries asks before it, `HOST[:PORT][/PREFIX]`. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
}

/**
 * A policy about every image means every registry that has a name: whoever may start pods could otherwise send the agent to
 * its own machine, or to the address of a cloud's metadata. Policies of namespaces do not count: whoever may write those must not be
 * able to send the agent anywhere.
 */
export function allowedRegistries(signed: PolicySet, { registries, mirrors = {} }: AllowListOptions = {}): AllowedRegistry {
  const named = registries ?? signed.policies.flatMap(({ scope: { images } }) => (images.length === 0 ? ['**'] : images.map(({ text }) => hostOf(text))));
  const patterns = [...named, ...Object.values(mirrors).flat().map(hostOf)];
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const globs: TextPattern[] = [...new Set(patterns)].filter((pattern) => pattern.includes('*') && pattern !== '**').map(textGlob);
  const every = patterns.includes('**');
  return (host) => exact.has(host) || globs.some(({ matches }) => matches(host)) || (every && hasPublicForm(host));
}

/** Neither an address nor this machine. */
function hasPublicForm(host: string): boolean {
  const bare = host.startsWith('[') ? host : host.replace(/:[0-9]+$/, '');
  return !bare.startsWith('[') && isIP(bare) === 0 && !isLoopbackHost(bare) && bare.includes('.');
}

/** What stands before the first slash of a pattern over images, whose defaults are written out. */
function hostOf(text: string): string {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  // Two stars reach across slashes: what follows them may be of the repository.
  const stars = host.indexOf('**');
  return stars < 0 ? host : `${host.slice(0, stars)}**`;
}
