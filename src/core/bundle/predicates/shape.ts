/**
 * A place in a document that is being checked: it knows its path, so that every refusal names it and says what was
 * expected there. Members that are not asked for are ignored: formats of this field grow by new members.
 */
import { quoted } from '../../artifact/index.ts';
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { parseTime } from './time.ts';

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}]+$/u;

export class Shape {
  readonly #what: string;
  readonly #path: string;
  readonly value: JsonValue | undefined;

  /** @param what the document, for the messages: "a CycloneDX SBOM". */
  constructor(what: string, value: JsonValue | undefined, path = '') {
    this.#what = what;
    this.#path = path;
    this.value = value;
  }

  refuse(expected: string, hint?: string): never {
    const found = this.absent ? 'it is missing' : `it is ${describe(this.value)}`;
    const where = this.#path === '' ? 'the document' : this.#path;
    throw new SealwardError(
      'ERR_PREDICATE_INVALID',
      `this is not ${this.#what}: ${where} must be ${expected}, and ${found}`,
      hint === undefined ? {} : { hint },
    );
  }

  /** Unset and null are the same (SLSA and in-toto parsing rules; Go writes null for what is not set). */
  get absent(): boolean {
    return this.value === undefined || this.value === null;
  }

  at(name: string): Shape {
    const object = this.object();
    const step = /^[\w@$-]+$/.test(name) ? name : quoted(name);
    return new Shape(this.#what, Object.hasOwn(object, name) ? object[name] : undefined, this.#path === '' ? step : `${this.#path}.${step}`);
  }

  /** Checks a member only where it is there. */
  maybe(name: string, check: (member: Shape) => void): void {
    const member = this.at(name);
    if (!member.absent) check(member);
  }

  object(): JsonObject {
    const { value } = this;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return this.refuse('an object');
    return value;
  }

  list(): Shape[] {
    if (!Array.isArray(this.value)) return this.refuse('a list');
    // Not map, which leaves out the holes of a list that a caller built.
    return Array.from(this.value, (item, i) => new Shape(this.#what, item, `${this.#path}[${i}]`));
  }

  /** The members of an object that is used as a map. */
  members(): (readonly [key: string, member: Shape])[] {
    return Object.keys(this.object()).map((key) => [key, this.at(key)] as const);
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.refuse('a string');
  }

  /** A string that says something. */
  text(expected = 'a text'): string {
    return typeof this.value === 'string' && this.value !== '' ? this.value : this.refuse(expected);
  }

  matching(pattern: RegExp, expected: string, hint?: string): string {
    return typeof this.value === 'string' && pattern.test(this.value) ? this.value : this.refuse(expected, hint);
  }

  uri(): string {
    return this.matching(URI, 'a URI');
  }

  oneOf(values: readonly string[]): string {
    return typeof this.value === 'string' && values.includes(this.value) ? this.value : this.refuse(`one of ${values.join(', ')}`);
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.refuse('true or false');
  }

  integer(minimum: number): number {
    return Number.isSafeInteger(this.value) && (this.value as number) >= minimum ? (this.value as number) : this.refuse(`a whole number from ${minimum}`);
  }

  /** Milliseconds since 1970 of an RFC 3339 time. */
  time(): number {
    const time = typeof this.value === 'string' ? parseTime(this.value) : undefined;
    return time ?? this.refuse('an RFC 3339 time, such as 2026-01-31T12:00:00Z');
  }
}

function describe(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value === '' ? 'empty' : quoted(value, 60);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  return String(value);
}
