/** Sealward's documents as they are written, from what an importer found. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { API_VERSION } from '../document-shapes.ts';

export interface WrittenPolicy {
  readonly name: string;
  readonly match?: {
    readonly images?: readonly string[];
    readonly exclude?: readonly string[];
    readonly namespaces?: readonly JsonValue[];
    readonly namespaceLabels?: JsonObject;
  };
  readonly mode?: 'enforce' | 'warn' | 'audit';
  readonly authorities?: readonly JsonObject[];
  readonly signatures?: JsonValue | undefined;
  readonly attestations?: readonly JsonObject[];
  readonly strictness?: JsonObject;
  /** Reasons for which every image in the scope is refused, whatever else was carried over. */
  readonly refuse?: readonly string[];
}

/**
 * A policy that is refused keeps its scope and its mode alone: what is half carried over must not look like a whole
 * policy, and must not let anything through.
 */
export function writePolicy({
  name,
  match = {},
  mode,
  authorities = [],
  signatures,
  attestations = [],
  strictness = {},
  refuse = [],
}: WrittenPolicy): JsonObject {
  const scoped = Object.fromEntries(Object.entries(match).filter(([, value]) => !(Array.isArray(value) && value.length === 0))) as JsonObject;
  const scope = {
    ...(Object.keys(scoped).length > 0 ? { match: scoped } : {}),
    ...(mode && mode !== 'enforce' ? { mode } : {}),
  };
  const spec =
    refuse.length > 0
      ? { ...scope, refuse: `This policy could not be carried over: ${refuse.join('; ')}.`.slice(0, 2000) }
      : {
          ...scope,
          ...(authorities.length > 0 ? { authorities: [...authorities] } : {}),
          ...(signatures === undefined ? {} : { signatures }),
          ...(attestations.length > 0 ? { attestations: [...attestations] } : {}),
          ...(Object.keys(strictness).length > 0 ? { strictness } : {}),
        };
  return { apiVersion: API_VERSION, kind: 'ImagePolicy', metadata: { name }, spec };
}

export function writeDefault(action: 'deny' | 'warn' | 'allow'): JsonObject {
  return { apiVersion: API_VERSION, kind: 'DefaultRule', metadata: { name: 'default' }, spec: { action } };
}

/** A name as Kubernetes has them, out of whatever another tool allowed. */
export function plainName(...parts: readonly (string | number)[]): string {
  const clean = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9.-]+/g, '-')
      .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  const joined = parts
    .map((part) => clean(String(part)))
    .filter((part) => part !== '')
    .join('-')
    .slice(0, 253);
  return joined === '' ? 'imported' : joined.replace(/[^a-z0-9]+$/, '');
}

export function exactly(text: string): JsonValue {
  return { exact: text };
}

/** A wildcard pattern (`*` any text, `?` one character) as an expression over the whole value. */
export function wildcardPattern(text: string): JsonValue {
  if (!/[*?]/.test(text)) return exactly(text);
  return {
    regex: text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.'),
  };
}

/** One of these: the name itself where there is no choice. */
export function anyOf(names: readonly string[]): JsonValue {
  return names.length === 1 ? (names[0] as string) : { anyOf: [...names] };
}

/** All of these; undefined of none. */
export function allOf(parts: readonly JsonValue[]): JsonValue | undefined {
  return parts.length > 1 ? { allOf: [...parts] } : parts[0];
}
