/**
 * Reading the proto3 JSON of Sigstore documents: a field may stand under its camelCase or its snake_case name, and a
 * field that is not known is refused, as the released clients do, because nobody would have checked what it says.
 */
import { decodeProtoBytes } from './base64.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { SealwardError, type ErrorCode } from '../errors.ts';

export class ProtoObject {
  readonly #object: JsonObject;
  readonly #what: string;
  readonly #code: ErrorCode;

  /** @param known the camelCase names that may stand in the object; anything else is refused. */
  constructor(value: JsonValue | undefined, what: string, known: readonly string[], code: ErrorCode = 'ERR_BUNDLE_INVALID') {
    this.#what = what;
    this.#code = code;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new SealwardError(code, `${what} is not an object`);
    const object: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      const name = key.includes('_') ? key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : key;
      if (!known.includes(name)) throw new SealwardError(code, `${what} has a field that is not known: ${JSON.stringify(key.slice(0, 80))}`);
      if (Object.hasOwn(object, name)) throw new SealwardError(code, `${what} has the field ${name} under two names`);
      // In proto3 JSON null stands for an absent field.
      if (member !== null) object[name] = member as JsonValue;
    }
    this.#object = object;
  }

  refuse(why: string): never {
    throw new SealwardError(this.#code, `${this.#what}: ${why}`);
  }
  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }
  value(name: string): JsonValue | undefined {
    return this.#object[name];
  }
  object(name: string, known: readonly string[]): ProtoObject {
    if (!this.has(name)) this.refuse(`${name} is missing`);
    return new ProtoObject(this.#object[name], `${this.#what}.${name}`, known, this.#code);
  }
  optionalObject(name: string, known: readonly string[]): ProtoObject | undefined {
    return this.has(name) ? this.object(name, known) : undefined;
  }
  string(name: string): string {
    const value = this.#object[name] ?? '';
    if (typeof value !== 'string') return this.refuse(`${name} is not a string`);
    return value;
  }
  /** A bytes field that must be there and not be empty. */
  bytes(name: string): Uint8Array {
    const text = this.string(name);
    if (text === '') this.refuse(`${name} is missing or empty`);
    return decodeProtoBytes(text, `${this.#what}.${name}`);
  }
  optionalBytes(name: string): Uint8Array | undefined {
    return this.string(name) === '' ? undefined : this.bytes(name);
  }
  /** A repeated field; absent means empty. */
  list(name: string, limit: number): JsonValue[] {
    const value = this.#object[name] ?? [];
    if (!Array.isArray(value)) return this.refuse(`${name} is not a list`);
    if (value.length > limit) throw new SealwardError('ERR_TOO_LARGE', `${this.#what}.${name} has ${value.length} members, the bound is ${limit}`);
    return value;
  }
  objects(name: string, limit: number, known: readonly string[]): ProtoObject[] {
    return this.list(name, limit).map((item, i) => new ProtoObject(item, `${this.#what}.${name}[${i}]`, known, this.#code));
  }
  /** An enum, which may stand as its name or its number. */
  enumeration<T extends string>(name: string, names: Readonly<Record<T, number>>): T {
    const value = this.#object[name];
    for (const [candidate, number] of Object.entries(names) as [T, number][]) if (value === candidate || value === number) return candidate;
    return this.refuse(`${name} has a value that is not known`);
  }
}
