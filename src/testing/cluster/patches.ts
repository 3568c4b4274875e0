/** The four kinds of patches. What does not fit throws 400, 409 or 422 as the API server does. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { isObject, listAt, textAt, valueAt } from './members.ts';
import { ApiFailure, badRequest } from './statuses.ts';

/** RFC 7396. */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

/** It does not say what. */
const unprocessable = (): ApiFailure => new ApiFailure(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

/** RFC 6902. */
export function jsonPatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  let document = structuredClone(target);
  for (const step of patch) {
    const [op, path] = [textAt(step, 'op'), pointer(textAt(step, 'path'))];
    const value = isObject(step) && 'value' in step ? structuredClone(step['value']) : undefined;
    if (op === 'test') {
      if (!isDeepStrictEqual(find(document, path), value)) throw unprocessable();
    } else if (op === 'remove') document = edit(document, path, 'remove');
    else if (op === 'replace') document = edit(document, path, 'replace', value);
    else if (op === 'add') document = edit(document, path, 'add', value);
    else if (op === 'move' || op === 'copy') {
      const from = pointer(textAt(step, 'from'));
      const moved = find(document, from);
      if (op === 'move') document = edit(document, from, 'remove');
      document = edit(document, path, 'add', structuredClone(moved));
    } else throw unprocessable();
  }
  return document;
}

function pointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw badRequest(`"${text}" is no JSON pointer`);
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function find(document: JsonValue, path: readonly string[]): JsonValue {
  let at: JsonValue | undefined = document;
  for (const name of path) at = Array.isArray(at) ? at[indexOf(name, at.length - 1)] : isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  if (at === undefined) throw unprocessable();
  return at;
}

function indexOf(name: string, last: number): number {
  const index = /^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : Number.NaN;
  if (!(index <= last)) throw unprocessable();
  return index;
}

function edit(document: JsonValue, path: readonly string[], how: 'add' | 'replace' | 'remove', value?: JsonValue): JsonValue {
  const name = path.at(-1);
  if (how !== 'remove' && value === undefined) throw badRequest('an operation has no value');
  if (name === undefined) return value as JsonValue;
  const parent = find(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = how === 'add' && name === '-' ? parent.length : indexOf(name, how === 'add' ? parent.length : parent.length - 1);
    parent.splice(index, how === 'add' ? 0 : 1, ...(how === 'remove' ? [] : [value as JsonValue]));
  } else if (isObject(parent)) {
    // What is not there is replaced as if it were: so does the library of the API server.
    if (how === 'remove') find(parent, [name]);
    if (how === 'remove') delete parent[name];
    else Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
  } else throw unprocessable();
  return document;
}

/** By which member the entries of a list are told apart (the patchMergeKey of its type); other lists are replaced whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  secrets: 'name',
  webhooks: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
  conditions: 'type',
  ownerReferences: 'uid',
};

/** A strategic merge patch: a merge patch in which lists of named things are merged by name, with its directives. */
export function strategicMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  if (patch['$patch'] === 'replace') return without(patch, '$patch');
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained)) for (const name of Object.keys(merged)) if (!retained.includes(name)) delete merged[name];
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$deleteFromPrimitiveList/') && Array.isArray(value)) {
      const list = name.slice('$deleteFromPrimitiveList/'.length);
      merged[list] = listAt(merged, list).filter((each) => !value.includes(each));
    } else if (name.startsWith('$')) continue;
    else if (value === null) delete merged[name];
    else if (Array.isArray(value)) merged[name] = mergeList(name, listAt(merged, name), value);
    else merged[name] = strategicMergePatch(merged[name], value);
  }
  return merged;
}

