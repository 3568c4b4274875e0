/** Which delegated roles may speak of a path (specification, section 4.5, and TAP 15). */
import { hash } from '../../crypto/index.ts';
import { encodeHex, utf8 } from '../../encoding/index.ts';
import type { Delegation, SuccinctRoles, TargetsMetadata } from './metadata.ts';

/** Pattern and path segment by segment: `*` and `?` never match the separator. Brackets stand for themselves, which matches less. */
export function matchesPath(pattern: string, path: string): boolean {
  const patterns = pattern.split('/');
  const segments = path.split('/');
  return patterns.length === segments.length && patterns.every((part, i) => matchesSegment(part, segments[i] as string));
}

/** Goes back to the last star only, so that no pattern takes longer than the product of the two lengths. */
function matchesSegment(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let i = 0;
  while (i < text.length) {
    if (at < pattern.length && pattern[at] === '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++resume;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

export function delegates(delegation: Delegation, path: string): boolean {
  if (delegation.paths) return delegation.paths.some((pattern) => matchesPath(pattern, path));
  const digest = encodeHex(hash('sha256', utf8(path)));
  return (delegation.pathHashPrefixes ?? []).some((prefix) => digest.startsWith(prefix));
}

/** The roles to ask for a path, most trusted first; after a terminating one nobody else is asked. */
export function delegationsFor(
  { delegations, succinct }: TargetsMetadata,
  path: string,
): { readonly delegations: readonly Delegation[]; readonly terminating: boolean } {
  if (succinct) return { delegations: [binFor(succinct, path)], terminating: true };
  const found: Delegation[] = [];
  for (const delegation of delegations) {
    if (!delegates(delegation, path)) continue;
    found.push(delegation);
    if (delegation.terminating) return { delegations: found, terminating: true };
  }
  return { delegations: found, terminating: false };
}

/** The delegation of a role by its name, whatever it may speak of. */
export function delegationTo(delegator: TargetsMetadata, role: string): Delegation | undefined {
  const { delegations, succinct } = delegator;
  if (!succinct) return delegations.find(({ name }) => name === role);
  const suffix = role.startsWith(`${succinct.namePrefix}-`) ? role.slice(succinct.namePrefix.length + 1) : '';
  const bins = 2 ** succinct.bitLength;
  if (!/^[0-9a-f]+$/.test(suffix) || suffix.length !== (bins - 1).toString(16).length || Number.parseInt(suffix, 16) >= bins) return undefined;
  return { ...succinct, name: role, terminating: true, paths: [] };
}

/** TAP 15: the bin is named by the left-most bits of the digest of the path, in hexadecimal and padded. */
function binFor(succinct: SuccinctRoles, path: string): Delegation {
  const digest = hash('sha256', utf8(path));
  const first = new DataView(digest.buffer, digest.byteOffset, digest.length).getUint32(0);
  const bin = first >>> (32 - succinct.bitLength);
  const width = (2 ** succinct.bitLength - 1).toString(16).length;
  return { ...succinct, name: `${succinct.namePrefix}-${bin.toString(16).padStart(width, '0')}`, terminating: true, paths: [] };
}
