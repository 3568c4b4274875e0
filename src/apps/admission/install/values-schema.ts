/**
 * Holds values against values.schema.json, as Helm does before it fills a template (json-schema.org, draft 7). It knows the
 * part of the language in which that file is written; a test holds it against a validator that knows all of it.
 */
import { quoted } from '../../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';

/** Throws ERR_CONFIG_INVALID at the first value that the schema does not have, or has otherwise. */
export function checkValues(schema: JsonValue, values: JsonObject): void {
  check(schema, values, '');
}

/** Whether a value at this path must be text, also when it looks like a number. */
export function isText(schema: JsonValue, path: readonly string[]): boolean {
  const node = path.reduce<JsonValue | undefined>((inner, name) => memberOf(memberOf(inner, 'properties'), name), schema);
  return stringOf(memberOf(node, 'type')) === 'string';
}

const KNOWN = new Set([
  '$schema',
  'title',
  'type',
  'properties',
  'additionalProperties',
  'required',
  'items',
  'minItems',
  'enum',
  'pattern',
  'minimum',
  'maximum',
]);

const IS: Readonly<Record<string, readonly [words: string, is: (value: JsonValue) => boolean]>> = {
  object: ['a map', isMap],
  array: ['a list', Array.isArray],
  string: ['text', (value) => typeof value === 'string'],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  integer: ['a whole number', Number.isInteger],
};

function check(schema: JsonValue, value: JsonValue, place: string): void {
  if (!isMap(schema)) throw new SealwardError('ERR_INVARIANT', `the schema of the chart is no map at ${quoted(place)}`);
  for (const keyword of Object.keys(schema))
    if (!KNOWN.has(keyword))
      throw new SealwardError('ERR_INVARIANT', `the schema of the chart has ${quoted(keyword)} at ${quoted(place)}, which is not known here`);
  const { type, pattern, minimum, maximum } = schema;
  const refuse = (must: string): never => {
    throw new SealwardError('ERR_CONFIG_INVALID', `the value ${quoted(place)} must be ${must}`, {
      hint: `It is ${JSON.stringify(value).slice(0, 100)}. deploy/chart/sealward/values.yaml says what there is.`,
    });
  };
  if (type !== undefined) {
    const kind = IS[stringOf(type) ?? ''];
    if (!kind) throw new SealwardError('ERR_INVARIANT', `the schema of the chart has the type ${quoted(JSON.stringify(type), 100)} at ${quoted(place)}`);
    const [words, is] = kind;
    if (!is(value)) refuse(words);
  }
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) refuse(`one of ${schema['enum'].map((one) => JSON.stringify(one)).join(', ')}`);
  if (typeof pattern === 'string' && typeof value === 'string' && !new RegExp(pattern, 'u').test(value)) refuse(`of the form ${pattern}`);
  if (typeof minimum === 'number' && typeof value === 'number' && value < minimum) refuse(`at least ${minimum}`);
  if (typeof maximum === 'number' && typeof value === 'number' && value > maximum) refuse(`at most ${maximum}`);
  if (Array.isArray(value)) checkItems(schema, value, place, refuse);
  else if (isMap(value)) checkMembers(schema, value, place, refuse);
}

function checkItems({ items, minItems }: JsonObject, value: readonly JsonValue[], place: string, refuse: (must: string) => never): void {
  if (typeof minItems === 'number' && value.length < minItems) refuse(`a list of at least ${minItems}`);
  if (items !== undefined) for (const [at, item] of value.entries()) check(items, item, `${place}[${at}]`);
}

function checkMembers(schema: JsonObject, value: JsonObject, place: string, refuse: (must: string) => never): void {
  const properties = isMap(schema['properties']) ? schema['properties'] : {};
  for (const name of Array.isArray(schema['required']) ? schema['required'].map(String) : []) if (!Object.hasOwn(value, name)) refuse(`a map with ${name}`);
  for (const [name, inner] of Object.entries(value)) {
    const path = place === '' ? name : `${place}.${name}`;
    const member = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (member !== undefined) check(member, inner, path);
    else if (schema['additionalProperties'] === false)
      throw new SealwardError('ERR_CONFIG_INVALID', `the chart has no value ${quoted(path)}`, {
        hint: `There are ${Object.keys(properties).join(', ')}${place === '' ? '' : ` in ${place}`}.`,
      });
  }
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
