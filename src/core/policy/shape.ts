/**
 * Shapes of policy documents: each reads a node and writes its own JSON Schema, so that what an editor completes and what
 * is accepted cannot differ. A shape that finds something wrong says so, and gives undefined; whoever asked for the
 * document drops the whole of it then.
 */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { quoted } from '../artifact/index.ts';
import { type JsonObject, LIMITS, parseMoment } from '../encoding/index.ts';
import type { TextPattern } from './policy.ts';
import { imageGlob } from './image-glob.ts';
import { regexText } from './regex-text.ts';
import { exactText, invalid, textGlob } from './text-pattern.ts';
import { describeNode, type Place, type Reading } from './yaml-source.ts';

export interface Shape<T> {
  readonly read: (node: Node | null | undefined, reading: Reading) => T | undefined;
  readonly schema: JsonObject;
}

/** A value and where it stands, for checks that look at several of them. */
export interface At<T> {
  readonly value: T;
  readonly node: Node;
}

export type ValueOf<S> = S extends Shape<infer T> ? T : never;

interface Member<T, Optional extends boolean> {
  readonly shape: Shape<T>;
  readonly optional: Optional;
}

export function optional<T>(shape: Shape<T>): Member<T, true> {
  return { shape, optional: true };
}

export function required<T>(shape: Shape<T>): Member<T, false> {
  return { shape, optional: false };
}

type Members = Readonly<Record<string, Member<unknown, boolean>>>;
type Read<M extends Members> = {
  readonly [K in keyof M as M[K]['optional'] extends false ? K : never]: ValueOf<M[K]['shape']>;
} & {
  readonly [K in keyof M as M[K]['optional'] extends true ? K : never]?: ValueOf<M[K]['shape']>;
};

/** A map with exactly these members. */
export function object<M extends Members>(members: M, description: string): Shape<Read<M>> {
  const names = Object.keys(members);
  return {
    schema: {
      type: 'object',
      description,
      properties: Object.fromEntries(names.map((name) => [name, members[name]?.shape.schema ?? {}])),
      required: names.filter((name) => !members[name]?.optional),
      additionalProperties: false,
    },
    read: (given, reading) => {
      const node = reading.resolve(given);
      if (!isMap(node)) return wrong(node ?? given, reading, 'a map');
      const found: Record<string, unknown> = {};
      const unique = uniqueIn(reading);
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? key.value : undefined;
        if (!unique(key as Node, name)) continue;
        const member = typeof name === 'string' && Object.hasOwn(members, name) ? members[name] : undefined;
        if (!member) {
          if (reading.full) break;
          const close = typeof name === 'string' ? nearest(name, names) : undefined;
          const hint = close === undefined ? `Known are ${names.join(', ')}.` : `Did you mean ${close}? Known are ${names.join(', ')}.`;
          reading.problem(key as Node, `${typeof name === 'string' ? quoted(name) : 'a key that is no text'} is not known here`, hint);
          continue;
        }
        // A key without a value is more often a forgotten value than a wish for the default.
        const read = member.shape.read(value as Node | null, reading);
        // Also what could not be read was given: that one of several must be there is not said on top of it.
        found[name as string] = read;
      }
      const needed = names.filter((name) => !members[name]?.optional);
      for (const name of needed) if (!node.has(name)) reading.problem(node, `${name} is missing`);
      return needed.every((name) => found[name] !== undefined) ? (found as Read<M>) : undefined;
    },
  };
}

function wrong(node: Node | null | undefined, reading: Reading, wanted: string, hint?: string): undefined {
  return reading.problem(node, `this must be ${wanted}, and it is ${describeNode(node)}`, hint);
}

export function list<T>(item: Shape<T>, { least = 1, description }: { readonly least?: number; readonly description?: string } = {}): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: item.schema, minItems: least, ...(description === undefined ? {} : { description }) },
    read: (given, reading) => {
      const node = reading.resolve(given);
      if (!isSeq(node)) return wrong(node ?? given, reading, 'a list');
      if (node.items.length < least) reading.problem(node, 'this list is empty', 'Leave it out, or say what belongs in it.');
      return node.items.map((one) => item.read(one as Node, reading)).filter((value) => value !== undefined);
    },
  };
}

