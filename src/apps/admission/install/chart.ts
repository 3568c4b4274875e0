/** Our Helm chart without Helm: values in, objects out. */
import { parseAllDocuments, stringify } from 'yaml';
import { quoted } from '../../../core/artifact/index.ts';
import type { JsonObject, JsonValue } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { renderFiles } from './render.ts';
import { checkValues } from './values-schema.ts';

/** The files of the chart, by their path in it. */
export type ChartFiles = Readonly<Record<string, string>>;

export interface ChartOptions {
  readonly namespace: string;
  /** What differs from values.yaml. */
  readonly values: JsonObject;
}

/** The objects of the chart in the order of its files. Throws ERR_CONFIG_INVALID for values that the chart does not have, or refuses. */
export function renderChart(files: ChartFiles, { namespace, values }: ChartOptions): readonly JsonObject[] {
  const chart = yamlObject(files['Chart.yaml'] ?? '');
  const all = merged(yamlObject(files['values.yaml'] ?? ''), values);
  checkValues(valuesSchema(files), all);
  const root: JsonObject = {
    Values: all,
    Release: { Name: 'sealward', Namespace: namespace, Service: 'sealward' },
    Chart: { Name: chart['name'] ?? '', Version: chart['version'] ?? '', AppVersion: chart['appVersion'] ?? '' },
  };
  const templates = new Map(Object.entries(files).filter(([path]) => /^templates\/.*\.(?:yaml|tpl)$/.test(path)));
  const rendered = renderFiles(templates, { root, toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd() });
  return [...rendered].flatMap(([path, text]) => documentsOf(text, path));
}

/** What values.schema.json says of the values. */
export function valuesSchema(files: ChartFiles): JsonValue {
  return JSON.parse(files['values.schema.json'] ?? 'null') as JsonValue;
}

/** The objects of the folder crds: they are not templates, and come before everything else. */
export function definitionsOf(files: ChartFiles): readonly JsonObject[] {
  return Object.entries(files).flatMap(([path, text]) => (path.startsWith('crds/') ? documentsOf(text, path) : []));
}

function documentsOf(text: string, path: string): readonly JsonObject[] {
  const documents = parseAllDocuments(text);
  return (Array.isArray(documents) ? documents : []).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new SealwardError('ERR_CONFIG_INVALID', `${path} is no YAML with these values: ${quoted(error.message, 200)}`);
    const object = document.toJS() as JsonValue;
    return isJsonObject(object) ? [object] : [];
  });
}

const isJsonObject = (value: JsonValue | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);

function yamlObject(text: string): JsonObject {
  return documentsOf(text, 'the chart')[0] ?? {};
}

/** Maps are merged, everything else is replaced, and null takes away, as Helm does it. */
function merged(defaults: JsonObject, values: JsonObject): JsonObject {
  const result = new Map(Object.entries(defaults));
  for (const [key, value] of Object.entries(values)) {
    const there = result.get(key);
    if (value === null) result.delete(key);
    else result.set(key, isJsonObject(there) && isJsonObject(value) ? merged(there, value) : value);
  }
  return Object.fromEntries(result);
}
