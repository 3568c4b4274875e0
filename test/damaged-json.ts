/** What a careless or hostile writer makes of a JSON document: for tests of readers that must stand all of it. */
import { encodeHex, type JsonObject, type JsonValue } from '../src/core/encoding/index.ts';

/** Every document made from this one by leaving out, nulling or retyping one member, however deep. */
export function* damagedJson(value: JsonValue): Generator<JsonValue> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries<JsonValue>(value)) {
    const withMember = (replacement: JsonValue | undefined): JsonValue => {
      if (Array.isArray(value)) return value.flatMap((item, i) => (String(i) !== key ? [item] : replacement === undefined ? [] : [replacement]));
      const { [key]: _, ...rest } = value;
      return replacement === undefined ? rest : ({ ...value, [key]: replacement } satisfies JsonObject);
    };
    for (const replacement of [undefined, null, 7, '', 'x', true, [], {}, [null], [[]]]) yield withMember(replacement);
    for (const inner of damagedJson(member)) yield withMember(inner);
  }
}

/** A value as JSON that can be compared: bytes as hexadecimal, whatever buffer they are a view of, and bigints as `5n`. */
export function comparable(value: unknown): unknown {
  const replace = (_: string, member: unknown): unknown =>
    member instanceof Uint8Array ? encodeHex(member) : typeof member === 'bigint' ? `${member}n` : member;
  return JSON.parse(JSON.stringify(value, replace));
}
