/**
 * A view as it travels to a thread: keys and certificates as the bytes that name them, patterns as they were written. What
 * comes out there is what went in, so that both threads prove and appraise by the same.
 */
import { parseCertificate, parsePublicKey } from '../../core/crypto/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { type Condition, exactText, loadLinearRegex, type TextPattern, textGlob } from '../../core/policy/index.ts';
import type { Anchors } from '../../core/trust/index.ts';
import type { AskedCondition } from '../evidence-of.ts';
import type { View } from './view.ts';

/** Plain values and bytes alone. */
export interface CarriedView {
  readonly key: string;
  readonly anchors: unknown;
  readonly conditions: unknown;
}

export function carry({ key, anchors, conditions }: Pick<View, 'key' | 'anchors' | 'conditions'>): CarriedView {
  return { key, anchors: flat(anchors), conditions: flat(conditions) };
}

/** Patterns are texts there, and functions are nowhere. */
function flat(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(flat);
  if ('raw' in value && 'tbs' in value) return { certificate: value.raw };
  if ('spki' in value) return { spki: value.spki };
  if ('matches' in value) return { pattern: (value as TextPattern).text };
  // Who may excuse what a scan found is asked when something is decided, and not when it is appraised.
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, name === 'vex' ? [] : flat(member)]));
}

/** Throws what the parsers of keys, certificates and patterns throw: never for what `carry` made. */
export async function unpack({ anchors, conditions }: CarriedView): Promise<{ readonly anchors: Anchors; readonly conditions: readonly AskedCondition[] }> {
  const regex = JSON.stringify(conditions).includes('"pattern":"/') ? await loadLinearRegex() : undefined;
  const whole = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    if (Array.isArray(value)) return value.map(whole);
    if ('spki' in value) return parsePublicKey(value.spki as Uint8Array);
    if ('certificate' in value) return parseCertificate(value.certificate as Uint8Array);
    if ('pattern' in value) return patternOf(value.pattern as string);
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, whole(member)]));
  };
  const patternOf = (text: string): TextPattern => {
    if (text.startsWith('"')) return exactText(JSON.parse(text) as string);
    if (text.startsWith('/') && regex) {
      const { matches } = regex(text.slice(1, -1));
      return { text, matches: (value) => value.length <= LIMITS.matchedLength && matches(value) };
    }
    return textGlob(text.startsWith('glob:') ? text.slice('glob:'.length) : text);
  };
  return {
    anchors: whole(anchors) as Anchors,
    conditions: whole(conditions) as readonly { readonly types: readonly string[]; readonly condition: Condition }[],
  };
}
