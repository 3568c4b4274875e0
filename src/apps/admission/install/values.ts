/** Values as people give them, as with Helm: a YAML file, and single ones by their path. */
import { parseDocument } from 'yaml';
import { quoted } from '../../../core/artifact/index.ts';
import type { JsonObject, JsonValue } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { isText } from './values-schema.ts';

/** Throws ERR_CONFIG_INVALID. @param place the file, for messages */
export function parseValues(text: string, place: string): JsonObject {
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new SealwardError('ERR_CONFIG_INVALID', `${quoted(place, 400)} is no YAML: ${quoted(error.message.split('\n')[0] ?? '', 200)}`);
  const values = document.toJS({ maxAliasCount: 100 }) as JsonValue;
  if (values === null) return {};
  if (!isMap(values)) throw new SealwardError('ERR_CONFIG_INVALID', `${quoted(place, 400)} is no map of values`);
  return values;
}

/**
 * `trust.from=https://...`, `replicas=2`, `webhooks.enabled=false`: one value at a path. Throws ERR_USAGE.
 * @param schema of the values: what is text there stays as it was written, such as a tag of digits
 */
export function withValue(values: JsonObject, assignment: string, schema: JsonValue): JsonObject {
  const equals = assignment.indexOf('=');
  const path = assignment.slice(0, Math.max(equals, 0)).split('.');
  if (equals < 1 || !path.every((part) => /^[A-Za-z]\w*$/.test(part)))
    throw new SealwardError('ERR_USAGE', `--set ${quoted(assignment, 100)} is not PATH=VALUE`, {
      hint: 'Write --set trust.from=https://trust.example/sealward; lists go into a file for --values.',
    });
  const text = assignment.slice(equals + 1);
  if (isText(schema, path)) return put(values, path, text);
  const value = text === 'true' || text === 'false' ? text === 'true' : /^\d{1,9}$/.test(text) ? Number(text) : text;
  return put(values, path, value);
}

/** @returns the same values with this one changed */
export function put(values: JsonObject, [first = '', ...rest]: readonly string[], value: JsonValue): JsonObject {
  if (rest.length === 0) return { ...values, [first]: value };
  const inner = values[first];
  return { ...values, [first]: put(isMap(inner) ? inner : {}, rest, value) };
}

const isMap = (value: JsonValue | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);
