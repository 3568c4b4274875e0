/** Reading the members of a JSON object that somebody else wrote: each of the type that it must have, or a refusal that names it. */
import { type JsonObject, type JsonValue, parseMoment } from '../encoding/index.ts';
import { type ErrorCode, SealwardError } from '../errors.ts';

export class Fields {
  readonly #object: JsonObject;
  readonly #what: string;
  readonly #code: ErrorCode;

  /** @param known the members that may stand in it; without it any may, as TUF demands of its own documents (section 4.1). */
  constructor(value: JsonValue | undefined, what: string, known?: readonly string[], code: ErrorCode = 'ERR_TRUST_INVALID') {
    this.#what = what;
    this.#code = code;
    if (value === null || value === undefined || typeof value !== 'object' || Array.isArray(value)) throw new SealwardError(code, `${what} is not an object`);
    this.#object = value;
    const strange = known && Object.keys(value).find((name) => !known.includes(name));
    if (strange !== undefined) this.refuse(`${JSON.stringify(strange.slice(0, 80))} is not a field that is known`);
  }

  refuse(why: string): never {
    throw new SealwardError(this.#code, `${this.#what}: ${why}`);
  }
  get what(): string {
    return this.#what;
  }
  has(name: string): boolean {
    return Object.hasOwn(this.#object, name);
  }
  value(name: string): JsonValue {
    return this.has(name) ? (this.#object[name] as JsonValue) : this.refuse(`${name} is missing`);
  }
  names(limit: number): string[] {
    const names = Object.keys(this.#object);
    return names.length <= limit ? names : this.tooMany(names.length, limit);
  }
  text(name: string): string {
    const value = this.value(name);
    return typeof value === 'string' ? value : this.refuse(`${name} is not a string`);
  }
  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const text = this.text(name);
    return values.find((value) => value === text) ?? this.refuse(`${name} is none of ${values.join(', ')}`);
  }
  /** A whole number; strings, fractions and what is beyond 2^53 are none. */
  integer(name: string, minimum: number): number {
    const value = this.value(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < minimum) return this.refuse(`${name} is not a whole number from ${minimum}`);
    return value;
  }
  flag(name: string): boolean {
    const value = this.value(name);
    return typeof value === 'boolean' ? value : this.refuse(`${name} is neither true nor false`);
  }
  moment(name: string): number {
    return parseMoment(this.text(name)) ?? this.refuse(`${name} is not a time such as 2026-01-02T03:04:05Z`);
  }
  optionalMoment(name: string): number | undefined {
    return this.has(name) ? this.moment(name) : undefined;
  }
  list(name: string, limit: number): JsonValue[] {
    const value = this.value(name);
    if (!Array.isArray(value)) return this.refuse(`${name} is not a list`);
    return value.length <= limit ? value : this.tooMany(value.length, limit, name);
  }
  texts(name: string, limit: number): string[] {
    return this.list(name, limit).map((item) => (typeof item === 'string' ? item : this.refuse(`${name} holds something other than strings`)));
  }
  object(name: string, known?: readonly string[]): Fields {
    return new Fields(this.value(name), `${this.#what}, ${name}`, known, this.#code);
  }
  objects(name: string, limit: number, known?: readonly string[]): Fields[] {
    return this.list(name, limit).map((item, i) => new Fields(item, `${this.#what}, ${name}[${i}]`, known, this.#code));
  }
  /** The members of an object that maps names to objects. */
  entries(name: string, limit: number): [string, Fields][] {
    const holder = this.object(name);
    return holder.names(limit).map((key) => [key, new Fields(holder.value(key), `${holder.what}, ${JSON.stringify(key.slice(0, 80))}`, undefined, this.#code)]);
  }
  private tooMany(count: number, limit: number, name?: string): never {
    throw new SealwardError('ERR_TOO_LARGE', `${this.#what}${name === undefined ? '' : `, ${name}`} has ${count} members, the bound is ${limit}`);
  }
}
