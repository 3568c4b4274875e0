/** Digests by which decisions name policies: over what was compiled, in one canonical form. */
import { fingerprintOf } from '../crypto/index.ts';
import { utf8 } from '../encoding/index.ts';

/** `sha256:hex`. Patterns are functions beside their text; the text is what counts of them. */
export function digestOf(value: object): string {
  return `sha256:${fingerprintOf(utf8(canonical(value)))}`;
}

/** Names of members are few, and each is written again and again. */
const names = new Map<string, string>();

function nameOf(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const written = `${JSON.stringify(key)}:`;
  // Labels and annotations have names of anybody's choice.
  if (names.size < 1000) names.set(key, written);
  return written;
}

/** In place, by insertion: members are few, and mostly in order. Larger maps are what a stranger may have written. */
function sorted(keys: string[]): string[] {
  if (keys.length > 32) return keys.sort();
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    let at = i;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/** RFC 8785 of what JSON would keep: no functions, nothing undefined, and no end or beginning of time. */
function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  if (value === null || typeof value !== 'object') return value === undefined || typeof value === 'function' ? 'null' : JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const one of value) text += text === '' ? canonical(one) : `,${canonical(one)}`;
    return `[${text}]`;
  }
  for (const key of sorted(Object.keys(value))) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member === undefined || typeof member === 'function') continue;
    text += `${text === '' ? '' : ','}${nameOf(key)}${canonical(member)}`;
  }
  return `{${text}}`;
}
