/** Digests by which decisions name policies: over what was compiled, in one canonical form. */
import { fingerprintOf } from '../crypto/index.ts';
import { utf8 } from '../encoding/index.ts';

/** `sha256:hex`. Patterns are functions beside their text; the text is what counts of them. */
export function digestOf(value: object): string {
  return `sha256:${fingerprintOf(utf8(canonical(value)))}`;
}

/** RFC 8785 of what JSON would keep: no functions, nothing undefined, and no end or beginning of time. */
function canonical(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  if (value === null || typeof value !== 'object') return value === undefined || typeof value === 'function' ? 'null' : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member !== undefined && typeof member !== 'function') members.push(`${JSON.stringify(key)}:${canonical(member)}`);
  }
  return `{${members.join(',')}}`;
}
