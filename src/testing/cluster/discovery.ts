/** What is served, as clients ask for it: /api, /apis, /version, and as much of OpenAPI as kubectl looks at. */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { apiVersion, BUILT_IN, kindKey, type ServedKind, subresources } from './kinds.ts';
import { listAt, objectAt, textAt } from './members.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const SUBRESOURCE_VERBS: Readonly<Record<string, string[]>> = { eviction: ['create'] };

export const VERSION: JsonObject = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

/** A custom kind, of a CustomResourceDefinition of apiextensions.k8s.io/v1. */
export function customKind(definition: JsonObject): ServedKind {
  const spec = objectAt(definition, 'spec');
  const served = listAt(spec, 'versions').filter((version) => objectAt(version)['served'] === true);
  const storage = served.find((version) => objectAt(version)['storage'] === true);
  const versions = [...(storage === undefined ? [] : [storage]), ...served.filter((version) => version !== storage)];
  return {
    group: textAt(spec, 'group'),
    versions: versions.map((version) => textAt(version, 'name')),
    plural: textAt(spec, 'names', 'plural'),
    kind: textAt(spec, 'names', 'kind'),
    shortNames: listAt(spec, 'names', 'shortNames').map(String),
    namespaced: textAt(spec, 'scope') === 'Namespaced',
    status: versions.some((version) => 'status' in objectAt(version, 'subresources')),
    custom: true,
  };
}

/** The answer for a path of discovery; undefined where it is none. */
export function discover(path: string, kinds: readonly ServedKind[], address: string): JsonValue | undefined {
  if (path === '/version') return VERSION;
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(kinds).map((group) => groupOf(group, kinds)) };
  if (path === '/openapi/v3')
    return {
      paths: Object.fromEntries(
        groupVersions(kinds).map(([group, version]) => [rootOf(group, version).slice(1), { serverRelativeURL: `/openapi/v3${rootOf(group, version)}` }]),
      ),
    };
  const openapi = /^\/openapi\/v3(\/.+)$/.exec(path)?.[1];
  const [, core, group, version] = /^\/(?:api\/(v1)|apis\/([^/]+)(?:\/([^/]+))?)$/.exec(openapi ?? path) ?? [];
  if (core !== undefined) return openapi === undefined ? resourceList('', 'v1', kinds) : openApi('', 'v1', kinds);
  if (group === undefined || !groupsOf(kinds).includes(group)) return undefined;
  if (version === undefined) return { ...groupOf(group, kinds), kind: 'APIGroup', apiVersion: 'v1' };
  if (!kinds.some((kind) => kind.group === group && kind.versions.includes(version))) return undefined;
  return openapi === undefined ? resourceList(group, version, kinds) : openApi(group, version, kinds);
}

const groupsOf = (kinds: readonly ServedKind[]): string[] => [...new Set(kinds.map(({ group }) => group).filter((group) => group !== ''))];

const groupVersions = (kinds: readonly ServedKind[]): [string, string][] =>
  [...new Set(kinds.flatMap(({ group, versions }) => versions.map((version) => `${group} ${version}`)))].map((text) => text.split(' ') as [string, string]);

const rootOf = (group: string, version: string): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

function groupOf(name: string, kinds: readonly ServedKind[]): JsonObject {
  const versions = groupVersions(kinds)
    .filter(([group]) => group === name)
    .map(([, version]) => ({ groupVersion: apiVersion(name, version), version }));
  return { name, versions, preferredVersion: versions[0] ?? {} };
}

function resourceList(group: string, version: string, kinds: readonly ServedKind[]): JsonObject {
  const here = kinds.filter((kind) => kind.group === group && kind.versions.includes(version));
  const resources = here.flatMap((kind): JsonObject[] => [
    {
      name: kind.plural,
      singularName: kind.kind.toLowerCase(),
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: VERBS,
      shortNames: [...(kind.shortNames ?? [])],
    },
    ...subresources(kind).map(([name, subKind, subGroup, subVersion]): JsonObject => {
      const other = subGroup === kind.group ? {} : { group: subGroup, version: subVersion };
      return {
        name: `${kind.plural}/${name}`,
        singularName: '',
        namespaced: kind.namespaced,
        kind: subKind,
        ...other,
        verbs: SUBRESOURCE_VERBS[name] ?? ['get', 'patch', 'update'],
      };
    }),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion(group, version), resources };
}

/** kubectl looks here whether the server knows dryRun and fieldValidation, and leaves the checking of fields to it then. */
function openApi(group: string, version: string, kinds: readonly ServedKind[]): JsonObject {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
  const paths = kinds
    .filter((kind) => kind.group === group && kind.versions.includes(version))
    .map((kind): [string, JsonObject] => [
      `${rootOf(group, version)}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}/{name}`,
      { patch: { parameters, responses: {}, 'x-kubernetes-action': 'patch', 'x-kubernetes-group-version-kind': { group, version, kind: kind.kind } } },
    ]);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.32.0' },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  };
}

/** The kinds that are served now. */
export function servedKinds(definitions: readonly JsonObject[]): ServedKind[] {
  const taken = new Set(BUILT_IN.map(kindKey));
  return [...BUILT_IN, ...definitions.map(customKind).filter((kind) => kind.versions.length > 0 && !taken.has(kindKey(kind)))];
}