/** Whether a key stands in a map for the first time. */
function uniqueIn(reading: Reading): (key: Node, name: unknown) => boolean {
  const seen = new Set<unknown>();
  return (key, name) => {
    if (seen.has(name) && name !== undefined) {
      reading.problem(key, 'the same key stands twice');
      return false;
    }
    seen.add(name);
    return true;
  };
}

export function mapOf<T>(item: Shape<T>, description: string): Shape<readonly (readonly [key: string, value: T])[]> {
  return {
    schema: { type: 'object', additionalProperties: item.schema, minProperties: 1, description },
    read: (given, reading) => {
      const node = reading.resolve(given);
      if (!isMap(node)) return wrong(node ?? given, reading, 'a map');
      if (node.items.length === 0) reading.problem(node, 'this map is empty', 'Leave it out, or say what belongs in it.');
      const unique = uniqueIn(reading);
      const members = node.items.flatMap(({ key, value }) => {
        const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined;
        if (name === undefined) reading.problem(key as Node, 'a key must be a text');
        const read = unique(key as Node, name) ? item.read(value as Node, reading) : undefined;
        return name === undefined || read === undefined ? [] : [[name, read] as const];
      });
      // The order of a map means nothing, and must not change a digest.
      return members.sort(([a], [b]) => (a < b ? -1 : 1));
    },
  };
}

export function string(description: string, { longest = 1024, pattern }: { readonly longest?: number; readonly pattern?: RegExp } = {}): Shape<string> {
  return {
    schema: { type: 'string', minLength: 1, maxLength: longest, description, ...(pattern ? { pattern: pattern.source } : {}) },
    read: (given, reading) => {
      const node = reading.resolve(given);
      const value = isScalar(node) ? node.value : undefined;
      if (typeof value !== 'string') return wrong(node ?? given, reading, 'a text', 'Put it in quotes if it looks like a number or a date.');
      if (value === '' || value.length > longest) return reading.problem(node, `this text must have between 1 and ${longest} characters`);
      if (pattern && !pattern.test(value)) return reading.problem(node, `${quoted(value)} is not of the form ${pattern.source}`);
      return value;
    },
  };
}

export function choice<const T extends string>(values: readonly T[], description: string): Shape<T> {
  return {
    schema: { type: 'string', enum: [...values], description },
    read: (given, reading) => {
      const node = reading.resolve(given);
      const value = isScalar(node) ? node.value : undefined;
      const found = values.find((one) => one === value);
      if (found !== undefined) return found;
      const close = typeof value === 'string' ? nearest(value, values) : undefined;
      return wrong(node ?? given, reading, `one of ${values.join(', ')}`, close === undefined ? undefined : `Did you mean ${close}?`);
    },
  };
}

/** `true` for whatever value, or a pattern over it. */
export function presence(description: string): Shape<true | TextPattern> {
  const pattern = textPattern(description);
  return {
    schema: { description, anyOf: [{ const: true }, pattern.schema] },
    read: (given, reading) => {
      const node = reading.resolve(given);
      return isScalar(node) && node.value === true ? true : pattern.read(given, reading);
    },
  };
}

export function boolean(description: string): Shape<boolean> {
  return {
    schema: { type: 'boolean', description },
    read: (given, reading) => {
      const node = reading.resolve(given);
      return isScalar(node) && typeof node.value === 'boolean' ? node.value : wrong(node ?? given, reading, 'true or false');
    },
  };
}