function mergeList(name: string, target: readonly JsonValue[], patch: readonly JsonValue[]): JsonValue[] {
  if (name === 'finalizers') return [...new Set([...target, ...patch])];
  const key = MERGE_KEYS[name];
  if (key === undefined || patch.some((each) => isObject(each) && each['$patch'] === 'replace')) {
    return patch.filter((each) => !isObject(each) || each['$patch'] !== 'replace' || Object.keys(each).length > 1);
  }
  const merged = [...target];
  for (const each of patch) {
    const at = merged.findIndex((held) => isObject(held) && isObject(each) && held[key] === each[key]);
    if (isObject(each) && each['$patch'] === 'delete') {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = strategicMergePatch(merged[at], each);
    else merged.push(isObject(each) ? without(each, '$patch') : each);
  }
  return merged;
}

const without = (object: JsonObject, name: string): JsonObject => Object.fromEntries(Object.entries(object).filter(([each]) => each !== name));

/**
 * Server-side apply, as far as one can without managedFields: what a manager applies is merged, what it applied before and
 * does no more is taken away, unless another manager applied it as well.
 * @param others what each other manager applied last
 */
export function applyPatch(live: JsonValue | undefined, applied: JsonValue, before: JsonValue | undefined, others: Iterable<JsonValue>): JsonValue {
  let kept = live;
  if (isObject(live) && isObject(before)) {
    kept = takeBack(live, before, applied);
    for (const other of others) kept = strategicMergePatch(kept, other);
  }
  return strategicMergePatch(kept, applied);
}

/** What says which object it is belongs to nobody. */
export function withoutNames(applied: JsonObject): JsonObject {
  const { apiVersion: _, kind: __, metadata, ...rest } = applied;
  const { name: ___, namespace: ____, uid: _____, resourceVersion: ______, ...more } = isObject(metadata) ? metadata : {};
  return Object.keys(more).length === 0 ? rest : { ...rest, metadata: more };
}

/** The fields that have another value there, as ".data.a". What only one of the two has differs in nothing, and entries of lists are not compared. */
export function differingFields(one: JsonValue, other: JsonValue, path = ''): string[] {
  if (!isObject(one) || !isObject(other)) return Array.isArray(one) || isDeepStrictEqual(one, other) ? [] : [path];
  return Object.entries(one).flatMap(([name, value]) => {
    const theirs = other[name];
    return theirs === undefined ? [] : differingFields(value, theirs, `${path}.${name}`);
  });
}

/** Whether a field, such as ".data.a", has the same value in both. */
export function agreeOn(field: string, one: JsonObject, other: JsonObject): boolean {
  const path = field.split('.').slice(1);
  return isDeepStrictEqual(valueAt(one, ...path), valueAt(other, ...path));
}

/** What one manager applied, without the fields to which another gave another value. */
export function disowned(applied: JsonValue, other: JsonValue): JsonValue {
  if (!isObject(applied) || !isObject(other)) return applied;
  const kept = Object.entries(applied).filter(
    ([name, value]) => other[name] === undefined || isObject(value) || Array.isArray(value) || isDeepStrictEqual(value, other[name]),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, disowned(value, other[name] ?? null)]));
}

function takeBack(live: JsonObject, before: JsonObject, applied: JsonValue): JsonObject {
  const kept: JsonObject = { ...live };
  for (const [name, old] of Object.entries(before)) {
    const now = isObject(applied) ? applied[name] : undefined;
    const at = kept[name];
    if (now === undefined) delete kept[name];
    else if (isObject(at) && isObject(old)) kept[name] = takeBack(at, old, now);
    else if (Array.isArray(at) && Array.isArray(old) && Array.isArray(now)) kept[name] = takeBackEntries(name, at, old, now);
  }
  return kept;
}

function takeBackEntries(name: string, live: readonly JsonValue[], before: readonly JsonValue[], applied: readonly JsonValue[]): JsonValue[] {
  const key = MERGE_KEYS[name];
  if (key === undefined) return [...live];
  const holds = (list: readonly JsonValue[], entry: JsonValue): boolean => list.some((each) => textAt(each, key) === textAt(entry, key));
  return live.filter((entry) => !holds(before, entry) || holds(applied, entry));
}
