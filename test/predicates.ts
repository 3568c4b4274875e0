/** The cases of vectors/predicates. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../src/core/encoding/index.ts';
import type { ScanSummary } from '../src/core/bundle/index.ts';
import { repositoryRoot } from './vectors.ts';

const folder = join(repositoryRoot, 'vectors', 'predicates');

export function predicateFile(name: string): Buffer {
  return readFileSync(join(folder, name));
}

function read(name: string): unknown {
  return JSON.parse(predicateFile(name).toString());
}

export interface ValidCase {
  readonly file: string;
  readonly types: readonly [string, ...string[]];
}
export const validCases = read('valid.json') as readonly ValidCase[];

export interface InvalidCase {
  readonly file: string;
  readonly type: string;
  readonly member: readonly string[];
  readonly value?: JsonValue;
  readonly at: string;
  readonly expected: string;
}
export const invalidCases = read('invalid.json') as readonly InvalidCase[];

export interface ScanCase {
  readonly file: string;
  readonly scannedAt?: string;
  readonly scanner: JsonObject;
  readonly metadata: JsonObject;
  readonly summary: ScanSummary;
}
export const scanCases = read('scans.json') as readonly ScanCase[];

export interface RefusedCase {
  readonly file: string;
  /** `scan`, `sbom` or a type. */
  readonly as: string;
  readonly code: string;
  readonly says: string;
}
export const refusedCases = read('refused.json') as readonly RefusedCase[];

export interface CiCase {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly now: string;
  readonly predicate?: JsonObject;
  readonly code?: string;
  readonly says?: string;
}
export const ciCases: readonly CiCase[] = readdirSync(join(folder, 'ci')).map((name) => ({ ...(read(join('ci', name)) as Omit<CiCase, 'name'>), name }));

/** A copy of a document with one member removed, or set to a value. */
export function changed(document: JsonValue, [step, ...rest]: readonly string[], value: JsonValue | undefined): JsonValue {
  const copy = structuredClone(document) as JsonObject;
  if (step === undefined) throw new Error('a case names no member');
  if (rest.length > 0) copy[step] = changed(copy[step] as JsonValue, rest, value);
  else if (value === undefined) Reflect.deleteProperty(copy, step);
  else copy[step] = value;
  return copy;
}
