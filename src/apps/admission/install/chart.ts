/** Our Helm chart without Helm: values in, objects out. */
import { parseAllDocuments, stringify } from 'yaml';
import { quoted } from '../../../core/artifact/index.ts';
import type { JsonObject, JsonValue } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { renderFiles } from './render.ts';

/** The files of the chart, by their path in it. */
export type ChartFiles = Readonly<Record<string, string>>;

export interface ChartOptions {
  readonly namespace: string;
  /** What differs from values.yaml. */
  readonly values: JsonObject;
}

/** Maps whose keys are not ours: any may stand in them. */
const FREE = new Set([
  'resources',
  'controller.resources',
  'nodeSelector',
  'podAnnotations',
  'podLabels',
  'serviceAccountAnnotations',
  'tls.certManager.issuerRef',
  'registries.mirrors',
  'registries.privateHosts',
]);

/** The objects of the chart in the order of its files. Throws ERR_CONFIG_INVALID for values that the chart does not have, or refuses. */
export function renderChart(files: ChartFiles, { namespace, values }: ChartOptions): readonly JsonObject[] {
  const chart = yamlObject(files['Chart.yaml'] ?? '');
  const root: JsonObject = {
    Values: merged(yamlObject(files['values.yaml'] ?? ''), values, ''),
    Release: { Name: 'sealward', Namespace: namespace, Service: 'sealward' },
    Chart: { Name: chart['name'] ?? '', Version: chart['version'] ?? '', AppVersion: chart['appVersion'] ?? '' },
  };
  const templates = new Map(Object.entries(files).filter(([path]) => /^templates\/.*\.(?:yaml|tpl)$/.test(path)));
  const rendered = renderFiles(templates, { root, toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd() });
  return [...rendered].flatMap(([path, text]) => documentsOf(text, path));
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

/** Maps are merged, everything else is replaced, as Helm does it. */
function merged(defaults: JsonObject, values: JsonObject, path: string): JsonObject {
  const result: Record<string, JsonValue> = { ...defaults };
  for (const [key, value] of Object.entries(values)) {
    const place = path === '' ? key : `${path}.${key}`;
    const there = defaults[key];
    if (there === undefined && !FREE.has(path)) {
      throw new SealwardError('ERR_CONFIG_INVALID', `the chart has no value ${quoted(place)}`, {
        hint: `There are ${Object.keys(defaults).join(', ')}${path === '' ? '' : ` in ${path}`}.`,
      });
    }
    if (isJsonObject(there) !== isJsonObject(value) && there !== undefined && value !== null)
      throw new SealwardError('ERR_CONFIG_INVALID', `the value ${quoted(place)} must be ${isJsonObject(there) ? 'a map' : 'no map'}`);
    if (value === null) delete result[key];
    else result[key] = isJsonObject(there) && isJsonObject(value) ? merged(there, value, place) : value;
  }
  return result;
}