export function integer(least: number, most: number, description: string): Shape<number> {
  return {
    schema: { type: 'integer', minimum: least, maximum: most, description },
    read: (given, reading) => {
      const node = reading.resolve(given);
      const value = isScalar(node) ? node.value : undefined;
      return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
        ? value
        : wrong(node ?? given, reading, `a whole number from ${least} to ${most}`);
    },
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** Whatever others write there; it is not looked into. */
export function anything(description: string): Shape<true> {
  return { schema: { description }, read: () => true };
}

/** Milliseconds. */
export function duration(description: string): Shape<number> {
  return {
    schema: { type: 'string', pattern: '^(?:[1-9][0-9]{0,5}[smhdw])+$', description: `${description} A number with its unit: 90s, 15m, 12h, 30d, 2w.` },
    read: (given, reading) => {
      const node = reading.resolve(given);
      const value = isScalar(node) ? node.value : undefined;
      if (typeof value !== 'string' || value.length > 64 || !/^(?:[1-9]\d{0,5}[smhdw])+$/.test(value)) {
        return wrong(node ?? given, reading, 'a duration with its unit', 'Such as 90s, 15m, 12h, 30d or 2w.');
      }
      return [...value.matchAll(/(\d+)([smhdw])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
    },
  };
}

/** Milliseconds since 1970. */
export function moment(description: string): Shape<number> {
  return {
    schema: { type: 'string', format: 'date-time', description: `${description} In UTC, as in 2026-01-31T12:00:00Z.` },
    read: (given, reading) => {
      const node = reading.resolve(given);
      const value = isScalar(node) ? node.value : undefined;
      const time = typeof value === 'string' && value.endsWith('Z') ? parseMoment(value) : undefined;
      return time ?? wrong(node ?? given, reading, 'a moment in UTC', 'Such as 2026-01-31T12:00:00Z.');
    },
  };
}

export function images(description: string): Shape<readonly TextPattern[]> {
  return list(
    pattern(imageGlob, { type: 'string', minLength: 1, maxLength: LIMITS.patternLength, description: 'A pattern such as registry.example/team/**.' }),
    { description },
  );
}

/** A name with stars, `{ exact: … }` or `{ regex: … }`. `never` finds a character that no such name ever holds. */
export function textPattern(description: string, never?: RegExp): Shape<TextPattern> {
  const possible = (name: string, letters = name): void => {
    if (never?.test(letters)) throw invalid(name, 'no such name holds all of its characters, so that it can match nothing');
  };
  const text = string(description, { longest: LIMITS.patternLength });
  const written = object(
    {
      exact: optional(string('The value itself, with its stars.', { longest: LIMITS.patternLength })),
      regex: optional(string('In RE2 syntax, over the whole value.', { longest: LIMITS.patternLength })),
    },
    'A pattern that is not written with stars.',
  );
  return {
    schema: { description, anyOf: [text.schema, written.schema] },
    read: (given, reading) => {
      const node = reading.resolve(given);
      if (!isMap(node)) {
        const glob = (name: string): TextPattern => {
          possible(name, name.replaceAll('*', ''));
          return textGlob(name);
        };
        return pattern(glob, {}).read(given, reading);
      }
      const read = written.read(node, reading);
      if (!read) return undefined;
      if ((read.exact === undefined) === (read.regex === undefined)) return reading.problem(node, 'exactly one of exact and regex must be given');
      const make = (): TextPattern => {
        if (read.exact === undefined) return regexText(read.regex as string);
        possible(read.exact);
        return exactText(read.exact);
      };
      return attempt(make, node, reading);
    },
  };
}

function pattern(make: (text: string) => TextPattern, schema: JsonObject): Shape<TextPattern> {
  const text = string('', { longest: LIMITS.patternLength });
  return {
    schema,
    read: (given, reading) => {
      const value = text.read(given, reading);
      return value === undefined ? undefined : attempt(() => make(value), given, reading);
    },
  };
}

/** Runs what throws ERR_… and turns that into a problem at the node. */
export function attempt<T>(make: () => T, node: Node | null | undefined, reading: Reading): T | undefined {
  try {
    return make();
  } catch (error) {
    return reading.thrown(node, error);
  }
}

/** The value together with its node. */
export function at<T>(shape: Shape<T>): Shape<At<T>> {
  return {
    schema: shape.schema,
    read: (given, reading) => {
      const value = shape.read(given, reading);
      return value === undefined || !given ? undefined : { value, node: given };
    },
  };
}

/** Either a scalar that the first shape reads, or what the second does. */
export function textOr<A, B>(text: Shape<A>, other: Shape<B>): Shape<A | B> {
  return {
    schema: { anyOf: [text.schema, other.schema] },
    read: (given, reading) => (isScalar(reading.resolve(given)) ? text.read(given, reading) : other.read(given, reading)),
  };
}

export function lazily<T>(shape: () => Shape<T>, schema: JsonObject): Shape<T> {
  return { schema, read: (given, reading) => reading.deeper(given, () => shape().read(given, reading)) };
}

export type { Place };

/** The known name that a mistyped one is closest to: at most two letters away. */
function nearest(name: string, names: readonly string[]): string | undefined {
  return names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? names.find((known) => distance(name.slice(0, 64), known) <= 2);
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length] as number;
}
